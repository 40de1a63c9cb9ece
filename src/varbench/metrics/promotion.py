"""What became of each attacked item: how often it is recommended, how high it ranks and scores."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from varbench.recommenders.ranking import Ranking

TERCILES = ("tail", "middle", "head")


def per_item(ranking: Ranking, attacked: NDArray[np.int64], k: int) -> pd.DataFrame:
    """Return each attacked item's place among the users who may get it: who do not know it yet.

    attacked : (M,) the items that ``ranking`` was asked for

    Returns item, mean_rank and median_rank (from 1; NaN for an item that everybody knows), lists
    (users in whose first ``k`` it is), eligible (users who may get it), mean_score and mean_z (its
    score in units of each user's own spread, mean over them). Its HR@K is lists / eligible.
    """
    if len(attacked) != ranking.ranks.shape[1]:
        raise ValueError(f"{len(attacked)} items where {ranking.ranks.shape[1]} were ranked")
    ranks = ranking.ranks
    places = [column[column > 0] for column in ranks.T]
    return pd.DataFrame(
        {
            "item": attacked,
            "mean_rank": [place.mean() if len(place) else np.nan for place in places],
            "median_rank": [np.median(place) if len(place) else np.nan for place in places],
            "lists": [int((place <= k).sum()) for place in places],
            "eligible": [len(place) for place in places],
            "mean_score": ranking.mean_score,
            "mean_z": ranking.mean_z,
        }
    )


def terciles(popularity: NDArray[Any]) -> NDArray[np.str_]:
    """Return for each of the catalogue's items whether it is of the tail, the middle or the head.

    popularity : (items,) training interactions of *all* items, attacked or not

    An item's standing is the share of the catalogue that is less popular, and half of those that
    are as popular as itself: below a third is the tail, above two thirds the head. Equally popular
    items thus always fall together, on the side where most of them are; if all are equal they are
    the middle.
    """
    values = np.asarray(popularity)
    ordered = np.sort(values)
    below = np.searchsorted(ordered, values, side="left")
    up_to = np.searchsorted(ordered, values, side="right")
    standing = (below + up_to) / (2 * len(values))
    names: NDArray[np.str_] = np.array(TERCILES)[
        (standing >= 1 / 3).astype(int) + (standing > 2 / 3)
    ]
    return names
