"""FAT: free adversarial training (Shafahi et al. 2019)."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from varbench.extractors import processes
from varbench.extractors.data import Data, batch_lengths
from varbench.extractors.evaluation import signs
from varbench.extractors.networks import Extractor
from varbench.extractors.training import Row, fit


def train(
    network: Extractor,
    data: Data,
    *,
    epsilon: float = 4.0,
    replays: int = 4,
    device: torch.device,
    batch_size: int,
    **options: Any,
) -> list[Row]:
    """Train on each minibatch ``replays`` times; one backward pass moves weights and perturbation.

    The perturbation of a minibatch is where the next minibatch starts; each process has its own.
    Epochs are divided by the replays, so that the number of passes through the network is that of
    standard training.

    Parameters
    ----------
    epsilon
        L-inf radius of the perturbation and length of its step, in 255ths.
    replays
        m, passes over each minibatch.
    options
        As for ``training.fit``, which also says what is returned.
    """
    radius = epsilon / 255
    largest = max(batch_lengths(data.count, batch_size), default=0) // processes.count()
    perturbation = torch.zeros(largest, 3, *data.size, device=device)

    def step(
        _network: nn.Module,
        images: Tensor,
        labels: Tensor,
        update: Callable[[Tensor, Tensor], None],
        _generator: torch.Generator,
    ) -> None:
        delta = perturbation[: len(images)]
        for _ in range(replays):
            moving = delta.detach().clone().requires_grad_()
            update((images + moving).clamp(0, 1), labels)
            assert moving.grad is not None
            delta.add_(radius * signs(moving.grad)).clamp_(-radius, radius)

    return fit(
        network, data, step,
        device=device, batch_size=batch_size, updates_per_batch=replays,
        state={"perturbation": perturbation}, **options,
    )  # fmt: skip
