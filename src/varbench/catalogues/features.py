"""The feature matrix that a recommender is trained on: clean rows, attacked rows, one scale."""

import numpy as np
from numpy.typing import NDArray

from varbench.errors import InputError


def poison(
    clean: NDArray[np.float32],
    items: NDArray[np.int64],
    attacked: NDArray[np.float32],
    *,
    scale: str = "clean",
) -> NDArray[np.float32]:
    """Return the features of the poisoned catalogue, divided by the largest absolute value.

    Parameters
    ----------
    clean
        (items, D) features of every clean image.
    items
        (M,) the attacked items.
    attacked
        (M, D) features of their attacked images.
    scale
        Whose largest value: "clean", so that an attacked item cannot rescale the others, or
        "attacked", the poisoned matrix's own.
    """
    if attacked.shape != (len(items), clean.shape[1]):
        raise InputError(
            f"attacked features have shape {attacked.shape}, not {(len(items), clean.shape[1])}; "
            "were they made with another extractor?"
        )
    poisoned = clean.copy()
    poisoned[items] = attacked
    poisoned /= np.abs(clean if scale == "clean" else poisoned).max()
    return poisoned
