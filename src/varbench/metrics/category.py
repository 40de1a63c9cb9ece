"""How much of the users' lists a category takes.

Lists are (users, length) items, best first, -1 where a list has ended.
"""

import numpy as np
from numpy.typing import NDArray

from varbench.errors import InputError


def hits(lists: NDArray[np.integer], items: NDArray[np.integer], k: int) -> NDArray[np.int64]:
    """Return how many of each user's first ``k`` items are among ``items``, (users,).

    The mean over users is the category hit ratio, CHR@k (Eq. 5 of the paper without its division by
    k, as in its tables): from 0 to k.

    Raises InputError where ``k`` is no length of a beginning of the lists.
    """
    found: NDArray[np.int64] = _found(lists, items, k).sum(axis=1)
    return found


def ndcg(lists: NDArray[np.integer], items: NDArray[np.integer], k: int) -> NDArray[np.float64]:
    """Return the discounted hits of each user's first ``k`` items over the most possible, (users,).

    A hit at place n counts 1 / log2(n + 1) (Järvelin and Kekäläinen, TOIS 2002); 1 means that the
    list begins with ``items`` alone, as far as they reach. 0 for no items.

    Raises InputError where ``k`` is no length of a beginning of the lists.
    """
    discounts = 1 / np.log2(np.arange(2, k + 2))
    best = discounts[: len(np.unique(items))].sum()
    gained: NDArray[np.float64] = _found(lists, items, k) @ discounts
    return gained / best if best else gained


def _found(lists: NDArray[np.integer], items: NDArray[np.integer], k: int) -> NDArray[np.bool_]:
    if not 1 <= k <= lists.shape[1]:
        raise InputError(f"k is {k}, but the lists hold {lists.shape[1]} items; rank longer lists")
    return np.isin(lists[:, :k], items)
