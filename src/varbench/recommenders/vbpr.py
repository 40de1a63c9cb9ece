"""VBPR: a user's and an item's factors, plus factors of the item's image, learnt from preferences.

He and McAuley, "VBPR: Visual Bayesian personalized ranking from implicit feedback", AAAI 2016,
without its biases: the paper's Eq. 1 and 2.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor
from torch.linalg import vecdot
from torch.nn.functional import softplus

from varbench.recommenders.batch import Batch, Gradients
from varbench.recommenders.state import State
from varbench.recommenders.training import fit


def train(interactions: sparse.csr_matrix, features: NDArray[np.float32], **options: Any) -> State:
    """Minimise Eq. 1; options and errors as for ``training.fit``."""
    return fit(step, interactions, features, **options)


def step(state: State, batch: Batch) -> tuple[Gradients, dict[str, Tensor]]:
    """Return the gradients of the batch's BPR loss, and that loss."""
    scores = score(state, batch)
    return gradients(scores, slope(scores.margin)), {"loss": loss(scores.margin)}


@dataclass(frozen=True)
class Scores:
    """The terms of x_uij = x_ui - x_uj = p_u . (q_i - q_j) + rho_u . E (f_i - f_j).

    Attributes
    ----------
    user, item, user_visual, visual
        (T, K): p_u, q_i - q_j, rho_u, E (f_i - f_j).
    difference
        (T, D): f_i - f_j.
    margin
        (T,): x_uij.
    """

    user: Tensor
    item: Tensor
    user_visual: Tensor
    visual: Tensor
    difference: Tensor
    margin: Tensor


def score(state: State, batch: Batch) -> Scores:
    """Evaluate Eq. 2 on the batch; E (f_i - f_j) takes one product where two scores take two."""
    positives, negatives = batch.items.ids.chunk(2)
    user = state.user_factors.index_select(0, batch.users.ids)
    item = state.item_factors.index_select(0, positives)
    item -= state.item_factors.index_select(0, negatives)
    user_visual = state.user_visual_factors.index_select(0, batch.users.ids)
    visual = batch.difference @ state.embedding.T  # (T, D) @ (D, K)
    margin = vecdot(user, item) + vecdot(user_visual, visual)
    return Scores(user, item, user_visual, visual, batch.difference, margin)


def loss(margin: Tensor) -> Tensor:
    """Return the sum of -ln sigmoid(x_uij)."""
    return softplus(-margin).sum()


def slope(margin: Tensor) -> Tensor:
    """Return the derivative of -ln sigmoid(x_uij) by x_uij, (T,)."""
    return -(-margin).sigmoid()


def gradients(scores: Scores, slope: Tensor) -> Gradients:
    """Return the gradients of a loss whose derivative by each margin is ``slope``, (T,)."""
    slope = slope[:, None]
    user_visual = slope * scores.user_visual
    return Gradients(
        user=slope * scores.item,
        item=slope * scores.user,
        user_visual=slope * scores.visual,
        embedding=user_visual.T @ scores.difference,  # (K, T) @ (T, D)
    )
