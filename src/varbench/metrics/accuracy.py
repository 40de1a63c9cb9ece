"""How well a recommender ranks each user's held-out item among the candidates.

All take ``rank`` (users,), from 1 for the best, and return one float64 a user. Users without a
held-out item have rank 0 and get NaN: means are to leave them out.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.integer[Any]]


def hit_ratio(rank: Integers, k: int) -> NDArray[np.float64]:
    """Return HR@K: 1 if the held-out item is among the first ``k``, else 0."""
    return _known(rank, rank <= k)


def ndcg(rank: Integers, k: int) -> NDArray[np.float64]:
    """Return nDCG@K: 1 / log2(1 + rank) within the first ``k``, else 0.

    With one relevant item the best attainable value is 1, so there is nothing to divide by.
    """
    return _known(rank, np.where(rank <= k, 1 / np.log2(1.0 + np.maximum(rank, 1)), 0))


def auc(rank: Integers, candidates: Integers) -> NDArray[np.float64]:
    """Return the share of the other candidates that rank below the held-out item.

    candidates : (users,) how many items were ranked, the held-out one included; NaN where there
        is no other
    """
    others = candidates - 1
    return _known(rank, np.where(others > 0, (candidates - rank) / np.maximum(others, 1), np.nan))


def _known(rank: Integers, values: NDArray[Any]) -> NDArray[np.float64]:
    known: NDArray[np.float64] = np.where(rank > 0, values, np.nan)
    return known
