"""AMR: VBPR trained against an adversary that moves the items' features to raise its loss.

Tang et al., "Adversarial training towards robust multimedia recommender system", TKDE 2020: the
loss is BPR(f) + weight * BPR(f + Delta). Delta_i has length epsilon (L2) and the direction of the
gradient of the batch's BPR(f) by f_i; the loss's own gradients take it as a constant.

The gradient by f_i is E' r_i. Here r_i sums slope * rho_u over the triplets in which i is the
positive item, and - slope * rho_u over those in which it is the negative one. With G = E E' (K, K)
|E' r_i|^2 = r_i . G r_i, so Delta_i = E' a_i with a_i = epsilon r_i / sqrt(r_i . G r_i), and what
it adds to a score is rho_u . G a_i: nothing as wide as the features is ever built.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.linalg import vecdot
from torch.nn.functional import embedding

from varbench.recommenders import vbpr
from varbench.recommenders.batch import Batch, Gradients
from varbench.recommenders.stack import Training
from varbench.recommenders.state import State
from varbench.recommenders.training import fit

TINY = 1e-30  # keeps an item whose gradient is zero where it is


def train(
    trainings: Sequence[Training],
    *,
    adversarial_weight: float = 0.1,
    epsilon: float = 1.0,
    optimiser: str = "carried_over",
    **options: Any,
) -> list[State]:
    """Train on from each start, the state of a VBPR training on the same data.

    Without a start the adversarial training begins with new parameters.

    Parameters
    ----------
    adversarial_weight
        Of the loss on the moved features; with 0 this continues VBPR exactly.
    epsilon
        How far an item's features are moved, in their own unit.
    optimiser
        Adagrad's sums in the beginning: the start's, "carried_over"; or "restarted" (D17).
    options
        As for ``training.fit``.

    Raises
    ------
    InputError
        As for ``training.fit``.
    """
    if optimiser == "restarted":
        trainings = [replace(t, start=t.start and t.start.restarted()) for t in trainings]
    adversarial = partial(step, weight=adversarial_weight, epsilon=epsilon)
    return fit(adversarial, trainings, **options)


def step(
    state: State, batch: Batch, *, weight: float, epsilon: float
) -> tuple[Gradients, dict[str, Tensor]]:
    """Return the gradients of the batch's loss, and its BPR losses without and with Delta."""
    terms = vbpr.evaluate(state, batch)
    slopes = vbpr.slope(terms.margin)
    delta = perturbation(state, batch, slopes[..., None] * terms.user_visual, epsilon)
    margin = terms.margin + vecdot(terms.user_visual, delta.visual)
    weighted = weight * vbpr.slope(margin)  # (T,)

    total = vbpr.gradients(terms, slopes + weighted)
    # So far the features have not moved. Their move adds to what multiplies rho_u, and to what
    # multiplies E: pull' (Delta_i - Delta_j) = (pull' a) E.
    pull = weighted[..., None] * terms.user_visual
    total.user_visual.addcmul_(weighted[..., None], delta.visual)
    total.embedding.add_(pull.mT @ delta.coordinates @ state.embedding)
    losses = {"loss": vbpr.loss(terms.margin), "adversarial_loss": vbpr.loss(margin)}
    return total, losses


@dataclass(frozen=True)
class Perturbation:
    """Delta_i - Delta_j of T triplets.

    Attributes
    ----------
    coordinates
        (T, K): a_i - a_j, where Delta = E' a.
    visual
        (T, K): E (Delta_i - Delta_j).
    """

    coordinates: Tensor
    visual: Tensor


def perturbation(state: State, batch: Batch, pull: Tensor, epsilon: float) -> Perturbation:
    """Move every item of the batch by ``epsilon`` to where the batch's BPR loss rises fastest.

    pull : (T, K) slope * rho_u, the gradient of that loss by E f_i; by E f_j it is the opposite
    """
    gram = state.embedding @ state.embedding.mT  # (K, K)
    r = embedding(batch.items.places, batch.items.sum(torch.cat([pull, -pull], dim=-2)))
    visual = r @ gram  # (2 T, K) as r: of each occurrence, not of each distinct item
    scale = epsilon / vecdot(r, visual).clamp_min_(TINY).sqrt_()
    moved = scale[..., None] * torch.cat([r, visual], dim=-1)  # (2 T, 2 K)
    positive, negative = moved.chunk(2, dim=-2)
    return Perturbation(*(positive - negative).chunk(2, dim=-1))
