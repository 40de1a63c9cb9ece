"""Noise that knows nothing: what an attack must beat."""

from collections.abc import Sequence

import torch
from torch import Tensor

from varbench.attacks.common import Attacked, Model, check_inputs, check_number, uniform


def noise(
    model: Model,
    images: Tensor,
    targets: Tensor,
    *,
    seeds: Sequence[int],
    batch_size: int,
    epsilon: float,
) -> Attacked:
    """Add noise drawn uniformly from the L-inf ball, clipped to [0, 1]: PGD's random start.

    The model computes nothing and no target is looked at.
    """
    check_number("epsilon", epsilon, above=0, at_most=255)
    check_inputs(model, images, targets, seeds, batch_size)
    noisy = images.add(uniform(images, seeds), alpha=epsilon / 255).clamp_(0, 1)
    return Attacked(noisy, torch.zeros_like(targets))
