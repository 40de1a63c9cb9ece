"""Several trainings of one size as a single one, which fills a GPU better than one after the other.

What has a row for each user or item is stacked row upon row: training s's user u is row
s * users + u, so looking rows up and updating them is what it is for a single training. Only E has
an axis of its own for the trainings, (S, K, D): on a GPU its products are batched.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from varbench.recommenders.sampling import Triplets
from varbench.recommenders.state import PARAMETERS, State


@dataclass(frozen=True, eq=False)
class Training:
    """What a training has of its own, where others are trained beside it.

    Attributes
    ----------
    interactions
        (users, items), an entry for every training interaction.
    features
        (items, D) image features, used as given: the learning rates suit values up to about 1.
    seed
        Of the initial factors and of the triplets.
    log
        Called after each epoch with epoch (from 0), the step's losses as means over the
        triplets, the spreads of ``spread.spreads``, and seconds: its share of the stack's.
    start
        State to train on from, which is left as it is; None for new parameters.
    resume
        State that ``checkpoint`` got in this same training before it was interrupted. The result
        is the same as without the interruption.
    checkpoint
        Called after each epoch with the state. Later epochs change it: write or copy it.
    """

    interactions: sparse.csr_matrix
    features: NDArray[np.float32]
    seed: int
    log: Callable[[dict[str, float]], None]
    start: State | None = None
    resume: State | None = None
    checkpoint: Callable[[State], None] | None = None

    def pace(self) -> tuple[int, ...]:
        """Return what trainings must have in common to be stacked.

        That is users, items, interactions, D, and the epochs of the start and of what is resumed.
        """
        epochs = (state.epoch if state else 0 for state in (self.start, self.resume))
        shape = (*self.interactions.shape, self.interactions.nnz, *self.features.shape[1:])
        return (*shape, *epochs)


def stacks(trainings: Sequence[Training]) -> list[list[int]]:
    """Group the positions of trainings that can be stacked, in the order of the first of each."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for position, training in enumerate(trainings):
        groups.setdefault(training.pace(), []).append(position)
    return list(groups.values())


def stack(states: Sequence[State], device: torch.device) -> State:
    """Return one state on ``device`` that holds copies of all, which have the same epoch."""

    def whole(name: str, tensors: Sequence[Tensor]) -> Tensor:
        moved = [tensor.to(device) for tensor in tensors]
        return torch.stack(moved) if name == "embedding" else torch.cat(moved)

    parameters = {name: whole(name, [getattr(s, name) for s in states]) for name in PARAMETERS}
    sums = {name: whole(name, [s.accumulators[name] for s in states]) for name in PARAMETERS}
    return State(states[0].epoch, **parameters, accumulators=sums)


def unstack(whole: State, count: int) -> list[State]:
    """Return the states of a stack; they share its memory."""

    def parts(name: str, tensor: Tensor) -> Sequence[Tensor]:
        return tensor.unbind() if name == "embedding" else tensor.chunk(count)

    parameters = {name: parts(name, getattr(whole, name)) for name in PARAMETERS}
    sums = {name: parts(name, whole.accumulators[name]) for name in PARAMETERS}
    return [
        State(
            whole.epoch,
            **{name: tensors[s] for name, tensors in parameters.items()},
            accumulators={name: tensors[s] for name, tensors in sums.items()},
        )
        for s in range(count)
    ]


def stack_features(trainings: Sequence[Training], device: torch.device) -> Tensor:
    """Return all features on ``device``, (S, items, D); those of a single training uncopied."""
    features = [torch.from_numpy(training.features).to(device) for training in trainings]
    return torch.stack(features) if len(features) > 1 else features[0][None]


def stack_triplets(drawn: Sequence[Triplets], users: int, items: int) -> Triplets:
    """Return S trainings' N triplets as three (S, N) matrices of rows in the stack.

    users, items : of one training
    """
    offset = np.arange(len(drawn))[:, None]
    of_users, positives, negatives = (np.stack(ids) for ids in zip(*drawn, strict=True))
    return Triplets(
        of_users + users * offset, positives + items * offset, negatives + items * offset
    )
