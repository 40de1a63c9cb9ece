"""Matrix factorisation without images, learnt from preferences: Rendle et al., "BPR: Bayesian
personalized ranking from implicit feedback", UAI 2009. What a visual recommender is compared with.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.linalg import vecdot
from torch.nn.functional import embedding

from varbench.recommenders.batch import Batch, Gradients
from varbench.recommenders.stack import Training
from varbench.recommenders.state import State, initial, shapes
from varbench.recommenders.training import fit
from varbench.recommenders.vbpr import bias_difference, loss, slope


def train(trainings: Sequence[Training], *, factors: int = 64, **options: Any) -> list[State]:
    """Minimise Eq. 1 with x_ui = p_u . q_i (+ b_i); options and errors as for ``training.fit``.

    The visual parameters of the state are zero and stay so.
    """

    def started(training: Training) -> Training:
        if training.start is not None:
            return training
        users, items = training.interactions.shape
        start = initial(
            shapes(users, items, training.features.shape[1], factors), seed=training.seed
        )
        start.user_visual_factors.zero_()
        start.embedding.zero_()
        return replace(training, start=start)

    return fit(step, [started(training) for training in trainings], factors=factors, **options)


def step(state: State, batch: Batch) -> tuple[Gradients, dict[str, Tensor]]:
    """Return the gradients of the batch's BPR loss, and that loss."""
    positives, negatives = batch.items.ids.chunk(2, dim=-1)
    user = embedding(batch.users.ids, state.user_factors)
    item = embedding(positives, state.item_factors)
    item -= embedding(negatives, state.item_factors)
    margin = vecdot(user, item) + bias_difference(state, batch)
    slopes = slope(margin)[..., None]
    gradients = Gradients(
        user=slopes * item,
        item=slopes * user,
        user_visual=torch.zeros_like(user),
        embedding=torch.zeros_like(state.embedding),
        item_bias=slopes,
    )
    return gradients, {"loss": loss(margin)}
