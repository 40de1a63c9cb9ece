"""The loop that the recommenders share: batches of triplets, their gradients, Adagrad.

On the CPU a training is reproducible bit by bit for a given number of threads. On CUDA
``index_add_`` adds in no fixed order, so repeated runs agree up to rounding only.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from varbench.errors import InputError
from varbench.precisions import PRECISIONS
from varbench.recommenders import adagrad
from varbench.recommenders.batch import Batch, Gradients, Rows
from varbench.recommenders.differences import differences
from varbench.recommenders.sampling import Triplets, triplets
from varbench.recommenders.spread import spreads
from varbench.recommenders.stack import Training, stack, stack_features, stack_triplets, unstack
from varbench.recommenders.state import PARAMETERS, State, check, initial, shapes

# Gradients of a batch without regularisation; by name, for the log, losses summed over triplets,
# (S,) of S trainings.
Step = Callable[[State, Batch], tuple[Gradients, dict[str, Tensor]]]


def fit(
    step: Step,
    trainings: Sequence[Training],
    *,
    device: torch.device,
    epochs: int,
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
    precision: str = "fp32",
) -> list[State]:
    """Train each for ``epochs`` epochs after its start, side by side, and return their states.

    The loss of a batch is Eq. 1 summed over its triplets; the regularisation counts users and
    items as often as they occur in it, the embedding once.

    Parameters
    ----------
    trainings
        Of one ``stack.Training.pace``. On a CPU each gets what it gets alone, bit for bit.
    regulariser
        "squared", the L2 norm's square of Eq. 1; or "linear", the sum of the values, which has no
        least value and pushes them all down.
    user_factors
        "separate" p_u and rho_u as in Eq. 2; or "shared", one vector that serves as both.
    item_bias
        Whether each item has a bias too, learnt at the rate and the regularisation of items.
    precision
        Of the features and of what is multiplied with them, "fp32" or "bf16". Parameters, losses
        and updates are float32.

    Raises
    ------
    InputError
        Interactions, features and states do not fit one another, features are not finite, or a
        training diverges.
    """
    first = trainings[0]
    users, items = first.interactions.shape
    for training in trainings:
        _check_features(training.features, items)
        expected = shapes(users, items, training.features.shape[1], factors)
        for given in filter(None, (training.start, training.resume)):
            check(given, expected)
    last = epochs + (first.start.epoch if first.start else 0)
    whole = stack(
        [t.resume or t.start or initial(expected, seed=t.seed) for t in trainings], device
    )
    penalty = PENALTIES[regulariser]
    shared = user_factors == "shared"
    if shared:
        whole.user_visual_factors.copy_(whole.user_factors)
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
    states = unstack(whole, len(trainings))
    features = stack_features(trainings, device).to(PRECISIONS[precision])

    for epoch in range(whole.epoch, last):
        began = time.perf_counter()
        drawn = stack_triplets(
            [triplets(t.interactions, seed=t.seed, epoch=epoch) for t in trainings], users, items
        )
        totals: dict[str, Tensor] = {}
        for batch in _batches(drawn, features, batch_size):
            gradients, losses = step(whole, batch)
            _update(whole, batch, gradients, settings, penalty)
            for name, values in losses.items():
                totals[name] = totals[name] + values if name in totals else values
        _check_progress(whole, totals, epoch)
        for state in states:
            state.epoch = epoch + 1
        spread = [spreads(*pair) for pair in zip(states, features, strict=True)]
        seconds = (time.perf_counter() - began) / len(trainings)
        for s, training in enumerate(trainings):
            means = {name: float(total[s]) / drawn.users.shape[1] for name, total in totals.items()}
            training.log({"epoch": epoch, **means, **spread[s], "seconds": seconds})
            if training.checkpoint is not None:
                training.checkpoint(states[s])
    return states


def _batches(drawn: Triplets, features: Tensor, batch_size: int) -> Iterator[Batch]:
    """Yield the batches of an epoch, for features (S, items, D)."""
    columns = (torch.from_numpy(ids).to(features.device) for ids in drawn)
    for users, positives, negatives in zip(
        *(torch.split(ids, batch_size, dim=1) for ids in columns), strict=True
    ):
        items = torch.cat([positives, negatives], dim=1)  # (S, 2 T)
        images = differences(features, positives, negatives)
        yield Batch(Rows.of(users), Rows.of(items), images)


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
        "item_factors": (batch.items, torch.cat([gradients.item, -gradients.item], dim=-2)),
        "user_visual_factors": (batch.users, gradients.user_visual),
        "item_bias": (batch.items, torch.cat([gradients.item_bias, -gradients.item_bias], dim=-2)),
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


def _check_progress(state: State, losses: dict[str, Tensor], epoch: int) -> None:
    """Stop if anything is no longer finite; sums show it at little cost."""
    parameters = (getattr(state, name) for name in PARAMETERS)
    if not math.isfinite(sum(float(values.sum()) for values in (*parameters, *losses.values()))):
        raise InputError(
            f"training diverged: loss or parameters are not finite in epoch {epoch}; "
            "lower the learning rates or the features' scale"
        )
