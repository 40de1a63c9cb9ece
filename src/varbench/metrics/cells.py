"""What is kept of a cell: a row of metrics for each user, and for each attacked item."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from varbench.metrics import accuracy, category
from varbench.recommenders.ranking import Ranking


def per_user(
    ranking: Ranking,
    held_out: NDArray[np.int64],
    attacked: NDArray[np.int64],
    seen: NDArray[np.int64],
    k: int,
) -> pd.DataFrame:
    """Return each user's metrics; ``seen`` are the items in the source category's class."""
    return pd.DataFrame(
        {
            "user": np.arange(len(held_out)),
            "held_out": held_out,
            "held_out_rank": ranking.held_out_rank,
            "candidates": ranking.candidates,
            "category_hits": category.hits(ranking.lists, attacked, k),
            "category_hits_seen": category.hits(ranking.lists, seen, k),
            "category_ndcg": category.ndcg(ranking.lists, attacked, k),
            "category_share": category.share(ranking.lists, attacked, k),
            "category_share_seen": category.share(ranking.lists, seen, k),
            "hr": accuracy.hit_ratio(ranking.held_out_rank, k),
            "ndcg": accuracy.ndcg(ranking.held_out_rank, k),
            "auc": accuracy.auc(ranking.held_out_rank, ranking.candidates),
        }
    )


def per_item(ranking: Ranking, attacked: NDArray[np.int64], k: int) -> pd.DataFrame:
    """Return each attacked item's ranks over the users who do not know it."""
    ranks = np.where(ranking.ranks > 0, ranking.ranks.astype(float), np.nan)
    return pd.DataFrame(
        {
            "item": attacked,
            "mean_rank": np.nanmean(ranks, axis=0),
            "median_rank": np.nanmedian(ranks, axis=0),
            "lists": (ranks <= k).sum(axis=0),
            "eligible": (ranks > 0).sum(axis=0),
        }
    )
