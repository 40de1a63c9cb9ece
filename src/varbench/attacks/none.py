"""No attack, so that the clean baseline is a cell like any other."""

from collections.abc import Sequence

import torch
from torch import Tensor

from varbench.attacks.common import Attacked, Model, check_inputs


def none(
    model: Model, images: Tensor, targets: Tensor, *, seeds: Sequence[int], batch_size: int
) -> Attacked:
    """Return ``images`` (the same tensor, not a copy) after 0 iterations."""
    check_inputs(model, images, targets, seeds, batch_size)
    return Attacked(images, torch.zeros_like(targets))
