"""The loop that VBPR and AMR share: batches of triplets, their gradients, Adagrad.

On the CPU a training is reproducible bit by bit for a given number of threads. On CUDA
``index_add_`` adds in no fixed order, so repeated runs agree up to rounding only.
"""

import math
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor
from torch.nn.functional import embedding_bag

from varbench.errors import InputError
from varbench.recommenders import adagrad
from varbench.recommenders.batch import Batch, Gradients, Rows
from varbench.recommenders.sampling import Triplets, triplets
from varbench.recommenders.spread import spreads
from varbench.recommenders.state import PARAMETERS, State, check, initial, shapes

# Gradients of a batch without regularisation; by name, for the log, losses summed over triplets.
Step = Callable[[State, Batch], tuple[Gradients, dict[str, Tensor]]]


def fit(
    step: Step,
    interactions: sparse.csr_matrix,
    features: NDArray[np.float32],
    *,
    seed: int,
    device: torch.device,
    log: Callable[[dict[str, float]], None],
    epochs: int,
    start: State | None = None,
    resume: State | None = None,
    checkpoint: Callable[[State], None] | None = None,
    factors: int = 64,
    batch_size: int = 512,
    learning_rate_users: float = 0.01,
    learning_rate_items: float = 1e-4,
    learning_rate_embedding: float = 1e-3,
    regularisation_users: float = 0.1,
    regularisation_items: float = 1e-3,
    regularisation_embedding: float = 0.0,
    regulariser: str = "squared",
    user_factors: str = "separate",
    item_bias: bool = False,
) -> State:
    """Train for ``epochs`` epochs after ``start`` and return the state.

    The loss of a batch is Eq. 1 summed over its triplets; the regularisation counts users and
    items as often as they occur in it, the embedding once.

    Parameters
    ----------
    interactions
        (users, items), an entry for every training interaction.
    features
        (items, D) image features, used as given: the learning rates suit values up to about 1.
    log
        Called after each epoch with epoch (from 0), the step's losses as means over the
        triplets, the spreads of ``spread.spreads``, and seconds.
    start
        State to train on from, which is left as it is; None for new parameters.
    resume
        State that ``checkpoint`` got in this same training before it was interrupted. The result
        is the same as without the interruption.
    checkpoint
        Called after each epoch with the state. Later epochs change it: write or copy it.
    regulariser
        "squared", the L2 norm's square of Eq. 1; or "linear", the sum of the values, which has no
        least value and pushes them all down.
    user_factors
        "separate" p_u and rho_u as in Eq. 2; or "shared", one vector that serves as both.
    item_bias
        Whether each item has a bias too, learnt at the rate and the regularisation of items.

    Raises
    ------
    InputError
        Interactions, features and states do not fit one another, features are not finite, or the
        training diverges.
    """
    users, items = interactions.shape
    _check_features(features, items)
    expected = shapes(users, items, features.shape[1], factors)
    for given in filter(None, (start, resume)):
        check(given, expected)
    last = epochs + (start.epoch if start else 0)
    state = resume or start or initial(expected, seed=seed)
    state = state.copy(device)
    penalty = PENALTIES[regulariser]
    shared = user_factors == "shared"
    if shared:
        state.user_visual_factors.copy_(state.user_factors)
    settings = {
        "user_factors": (learning_rate_users, regularisation_users),
        "item_factors": (learning_rate_items, regularisation_items),
        "user_visual_factors": (learning_rate_users, regularisation_users),
        "embedding": (learning_rate_embedding, regularisation_embedding),
        "item_bias": (learning_rate_items, regularisation_items),
    }
    if shared:
        del settings["user_visual_factors"]
    if not item_bias:
        del settings["item_bias"]
    visual = torch.from_numpy(features).to(device)

    for epoch in range(state.epoch, last):
        began = time.perf_counter()
        drawn = triplets(interactions, seed=seed, epoch=epoch)
        totals: dict[str, Tensor | float] = {}
        for batch in _batches(drawn, visual, batch_size):
            gradients, losses = step(state, batch)
            _update(state, batch, gradients, settings, penalty)
            for name, value in losses.items():
                totals[name] = totals.get(name, 0.0) + value
        state.epoch = epoch + 1
        means = {name: float(total) / len(drawn.users) for name, total in totals.items()}
        _check_progress(state, means)
        spread = spreads(state, visual)
        log({"epoch": epoch, **means, **spread, "seconds": time.perf_counter() - began})
        if checkpoint is not None:
            checkpoint(state)
    return state


