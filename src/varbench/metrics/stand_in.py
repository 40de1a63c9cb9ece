"""A distance between images for where no trained network is at hand. It is not LPIPS.

It has LPIPS' form, activations of convolutions compared position by position, but its filters are
random: nothing in it was learnt, neither from images nor from human judgements. It rises with what
an attack changes, and that is all that it says.

No torch here: measuring takes less time than importing it.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from varbench.seeds import derive

CHANNELS = (16, 32, 64)  # of each layer; 3 x 3 filters, every second position
TINY = 1e-10  # keeps positions at which no filter responds

Pixels = NDArray[np.uint8]
Layers = list[NDArray[np.float32]]  # an image's activations


def label(seed: int = 0) -> str:
    """Return the distance's name in tables."""
    return f"random-convolutions distance (seed {seed}, not LPIPS)"


def stand_in_distances(
    clean: Sequence[Pixels], attacked: Sequence[Sequence[Pixels]], *, seed: int = 0
) -> NDArray[np.float64]:
    """Return each attacked image's distance to its clean one, (attacks, N).

    clean : N images (H, W, 3), of any sizes
    attacked : for each attack its N images, in the same order

    Raises ValueError where an image and its attacked one differ in size.
    """
    result = np.empty((len(attacked), len(clean)))
    for column, versions in enumerate(zip(clean, *attacked, strict=True)):
        for image in versions:
            if image.shape != versions[0].shape:
                raise ValueError(
                    f"images of different shape: {versions[0].shape} and {image.shape}"
                )
        before, *after = ([*_activations(image, seed)] for image in versions)
        result[:, column] = [_distance(before, layers) for layers in after]
    return result


@cache
def _filters(seed: int) -> tuple[NDArray[np.float32], ...]:
    """Draw each layer's filters, (C, channels before, 3, 3)."""
    random = np.random.default_rng(derive("perceptual stand-in", seed))
    return tuple(
        random.normal(size=(channels, before, 3, 3)).astype(np.float32)
        for before, channels in pairwise((3, *CHANNELS))
    )


def _distance(one: Layers, other: Layers) -> float:
    return float(sum(np.square(a - b).sum(axis=0).mean() for a, b in zip(one, other, strict=True)))


def _activations(image: Pixels, seed: int) -> Iterator[NDArray[np.float32]]:
    """Yield each layer's activations, (C, h, w), scaled to unit length at every position."""
    x = image.transpose(2, 0, 1).astype(np.float32) / 127.5 - 1
    for filters in _filters(seed):
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1)), mode="edge")
        windows = sliding_window_view(padded, (3, 3), axis=(1, 2))[:, ::2, ::2]  # (c, h, w, 3, 3)
        x = np.maximum(np.tensordot(filters, windows, axes=([1, 2, 3], [0, 3, 4])), 0)  # (C, h, w)
        x /= np.sqrt(9 * filters.shape[1])
        yield x / (np.sqrt(np.square(x).sum(axis=0, keepdims=True)) + TINY)
