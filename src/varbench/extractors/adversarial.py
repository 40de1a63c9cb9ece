"""AT: adversarial training (Madry et al. 2018; the paper's Eq. 4)."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from varbench.extractors.data import Data
from varbench.extractors.evaluation import adversarial_examples
from varbench.extractors.networks import Extractor
from varbench.extractors.training import Row, fit


def train(
    network: Extractor,
    data: Data,
    *,
    epsilon: float = 4.0,
    steps: int = 7,
    step_size: float | None = None,
    **options: Any,
) -> list[Row]:
    """Minimise over the weights the loss that PGD maximises over each image's perturbation.

    Parameters
    ----------
    epsilon
        L-inf radius of the perturbation, in 255ths.
    steps, step_size
        Of PGD, with a random start; the step in 255ths, 2.5 epsilon / steps if None (Madry's
        choice: it can reach any point of the ball from any start).
    options
        As for ``training.fit``, which also says what is returned.
    """
    length = 2.5 * epsilon / steps if step_size is None else step_size

    def step(
        network: nn.Module,
        images: Tensor,
        labels: Tensor,
        update: Callable[[Tensor, Tensor], None],
        generator: torch.Generator,
    ) -> None:
        examples = adversarial_examples(
            network, images, labels,
            epsilon=epsilon, steps=steps, step_size=length, generator=generator,
        )  # fmt: skip
        update(examples, labels)

    return fit(network, data, step, **options)
