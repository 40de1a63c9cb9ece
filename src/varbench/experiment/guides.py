"""The recommender that an attack knows, from a stored model."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from varbench.attacks.guide import Guide, thresholds
from varbench.recommenders.learnt import SCALE, Model, ranking_factors
from varbench.recommenders.ranking import dot_product_scores


def guide_of(
    model: Model,
    features: NDArray[np.float32],
    train: sparse.csr_matrix,
    attacked: NDArray[np.int64],
    k: int,
) -> Guide:
    """Return what an attacker uses of a recommender.

    Parameters
    ----------
    model
        What was learnt; users that it was not trained on have zeros and are left out.
    features
        (items, D) of the clean catalogue.
    train
        (users, items), an entry for every training interaction.
    attacked
        (N,) the attacked items.
    k
        Length of the lists that they are to get into.
    """
    known = model["user_factors"].any(axis=1) | model["user_visual_factors"].any(axis=1)
    users = {name: model[name][known] for name in ("user_factors", "user_visual_factors")}
    factors = ranking_factors({**model, **users}, features)
    return Guide(
        user_factors=factors["user_factors"],
        item_factors=factors["item_factors"][attacked],
        user_visual=users["user_visual_factors"],
        embedding=model["embedding"],
        scale=float(model[SCALE][0]),
        thresholds=thresholds(dot_product_scores(factors), train[known], k),
    )
