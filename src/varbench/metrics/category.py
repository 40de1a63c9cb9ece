"""How much of each user's list a set of items takes: the category whose images were attacked.

``lists`` (users, L) holds every user's items, best first, padded with -1; ``items`` (M,) the ids of
the set, without duplicates. CHR@K of the paper is the mean of ``hits`` over the users.

Of an empty set nothing is measured: every value is NaN, not 0, which would read as a perfect
defense.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Integers = NDArray[np.integer[Any]]


def hits(lists: Integers, items: Integers, k: int) -> NDArray[np.float64]:
    """Return the category hits: how many of each user's first ``k`` are of the set, (users,).

    From 0 to ``k``: the paper's category hit ratio divides by the users only, not by ``k``.
    """
    counts = _members(lists, items, k).sum(axis=1, dtype=np.float64)
    return counts if len(items) else np.full(len(lists), np.nan)


def share(lists: Integers, items: Integers, k: int) -> NDArray[np.float64]:
    """Return which share of each user's first ``k`` is of the set; NaN for an empty list."""
    length = (lists[:, :k] >= 0).sum(axis=1)
    shares: NDArray[np.float64] = hits(lists, items, k) / np.where(length, length, np.nan)
    return shares


def top_users_share(hits: NDArray[Any], top: float = 0.05) -> float:
    """Return the share of all hits that the ``top`` users with most have, NaN without any hit.

    hits : (users,); the number of top users is rounded up
    """
    total = hits.sum()
    if not total > 0:
        return float("nan")
    count = int(np.ceil(top * len(hits)))
    return float(np.sort(hits)[len(hits) - count :].sum() / total)


def random_hits(train: sparse.csr_matrix, items: Integers, k: int) -> NDArray[np.float64]:
    """Return each user's expected hits in a uniformly random ranking of their candidates, (users,).

    train : (users, catalogue), an entry for every training interaction

    A candidate is equally likely at every place, so of the first ``k``, or of as many as there are
    candidates, the set has its share of the candidates. Its mean over the users is a random
    ranking's CHR@K.
    """
    users, catalogue = train.shape
    if not len(items):
        return np.full(users, np.nan)
    candidates = catalogue - train.getnnz(axis=1)
    of_set = len(items) - train[:, items].getnnz(axis=1)
    expected: NDArray[np.float64] = np.minimum(k, candidates) * of_set / np.maximum(candidates, 1)
    return expected


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
