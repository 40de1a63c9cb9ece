"""The variable w over which a minimum-norm attack searches, in place of the image x(w) itself."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

# As in Carlini and Wagner's code: arctanh is infinite at black and white.
SHRINK = 0.999999


@dataclass(frozen=True)
class Variable:
    """A map from w to images x, (N, 3, H, W) both, and the unit that distances are measured in.

    Attributes
    ----------
    of
        The w of images.
    image
        x(w).
    difference
        Of x and the clean images, x - clean in the unit of distances.
    gradient
        The derivative by w of |difference|^2 + g; from that of g by x, the difference and x.
    """

    of: Callable[[Tensor], Tensor]
    image: Callable[[Tensor], Tensor]
    difference: Callable[[Tensor, Tensor], Tensor]
    gradient: Callable[[Tensor, Tensor, Tensor], Tensor]


def tanh() -> Variable:
    """x = (tanh(w) + 1) / 2, in [0, 1] whatever w is; dx/dw = 2 x (1 - x). Distances of x."""
    return Variable(
        of=lambda images: torch.atanh((2 * images - 1) * SHRINK),
        image=lambda w: torch.tanh(w).add_(1).div_(2),
        difference=torch.sub,
        gradient=lambda by_x, delta, x: by_x.add(delta, alpha=2).mul_(x).mul_(1 - x).mul_(2),
    )


def normalised(deviations: Tensor) -> Variable:
    """x = deviations w, without bounds; deviations (3, 1, 1). Distances of w.

    w is the image that a network sees after its normalisation, up to the mean, which no distance
    sees.
    """
    return Variable(
        of=lambda images: images / deviations,
        image=lambda w: w * deviations,
        difference=lambda x, clean: (x - clean) / deviations,
        gradient=lambda by_x, delta, x: (by_x * deviations).add_(delta, alpha=2),  # noqa: ARG005
    )