def _batches(drawn: Triplets, features: Tensor, batch_size: int) -> Iterator[Batch]:
    """Yield the batches of an epoch."""
    columns = (torch.from_numpy(ids).to(features.device) for ids in drawn)
    signs = features.new_tensor([1.0, -1.0])
    for users, positives, negatives in zip(
        *(torch.split(ids, batch_size) for ids in columns), strict=True
    ):
        pairs = torch.stack([positives, negatives], dim=1)  # (T, 2)
        # features[positives] - features[negatives] in one pass, without two matrices more.
        difference = embedding_bag(
            pairs, features, per_sample_weights=signs.expand(pairs.shape), mode="sum"
        )
        yield Batch(Rows.of(users), Rows.of(torch.cat([positives, negatives])), difference)


def _update(
    state: State,
    batch: Batch,
    gradients: Gradients,
    settings: dict[str, tuple[float, float]],
    penalty: Callable[[Tensor, float], Tensor],
) -> None:
    """Take a step of Adagrad in place.

    settings : learning rate and regularisation of each parameter that is trained; without those of
        rho, p serves as rho too
    """
    shared = "user_visual_factors" not in settings
    by_row = {
        "user_factors": (batch.users, gradients.user),
        "item_factors": (batch.items, torch.cat([gradients.item, -gradients.item])),
        "user_visual_factors": (batch.users, gradients.user_visual),
        "item_bias": (batch.items, torch.cat([gradients.item_bias, -gradients.item_bias])),
    }
    if shared:
        by_row["user_factors"] = (batch.users, gradients.user + gradients.user_visual)
    for name, (rows, gradient) in by_row.items():
        if name not in settings:
            continue
        learning_rate, weight = settings[name]
        values, accumulator = getattr(state, name), state.accumulators[name]
        total = rows.sum(gradient)  # (distinct, K)
        total += rows.counts * penalty(values.index_select(0, rows.distinct), weight)
        adagrad.update_rows(values, accumulator, rows.distinct, total, learning_rate)
    if shared:
        distinct = batch.users.distinct
        state.user_visual_factors[distinct] = state.user_factors[distinct]
    learning_rate, weight = settings["embedding"]
    gradient = gradients.embedding
    if weight:  # the one parameter that is large, and that the experiment does not regularise
        gradient += penalty(state.embedding, weight)
    adagrad.update(state.embedding, state.accumulators["embedding"], gradient, learning_rate)


# Gradients of weight * |values|^2 and of weight * sum(values).
PENALTIES: dict[str, Callable[[Tensor, float], Tensor]] = {
    "squared": lambda values, weight: 2 * weight * values,
    "linear": torch.full_like,
}


def _check_features(features: NDArray[np.float32], items: int) -> None:
    if features.ndim != 2 or len(features) != items:
        raise InputError(
            f"features: shape {features.shape} where ({items}, D) is expected, a row for each item"
        )
    broken = ~np.isfinite(features).all(axis=1)
    if broken.any():
        raise InputError(
            f"features: row {int(broken.argmax())} holds a value that is not finite; "
            "extract them again"
        )


def _check_progress(state: State, losses: dict[str, float]) -> None:
    """Stop if anything is no longer finite; sums show it at little cost."""
    sums = sum(float(getattr(state, name).sum()) for name in PARAMETERS)
    if not math.isfinite(sums + sum(losses.values())):
        raise InputError(
            f"training diverged: loss or parameters are not finite in epoch {state.epoch - 1}; "
            "lower the learning rates or the features' scale"
        )
