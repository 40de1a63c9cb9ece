"""Cornac's VBPR and AMR on our data, and the AUC of any scores."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from peers.drawn import Drawn
from varbench.metrics.accuracy import auc
from varbench.recommenders.ranking import Score, dot_product_scores, rank
from varbench.recommenders.state import State


def dataset(drawn: Drawn) -> Any:
    """Return cornac's training set with the features as its image modality, ids as ours."""
    from cornac.data import Dataset, ImageModality

    train = drawn.train.tocoo()
    users, items = ({n: n for n in range(size)} for size in train.shape)
    triples = (train.row, train.col, train.data)
    made = Dataset(*train.shape, users, items, triples, seed=0)
    made.item_image = ImageModality(features=drawn.features, ids=list(range(train.shape[1])))
    made.item_image.build(id_map=items)
    return made


def cornac_scores(model: Any) -> Score:
    """Return a trained model's scores, from the vectors that it gives for a search by products."""
    users, items = model.get_user_vectors(), model.get_item_vectors()

    def score(start: int, stop: int) -> NDArray[np.float32]:
        return (users[start:stop] @ items.T).astype(np.float32)

    return score


def our_scores(state: State, features: NDArray[np.float32]) -> Score:
    return dot_product_scores(
        {
            "user_factors": state.user_factors.numpy(),
            "item_factors": state.item_factors.numpy(),
            "user_visual_factors": state.user_visual_factors.numpy(),
            "item_visual_factors": (torch.from_numpy(features) @ state.embedding.T).numpy(),
        }
    )


def mean_auc(score: Score, drawn: Drawn) -> float:
    ranking = rank(score, drawn.train, drawn.held_out, np.empty(0, np.int64), length=1)
    return float(np.nanmean(auc(ranking.held_out_rank, ranking.candidates)))
