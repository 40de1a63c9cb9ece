"""A cell, evaluated: what was learnt ranks a catalogue, and what comes of it. No torch here."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from varbench.catalogues.cold_start import without_interactions
from varbench.catalogues.interactions import to_matrix
from varbench.metrics.cells import per_user
from varbench.metrics.promotion import per_item
from varbench.recommenders import learnt
from varbench.recommenders.ranking import dot_product_scores, rank


@dataclass(frozen=True)
class Values:
    """What is stored of a cell.

    Attributes
    ----------
    lists
        (users, length) int32, the best items, padded with -1.
    per_user, per_item
        A row for each user, and for each attacked item.
    """

    lists: NDArray[np.int32]
    per_user: pd.DataFrame
    per_item: pd.DataFrame


def evaluate(
    model: learnt.Model,
    interactions: pd.DataFrame,
    features: NDArray[np.float32],
    attacked: NDArray[np.int64],
    seen: NDArray[np.int64],
    *,
    k: int,
    length: int,
    leave_out_attacked: bool = False,
) -> Values:
    """Rank once for every user and compute all that tables need of it.

    Parameters
    ----------
    model
        Of these data, see ``learnt.check``.
    interactions
        user, item, held_out.
    features
        (items, D), what is ranked by: attacked rows have their attacked image's.
    attacked
        (M,) the attacked items.
    seen
        Items in which the network sees the source category.
    k, length
        Of the lists that metrics are of, and of those that are kept.
    leave_out_attacked
        Whether nobody has interacted with the attacked items (cold start).

    Raises InputError where a cold start leaves a user without training interactions.
    """
    users = int(interactions["user"].max()) + 1
    if leave_out_attacked:
        interactions = without_interactions(interactions, attacked)
    data = to_matrix(interactions, items=len(features), users=users)
    score = dot_product_scores(learnt.ranking_factors(model, features))
    ranking = rank(score, data.train, data.held_out, attacked, length=length)
    return Values(
        ranking.lists.astype(np.int32, copy=False),
        per_user(ranking, data.held_out, attacked, seen, k),
        per_item(ranking, attacked, k),
    )
