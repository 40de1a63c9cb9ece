"""VBPR: an epoch at the paper's size; AUC where both have converged, on a smaller split."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch

from comparing import OURS, Row, missing, race
from peers.cornac_models import cornac_scores, dataset, mean_auc, our_scores
from peers.drawn import Drawn, draw
from subjects import Given
from varbench.recommenders import vbpr
from varbench.recommenders.stack import Training
from varbench.recommenders.state import State

PAPER = {"users": 24_379, "items": 7_371, "each": 3, "width": 2_048}
SPLIT = {"users": 1_500, "items": 600, "each": 12, "width": 64}
SMALLEST = {"users": 200, "items": 100, "each": 5, "width": 16}
FACTORS, BATCH = 64, 512
TOLERANCE = 0.02  # of AUC: two optimisers
HALF = f"{OURS}, precision: bf16"
WHY = (
    "only the rows that a batch touches are updated, where Adam over all of them moves every "
    "user's factors; features are gathered once, as differences; products by oneDNN"
)


def ours(drawn: Drawn, epochs: int, **options: Any) -> State:
    training = Training(drawn.train, drawn.features, 0, log=lambda _: None)
    (state,) = vbpr.train(
        [training], device=torch.device("cpu"), epochs=epochs, factors=FACTORS, batch_size=BATCH,
        **options,
    )  # fmt: skip
    return state


def cornac(data: Any, epochs: int, **options: Any) -> Any:
    from cornac.models import VBPR

    model = VBPR(
        k=FACTORS, k2=FACTORS, n_epochs=epochs, batch_size=BATCH, verbose=False, seed=0, **options
    )
    return model.fit(data)


def rows(given: Given) -> Iterator[Row]:
    yield from compared(given, "VBPR", ours, cornac, 6, WHY)


def compared(
    given: Given,
    name: str,
    ours: Callable[..., State],
    theirs: Callable[..., Any],
    aim: float,
    why: str,
) -> Iterator[Row]:
    """Compare AUC at convergence on one split, then time an epoch at the paper's size."""
    size = SMALLEST if given.smallest else PAPER
    work = f"{name}, an epoch: {size['users']} users, {size['items']} items, D {size['width']}"
    if missing("cornac"):
        yield Row(work, "cornac", "cornac is not installed")
        return
    drawn = draw(**size)
    half = partial(ours, precision="bf16")
    sides = {OURS: partial(ours, drawn, 1), HALF: partial(half, drawn, 1)}
    sides["cornac"] = partial(theirs, dataset(drawn), 1)
    found = race(sides, min(given.rounds, 3), warm=given.smallest)
    if "cornac" in found.failures:
        yield Row(work, "cornac", found.failures["cornac"])
        return
    split = draw(**(SMALLEST if given.smallest else SPLIT))
    epochs = (2,) if given.smallest else (10, 20, 40)
    data = dataset(split)
    other = max(mean_auc(cornac_scores(theirs(data, n)), split) for n in epochs)
    for side, train, more in ((OURS, ours, ""), (HALF, half, HALF.removeprefix(OURS))):
        if side in found.failures:
            yield Row(work + more, "cornac", found.failures[side])
            continue
        # The paper's rates are for thousands of epochs.
        rates = {"learning_rate_users": 0.05, "learning_rate_items": 0.05}
        states = (train(split, n, **rates) for n in epochs)
        own = max(mean_auc(our_scores(state, split.features), split) for state in states)
        said = (
            f"AUC {own:.3f} and {other:.3f} at convergence ({split.train.shape[0]} users, "
            f"{split.train.shape[1]} items)"
        )
        same = own >= other - TOLERANCE
        reason = f"{why}; half precision, which is asked for" if side == HALF else why
        yield Row(work + more, "cornac", said, found.ratio("cornac", ours=side), same, aim, reason)
