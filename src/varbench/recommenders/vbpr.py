"""VBPR: factors of users and items, plus factors of the items' images, learnt from preferences.

He and McAuley, "VBPR: Visual Bayesian personalized ranking from implicit feedback", AAAI 2016,
without its biases: the paper's Eq. 1 and 2. The bias of an item is an option; those of users cancel
out in a preference.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor
from torch.linalg import vecdot
from torch.nn.functional import logsigmoid

from varbench.recommenders.batch import Batch, Gradients
from varbench.recommenders.state import State
from varbench.recommenders.training import fit


def train(interactions: sparse.csr_matrix, features: NDArray[np.float32], **options: Any) -> State:
    """Minimise Eq. 1; options and errors as for ``training.fit``."""
    return fit(step, interactions, features, **options)


def step(state: State, batch: Batch) -> tuple[Gradients, dict[str, Tensor]]:
    """Return the gradients of the batch's BPR loss, and that loss."""
    terms = evaluate(state, batch)
    return gradients(batch, terms, slope(terms.margin)), {"loss": loss(terms.margin)}


@dataclass(frozen=True)
class Terms:
    """The terms of x_uij = p_u . (q_i - q_j) + rho_u . E (f_i - f_j) + b_i - b_j of T triplets.

    Attributes
    ----------
    user, item, user_visual, visual
        (T, K): p_u, q_i - q_j, rho_u, E (f_i - f_j).
    margin
        (T,): x_uij = x_ui - x_uj.
    """

    user: Tensor
    item: Tensor
    user_visual: Tensor
    visual: Tensor
    margin: Tensor


def evaluate(state: State, batch: Batch) -> Terms:
    """Evaluate Eq. 2 for the positive and the negative items at once."""
    positives, negatives = batch.items.ids.chunk(2)
    user = state.user_factors.index_select(0, batch.users.ids)
    item = state.item_factors.index_select(0, positives)
    item -= state.item_factors.index_select(0, negatives)
    user_visual = state.user_visual_factors.index_select(0, batch.users.ids)
    visual = batch.difference @ state.embedding.T  # (T, D) @ (D, K)
    margin = vecdot(user, item) + vecdot(user_visual, visual) + bias_difference(state, batch)
    return Terms(user, item, user_visual, visual, margin)


def bias_difference(state: State, batch: Batch) -> Tensor:
    """Return b_i - b_j, (T,): zero where biases are not trained."""
    positive, negative = state.item_bias[:, 0].index_select(0, batch.items.ids).chunk(2)
    return positive - negative


def loss(margin: Tensor) -> Tensor:
    """Return the BPR loss, the sum of -ln sigmoid(x_uij)."""
    return -logsigmoid(margin).sum()


def slope(margin: Tensor) -> Tensor:
    """Return the derivative of the BPR loss by each x_uij, (T,)."""
    return -(-margin).sigmoid()


def gradients(batch: Batch, terms: Terms, slopes: Tensor) -> Gradients:
    """Return the gradients of a loss whose derivatives by x_uij are ``slopes``, (T,)."""
    slopes = slopes[:, None]
    pull = slopes * terms.user_visual
    return Gradients(
        user=slopes * terms.item,
        item=slopes * terms.user,
        user_visual=slopes * terms.visual,
        embedding=pull.T @ batch.difference,  # (K, T) @ (T, D)
        item_bias=slopes,
    )
