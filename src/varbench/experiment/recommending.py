"""A recommender's training: what it is given, what it keeps while it runs, the model it leaves."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from varbench.catalogues.cold_start import without_interactions
from varbench.catalogues.features import largest, with_rows
from varbench.catalogues.interactions import some_users, to_matrix
from varbench.recommenders.learnt import SCALE
from varbench.recommenders.stack import Training, stacks
from varbench.recommenders.state import State, from_tensors
from varbench.registry import resolve

STACKED = {"cuda"}  # kinds of device on which trainings run together


@dataclass(frozen=True, eq=False)
class Learner:
    """A training that is ready to run, and what it leaves.

    Attributes
    ----------
    scale
        What the features are divided by.
    unknown
        (users,), those of whom nothing is learnt; None where that may stay as it began.
    cold
        Items of which nothing is learnt.
    epochs, halfway
        The log, a row an epoch, and the state after half of the epochs: both fill while it trains.
    """

    training: Training
    scale: float
    unknown: NDArray[np.bool_] | None
    cold: NDArray[np.int64]
    epochs: list[dict[str, float]]
    halfway: dict[str, Tensor]

    def learnt(self, state: State) -> dict[str, Tensor]:
        """Return what ``learnt.ranking_factors`` multiplies; what was never learnt is nothing.

        state : at the end of the training; changed in place
        """
        if self.unknown is not None:
            unknown = torch.from_numpy(self.unknown)
            state.user_factors[unknown] = state.user_visual_factors[unknown] = 0
        state.item_factors[torch.tensor(self.cold)] = 0
        return state.learnt() | {SCALE: torch.tensor([self.scale])}


def learner(
    interactions: pd.DataFrame,
    clean: NDArray[np.float32],
    items: NDArray[np.int64],
    attacked: NDArray[np.float32] | None,
    *,
    recommender: Mapping[str, Any],
    seed: int,
    reached: Any,
    keep: Callable[[Callable[[], Any]], None],
    start: State | None = None,
    leave_out_attacked: bool = False,
    share_of_users: float = 1,
) -> Learner:
    """Return a training on a catalogue that may hold attacked images.

    Parameters
    ----------
    interactions
        user, item, held_out.
    clean
        (items, D) features of the clean images.
    items, attacked
        (M,) the attacked items and (M, D) features of their attacked images; None for clean ones.
    recommender
        The configuration's block. Features are divided by the largest of the clean catalogue,
        or, with ``feature_scale: attacked`` (D9), of the one that is trained on.
    reached
        What ``keep`` got last, before this training was interrupted; None if there is none.
    keep
        Called after each epoch with a function that returns all that it takes to go on.
    start
        State to train on from.
    leave_out_attacked
        Whether nobody has interacted with the attacked items (cold start).
    share_of_users
        Of those that are trained on; others are drawn by ``seed`` and left out.

    Raises InputError as ``without_interactions`` and ``some_users`` do.
    """
    features = clean if attacked is None else with_rows(clean, items, attacked)
    users = int(interactions["user"].max()) + 1
    if leave_out_attacked:
        interactions = without_interactions(interactions, items)
    train = to_matrix(interactions, items=len(clean), users=users).train
    train = some_users(train, share_of_users, seed)
    scaled_by = recommender.get("feature_scale", "clean")
    scale = largest(clean if scaled_by == "clean" else features)
    reached = reached or {"epochs": [], "state": None, "halfway": {}}
    epochs, halfway = reached["epochs"], reached["halfway"]
    half = (start.epoch if start else 0) + max(1, recommender["epochs"] // 2)

    def after(state: State) -> None:
        if state.epoch == half:
            halfway.update({name: tensor.clone() for name, tensor in state.tensors().items()})
        keep(lambda: {"epochs": epochs, "state": state.tensors(), "halfway": halfway})

    training = Training(
        train,
        np.divide(features, scale, dtype=np.float32),
        seed,
        log=epochs.append,
        start=start,
        resume=from_tensors(reached["state"]) if reached["state"] else None,
        checkpoint=after,
    )
    unknown = None if share_of_users == 1 else train.getnnz(axis=1) == 0
    cold = items if leave_out_attacked else items[:0]
    return Learner(training, float(scale), unknown, cold, epochs, halfway)


def train(
    learners: Iterator[Learner], recommender: Mapping[str, Any], device: torch.device
) -> Iterator[tuple[int, Learner, State]]:
    """Yield the place of each learner, it, and its state when it is trained.

    On a CPU they are asked for one after the other, each while the last is still there and none
    before it; a GPU, which one alone leaves idle, gets all that can be stacked together.
    """
    of_experiment = ("method", "feature_scale")
    parameters = {name: v for name, v in recommender.items() if name not in of_experiment}
    run = resolve("recommender", recommender["method"])
    for group in _groups(learners, device):
        states = run([one.training for _, one in group], device=device, **parameters)
        for (place, one), state in zip(group, states, strict=True):
            yield place, one, state


def _groups(
    learners: Iterator[Learner], device: torch.device
) -> Iterator[Sequence[tuple[int, Learner]]]:
    if device.type in STACKED:
        every = list(learners)
        for group in stacks([one.training for one in every]):
            yield [(place, every[place]) for place in group]
        return
    places = count()  # `enumerate` would keep the one before the last, too
    for one in learners:
        yield [(next(places), one)]
