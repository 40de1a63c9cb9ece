"""The one place where stored pixels become a network's input, and back."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def to_unit(images: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]) -> Tensor:
    """Convert uint8 images (N, H, W, 3), all of one size, to float32 (N, 3, H, W) in [0, 1]."""
    stacked = torch.from_numpy(np.stack(list(images)))
    return stacked.permute(0, 3, 1, 2).float().div_(255)


def through_normalisation(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Return images (N, 3, H, W) as they come back from a network's normalisation.

    What the released code stores has passed through torchvision's ``Normalize`` and through another
    one that undoes it. In float32 that loses a last bit, at which truncation loses a grey level.
    """
    normalised = (images - mean) / std
    return (normalised - (-mean / std)) / (1 / std)


def to_bytes(images: Tensor, *, truncate: bool = False) -> NDArray[np.uint8]:
    """Convert images (N, 3, H, W) to uint8 (N, H, W, 3), clipping them to [0, 1].

    Values are rounded to the nearest, or cut off with ``truncate``.
    """
    scaled = images.detach().mul(255).clamp_(0, 255)
    scaled = (scaled.trunc_() if truncate else scaled.round_()).to(torch.uint8)
    return np.ascontiguousarray(scaled.permute(0, 2, 3, 1).cpu().numpy())


def as_stored(images: Tensor) -> Tensor:
    """Return images as they come back from ``to_unit(to_bytes(images))``, on their device."""
    return images.mul(255).clamp_(0, 255).round_().div_(255)
