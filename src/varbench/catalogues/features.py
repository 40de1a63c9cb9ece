"""The feature matrix that a recommender is trained on: clean rows, attacked rows, one scale."""

import numpy as np
from numpy.typing import NDArray

from varbench.errors import InputError


def poison(
    clean: NDArray[np.float32], items: NDArray[np.int64], attacked: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the features of the poisoned catalogue, scaled to at most 1 in the clean one.

    The scale is the clean matrix's, so that an attacked item cannot rescale the others.

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
    poisoned = clean.copy()
    poisoned[items] = attacked
    poisoned /= np.abs(clean).max()
    return poisoned
