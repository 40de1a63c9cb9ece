"""VBPR: factors of users and items, plus factors of the items' images, learnt from preferences.

He and McAuley, "VBPR: Visual Bayesian personalized ranking from implicit feedback", AAAI 2016,
without its biases: the paper's Eq. 1 and 2. The bias of an item is an option; those of users cancel
out in a preference.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.linalg import vecdot
from torch.nn.functional import embedding, logsigmoid, pad

from varbench.recommenders.batch import Batch, Gradients
from varbench.recommenders.stack import Training
from varbench.recommenders.state import State
from varbench.recommenders.training import fit


def train(trainings: Sequence[Training], **options: Any) -> list[State]:
    """Minimise Eq. 1; options and errors as for ``training.fit``."""
    return fit(step, trainings, **options)


def step(state: State, batch: Batch) -> tuple[Gradients, dict[str, Tensor]]:
    """Return the gradients of the batch's BPR loss, and that loss."""
    terms = evaluate(state, batch)
    return gradients(terms, slope(terms.margin)), {"loss": loss(terms.margin)}


@dataclass(frozen=True)
class Terms:
    """The terms of x_uij = p_u . (q_i - q_j) + rho_u . E (f_i - f_j) + b_i - b_j of T triplets.

    Attributes
    ----------
    user, item, user_visual, visual
        (T, K): p_u, q_i - q_j, rho_u, E (f_i - f_j).
    margin
        (T,): x_uij = x_ui - x_uj.
    pull_back
        Returns the gradient by E, in a tuple, for that by ``visual``; once, it frees the graph.
    """

    user: Tensor
    item: Tensor
    user_visual: Tensor
    visual: Tensor
    margin: Tensor
    pull_back: Callable[[Tensor], tuple[Tensor, ...]]


def evaluate(state: State, batch: Batch) -> Terms:
    """Evaluate Eq. 2 for the positive and the negative items at once."""
    positives, negatives = batch.items.ids.chunk(2, dim=-1)
    user = embedding(batch.users.ids, state.user_factors)
    item = embedding(positives, state.item_factors)
    item -= embedding(negatives, state.item_factors)
    user_visual = embedding(batch.users.ids, state.user_visual_factors)
    weights = state.embedding.detach().requires_grad_()
    with torch.enable_grad():
        projected = batch.images.project(weights)
    visual = projected.detach()
    margin = vecdot(user, item) + vecdot(user_visual, visual) + bias_difference(state, batch)
    pull_back = partial(torch.autograd.grad, projected, weights)
    return Terms(user, item, user_visual, visual, margin, pull_back)


def bias_difference(state: State, batch: Batch) -> Tensor:
    """Return b_i - b_j, (T,): zero where biases are not trained."""
    positive, negative = embedding(batch.items.ids, state.item_bias).squeeze(-1).chunk(2, dim=-1)
    return positive - negative


def loss(margin: Tensor) -> Tensor:
    """Return the BPR loss, the sum of -ln sigmoid(x_uij)."""
    return -logsigmoid(margin).sum(dim=-1)


def slope(margin: Tensor) -> Tensor:
    """Return the derivative of the BPR loss by each x_uij, (T,)."""
    # A CPU rounds the values that are left over after whole vector registers another way. A column
    # more keeps a stack's trainings apart in memory, so that the same values are left over.
    return -pad(-margin, (0, 1))[..., :-1].sigmoid()


def gradients(terms: Terms, slopes: Tensor) -> Gradients:
    """Return the gradients of a loss whose derivatives by x_uij are ``slopes``, (T,)."""
    slopes = slopes[..., None]
    (embedding_gradient,) = terms.pull_back(slopes * terms.user_visual)
    return Gradients(
        user=slopes * terms.item,
        item=slopes * terms.user,
        user_visual=slopes * terms.visual,
        embedding=embedding_gradient,
        item_bias=slopes,
    )
