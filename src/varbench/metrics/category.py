"""How much of each user's list a set of items takes: the category whose images were attacked.

``lists`` (users, L) holds every user's items, best first, padded with -1; ``items`` (M,) the ids of
the set, without duplicates. CHR@K of the paper is the mean of ``hits`` over the users.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.integer[Any]]


def hits(lists: Integers, items: Integers, k: int) -> NDArray[np.int64]:
    """Return the category hits: how many of each user's first ``k`` are of the set, (users,).

    From 0 to ``k``: the paper's category hit ratio divides by the users only, not by ``k``.
    """
    counts: NDArray[np.int64] = _members(lists, items, k).sum(axis=1, dtype=np.int64)
    return counts


def share(lists: Integers, items: Integers, k: int) -> NDArray[np.float64]:
    """Return which share of each user's first ``k`` is of the set; NaN for an empty list."""
    length = (lists[:, :k] >= 0).sum(axis=1)
    shares: NDArray[np.float64] = hits(lists, items, k) / np.where(length, length, np.nan)
    return shares


def ndcg(lists: Integers, items: Integers, k: int) -> NDArray[np.float64]:
    """Return the category's nDCG@K: hits discounted by log2(1 + place), the best possible being 1.

    The best possible list begins with the set's items, or with ``k`` of them; a user some of whose
    training items are of the set may thus be unable to reach 1. An empty set gives NaN.
    """
    discounts = 1 / np.log2(2.0 + np.arange(k))
    best = discounts[: len(items)].sum() if len(items) else np.nan
    gains: NDArray[np.float64] = _members(lists, items, k) @ discounts / best
    return gains


def _members(lists: Integers, items: Integers, k: int) -> NDArray[np.bool_]:
    """Return for each user's first ``k`` whether they are of the set, (users, k)."""
    if k > lists.shape[1]:
        raise ValueError(f"lists of {lists.shape[1]} items have no first {k}")
    return np.isin(lists[:, :k], items)
