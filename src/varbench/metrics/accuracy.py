"""How well rankings find each user's one held-out item, from its rank.

``rank`` is (users,), 1 for the best candidate; users without a held-out item have rank 0 and get
NaN, so that means over users must leave them out.
"""

import numpy as np
from numpy.typing import NDArray


def hit_ratio(rank: NDArray[np.integer], k: int) -> NDArray[np.float64]:
    """Return 1 where the held-out item is among the first ``k``, else 0, (users,)."""
    return np.where(rank > 0, rank <= k, np.nan)


def ndcg(rank: NDArray[np.integer], k: int) -> NDArray[np.float64]:
    """Return 1 / log2(rank + 1) where the held-out item is among the first ``k``, else 0, (users,).

    With one relevant item the best possible value is 1, so nothing is left to divide by.
    """
    gain = 1 / np.log2(np.maximum(rank, 1) + 1)
    return np.where(rank > 0, np.where(rank <= k, gain, 0.0), np.nan)


def auc(rank: NDArray[np.integer], candidates: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the share of the other candidates that come after the held-out item, (users,).

    candidates : (users,) how many items were ranked, the held-out one included

    NaN also where the held-out item is the only candidate.
    """
    others = np.where((rank > 0) & (candidates > 1), candidates - 1, np.nan)
    return (candidates - rank) / others
