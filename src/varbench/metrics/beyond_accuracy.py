"""What a recommender's lists show beyond hits: how much of the catalogue, and how popular.

``lists`` (users, L) holds every user's items, best first, padded with -1; ``popularity`` (items,)
counts each item's training interactions. All look at the first ``k`` places, and give NaN where no
item is shown at all.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.integer[Any]]


def exposure(lists: Integers, items: int, k: int) -> NDArray[np.int64]:
    """Return in how many users' first ``k`` each of the catalogue's items is, (items,)."""
    if k > lists.shape[1]:
        raise ValueError(f"lists of {lists.shape[1]} items have no first {k}")
    shown = lists[:, :k]
    counts: NDArray[np.int64] = np.bincount(shown[shown >= 0], minlength=items)
    return counts


def coverage(lists: Integers, items: int, k: int) -> float:
    """Return the share of the catalogue that anybody is shown."""
    counts = exposure(lists, items, k)
    return float((counts > 0).mean()) if counts.any() else float("nan")


def gini(lists: Integers, items: int, k: int) -> float:
    """Return the Gini index of exposure: 0 where all items are shown equally often, 1 - 1 / items
    where one item takes every place.
    """
    counts = np.sort(exposure(lists, items, k))
    if not counts.any():
        return float("nan")
    places = 2 * np.arange(1, items + 1) - items - 1
    return float(places @ counts / (items * counts.sum()))


def novelty(lists: Integers, popularity: Integers, k: int) -> float:
    """Return the mean self-information of what is shown, in bits.

    -log2 of the share of the training interactions that are the item's (Vargas and Castells,
    RecSys 2011), with one interaction more for each item, since one without any may be shown.
    """
    smoothed = np.asarray(popularity, np.float64) + 1
    information = -np.log2(smoothed / smoothed.sum())
    return _mean_of_shown(lists, information, k)


def mean_popularity(lists: Integers, popularity: Integers, k: int) -> float:
    """Return the mean number of training interactions of what is shown."""
    return _mean_of_shown(lists, np.asarray(popularity, np.float64), k)


def hits_by_k(lists: Integers, attacked: Integers) -> NDArray[np.float64]:
    """Return CHR@K for every K from 1 to the lists' length, (L,): hits, mean over the users.

    attacked : (M,) the items that count; none of them gives NaN
    """
    if not len(attacked):
        return np.full(lists.shape[1], np.nan)
    means: NDArray[np.float64] = np.isin(lists, attacked).mean(axis=0).cumsum()
    return means


def _mean_of_shown(lists: Integers, values: NDArray[np.float64], k: int) -> float:
    counts = exposure(lists, len(values), k)
    return float(counts @ values / counts.sum()) if counts.any() else float("nan")
