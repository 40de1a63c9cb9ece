"""FAT: free adversarial training (Shafahi et al. 2019)."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from varbench.extractors.networks import Extractor
from varbench.extractors.training import Labels, Pixels, fit


def train(
    network: Extractor,
    images: Pixels,
    labels: Labels,
    *,
    epsilon: float = 4.0,
    replays: int = 4,
    device: torch.device,
    batch_size: int,
    **options: Any,
) -> None:
    """Train on each minibatch ``replays`` times; one backward pass moves weights and perturbation.

    The perturbation of a minibatch is where the next minibatch starts. Epochs are divided by the
    replays, so that the number of passes through the network is that of standard training.

    Parameters
    ----------
    epsilon
        L-inf radius of the perturbation and length of its step, in 255ths.
    replays
        m, passes over each minibatch.
    options
        As for ``training.fit``.
    """
    radius = epsilon / 255
    perturbation = torch.zeros(min(batch_size, len(images)), 3, *images.shape[1:3], device=device)

    def step(
        network: Extractor,
        images: Tensor,
        labels: Tensor,
        update: Callable[[Tensor], None],
        _generator: torch.Generator,
    ) -> None:
        delta = perturbation[: len(images)]
        for _ in range(replays):
            moving = delta.detach().clone().requires_grad_()
            update(cross_entropy(network((images + moving).clamp(0, 1)), labels))
            assert moving.grad is not None
            delta.add_(radius * moving.grad.sign()).clamp_(-radius, radius)

    fit(
        network, images, labels, step,
        device=device, batch_size=batch_size, updates_per_batch=replays,
        state={"perturbation": perturbation}, **options,
    )  # fmt: skip
