"""AMR: VBPR trained on images whose features an adversary moves to raise its loss.

Tang et al., "Adversarial training towards robust multimedia recommender system", TKDE 2020.
The loss is BPR(f) + weight * BPR(f + Delta), where Delta_i moves the features of item i by
epsilon (L2) along the gradient of the batch's BPR loss.

That gradient is E r_i, r_i being the sum of the slope times rho_u over the triplets where i is the
positive item, less the sum over those where it is the negative one. So Delta_i = E a_i with
a_i = epsilon r_i / |E r_i|, and both |E r_i|^2 = r_i . G r_i and E' Delta_i = G a_i take K x K
numbers, G = E E', instead of D-wide ones. Delta is a constant for the gradients.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor
from torch.linalg import vecdot

from varbench.errors import InputError
from varbench.recommenders import vbpr
from varbench.recommenders.batch import Batch, Gradients
from varbench.recommenders.state import State
from varbench.recommenders.training import fit

TINY = 1e-30  # an item whose squared gradient is smaller is hardly moved, one of 0 not at all


def train(
    interactions: sparse.csr_matrix,
    features: NDArray[np.float32],
    *,
    start: State | None,
    adversarial_weight: float = 0.1,
    epsilon: float = 1.0,
    **options: Any,
) -> State:
    """Train adversarially from ``start``, the state of a VBPR training on the same data.

    Parameters
    ----------
    adversarial_weight
        Of the loss on moved features; with 0 this continues VBPR exactly.
    epsilon
        Length by which the features of an item are moved, in their unit.
    options
        As for ``training.fit``.

    Raises
    ------
    InputError
        Without ``start``, and for the reasons of ``training.fit``.
    """
    if start is None:
        raise InputError("amr: no state to start from; set starts_from to a vbpr recommender")
    adversarial = partial(step, weight=adversarial_weight, epsilon=epsilon)
    return fit(adversarial, interactions, features, start=start, **options)


def step(
    state: State, batch: Batch, *, weight: float, epsilon: float
) -> tuple[Gradients, dict[str, Tensor]]:
    """Return the gradients of the batch's loss, and its clean and adversarial BPR losses."""
    scores = vbpr.score(state, batch)
    slope = vbpr.slope(scores.margin)
    moved = perturbation(state, batch, slope[:, None] * scores.user_visual, epsilon)
    margin = scores.margin + vecdot(scores.user_visual, moved.visual)
    weighted = weight * vbpr.slope(margin)  # (T,)

    both = vbpr.gradients(scores, slope + weighted)
    adversarial = weighted[:, None] * scores.user_visual
    both.user_visual.addcmul_(weighted[:, None], moved.visual)
    # The features' own part is in `both`; that of Delta = E a is E (a' adversarial).
    both.embedding.addmm_(adversarial.T @ moved.coordinates, state.embedding)
    losses = {"loss": vbpr.loss(scores.margin), "adversarial_loss": vbpr.loss(margin)}
    return both, losses


@dataclass(frozen=True)
class Perturbation:
    """Delta_i - Delta_j of T triplets.

    Attributes
    ----------
    coordinates
        (T, K): a_i - a_j, where Delta = E a.
    visual
        (T, K): E' (Delta_i - Delta_j).
    """

    coordinates: Tensor
    visual: Tensor


def perturbation(state: State, batch: Batch, pull: Tensor, epsilon: float) -> Perturbation:
    """Move the features of every item of the batch by ``epsilon`` to where its loss rises most.

    pull : (T, K) slope * rho_u, the gradient by E' f_i; that by E' f_j is its opposite
    """
    gram = state.embedding @ state.embedding.T  # (K, K)
    r = batch.items.sum(torch.cat([pull, -pull]))  # (distinct items, K)
    visual = r @ gram
    scale = epsilon / vecdot(r, visual)[:, None].clamp_min_(TINY).sqrt_()

    def difference(by_item: Tensor) -> Tensor:
        positive, negative = (scale * by_item)[batch.items.places].chunk(2)
        return positive - negative

    return Perturbation(coordinates=difference(r), visual=difference(visual))
