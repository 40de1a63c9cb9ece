"""What is kept of a cell's users: a row of metrics for each."""

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
            "category_ndcg_seen": category.ndcg(ranking.lists, seen, k),
            "category_share": category.share(ranking.lists, attacked, k),
            "category_share_seen": category.share(ranking.lists, seen, k),
            "hr": accuracy.hit_ratio(ranking.held_out_rank, k),
            "ndcg": accuracy.ndcg(ranking.held_out_rank, k),
            "auc": accuracy.auc(ranking.held_out_rank, ranking.candidates),
        }
    )
