"""Matrix factorisation without images, learnt from preferences: Rendle et al., "BPR: Bayesian
personalized ranking from implicit feedback", UAI 2009. What a visual recommender is compared with.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor
from torch.linalg import vecdot

from varbench.recommenders.batch import Batch, Gradients
from varbench.recommenders.state import State, initial, shapes
from varbench.recommenders.training import fit
from varbench.recommenders.vbpr import bias_difference, loss, slope


def train(
    interactions: sparse.csr_matrix,
    features: NDArray[np.float32],
    *,
    seed: int,
    factors: int = 64,
    start: State | None = None,
    **options: Any,
) -> State:
    """Minimise Eq. 1 with x_ui = p_u . q_i (+ b_i); options and errors as for ``training.fit``.

    The visual parameters of the state are zero and stay so.
    """
    if start is None:
        users, items = interactions.shape
        start = initial(shapes(users, items, features.shape[1], factors), seed=seed)
        start.user_visual_factors.zero_()
        start.embedding.zero_()
    return fit(step, interactions, features, seed=seed, factors=factors, start=start, **options)


def step(state: State, batch: Batch) -> tuple[Gradients, dict[str, Tensor]]:
    """Return the gradients of the batch's BPR loss, and that loss."""
    positives, negatives = batch.items.ids.chunk(2)
    user = state.user_factors.index_select(0, batch.users.ids)
    item = state.item_factors.index_select(0, positives)
    item -= state.item_factors.index_select(0, negatives)
    margin = vecdot(user, item) + bias_difference(state, batch)
    slopes = slope(margin)[:, None]
    gradients = Gradients(
        user=slopes * item,
        item=slopes * user,
        user_visual=torch.zeros_like(user),
        embedding=torch.zeros_like(state.embedding),
        item_bias=slopes,
    )
    return gradients, {"loss": loss(margin)}
