"""The features that a recommender is given: clean rows, attacked rows, one scale."""

import numpy as np
from numpy.typing import NDArray

from varbench.errors import InputError


def with_rows(
    clean: NDArray[np.float32], items: NDArray[np.int64], attacked: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the features of a catalogue in which some items are attacked.

    Parameters
    ----------
    clean
        (items, D) features of every clean image.
    items
        (M,) the attacked items.
    attacked
        (M, D) features of their attacked images.
    """
    if attacked.shape != (len(items), clean.shape[1]):
        raise InputError(
            f"attacked features have shape {attacked.shape}, not {(len(items), clean.shape[1])}; "
            "were they made with another extractor?"
        )
    features = clean.copy()
    features[items] = attacked
    return features


def largest(features: NDArray[np.float32]) -> np.float32:
    """Return the largest absolute value, by which a recommender divides its features."""
    value: np.float32 = np.abs(features).max()
    return value
