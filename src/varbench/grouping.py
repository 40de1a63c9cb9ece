"""Which images make a batch: those of the same size, so many at a time."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def by_size(images: Iterable[NDArray[np.uint8]]) -> list[list[int]]:
    """Group the positions of images that have the same height and width, in order."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for position, image in enumerate(images):
        groups.setdefault(image.shape, []).append(position)
    return list(groups.values())


def pieces(groups: Iterable[list[int]], size: int) -> list[list[int]]:
    """Cut each group of rows into pieces of ``size``, the last of each perhaps shorter."""
    return [rows[n : n + size] for rows in groups for n in range(0, len(rows), size)]
