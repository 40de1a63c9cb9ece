"""AMR: beside cornac's, and beside the same algorithm left to automatic differentiation."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, normalize

from comparing import OURS, Row, race
from peers import vbpr
from peers.drawn import Drawn, draw
from subjects import Given
from varbench.recommenders import amr
from varbench.recommenders.sampling import triplets
from varbench.recommenders.stack import Training
from varbench.recommenders.state import State, initial, shapes

PLAIN = "plain automatic differentiation"
WEIGHT, LENGTH = 0.1, 1.0
RATES = {"user_factors": 0.01, "item_factors": 1e-4, "user_visual_factors": 0.01, "embedding": 1e-3}
PENALTIES = {"user_factors": 0.1, "item_factors": 1e-3, "user_visual_factors": 0.1}
TOLERANCE = 1e-3  # of a parameter's largest change
WHY = (
    "the adversary's step is found in the factors' space (64 wide), not in the features'; "
    "only the rows that a batch touches are updated; products by oneDNN"
)


def ours(drawn: Drawn, epochs: int, **options: Any) -> State:
    training = Training(drawn.train, drawn.features, 0, log=lambda _: None)
    (state,) = amr.train(
        [training], device=torch.device("cpu"), epochs=epochs, factors=vbpr.FACTORS,
        batch_size=vbpr.BATCH, adversarial_weight=WEIGHT, epsilon=LENGTH, **options,
    )  # fmt: skip
    return state


def cornac(data: Any, epochs: int, **options: Any) -> Any:
    from cornac.models import AMR

    model = AMR(
        k=vbpr.FACTORS, n_epochs=epochs, batch_size=vbpr.BATCH, verbose=False, seed=0,
        lambda_adv=WEIGHT, **options,
    )  # fmt: skip
    return model.fit(data)


def plain(drawn: Drawn) -> State:
    """Train an epoch as the loss reads: two losses, autograd for all, torch's own Adagrad."""
    (users, items), width = drawn.train.shape, drawn.features.shape[1]
    state = initial(shapes(users, items, width, vbpr.FACTORS), seed=0)
    values = {name: getattr(state, name).requires_grad_() for name in RATES}
    groups = [{"params": [values[name]], "lr": RATES[name]} for name in RATES]
    optimizer = torch.optim.Adagrad(groups, initial_accumulator_value=0.1)
    features = torch.from_numpy(drawn.features)
    ids = (torch.from_numpy(column) for column in triplets(drawn.train, seed=0, epoch=0))
    for batch in zip(*(column.split(vbpr.BATCH) for column in ids), strict=True):
        loss(values, features, *batch, optimizer).backward()
        optimizer.step()
    return state


def loss(
    values: dict[str, Tensor],
    features: Tensor,
    users: Tensor,
    positives: Tensor,
    negatives: Tensor,
    optimizer: torch.optim.Optimizer,
) -> Tensor:
    """Return the loss of a batch; gradients are cleared on the way."""
    distinct, places = torch.unique(torch.cat([positives, negatives]), return_inverse=True)
    here = features[distinct].requires_grad_()
    (moving,) = torch.autograd.grad(_bpr(values, here, places, users, positives, negatives), here)
    moved = here.detach() + LENGTH * normalize(moving, dim=1, eps=1e-30)
    optimizer.zero_grad()
    total = _bpr(values, here.detach(), places, users, positives, negatives)
    total = total + WEIGHT * _bpr(values, moved, places, users, positives, negatives)
    rows = {
        "user_factors": users,
        "user_visual_factors": users,
        "item_factors": torch.cat([positives, negatives]),
    }
    for name, ids in rows.items():
        total = total + PENALTIES[name] * values[name][ids].square().sum()
    return total


def _bpr(
    values: dict[str, Tensor],
    features: Tensor,
    places: Tensor,
    users: Tensor,
    positives: Tensor,
    negatives: Tensor,
) -> Tensor:
    positive, negative = features[places].chunk(2)
    items = values["item_factors"]
    margin = (values["user_factors"][users] * (items[positives] - items[negatives])).sum(1)
    visual = (positive - negative) @ values["embedding"].T
    margin = margin + (values["user_visual_factors"][users] * visual).sum(1)
    return -logsigmoid(margin).sum()


def rows(given: Given) -> Iterator[Row]:
    yield from vbpr.compared(given, "AMR", ours, cornac, 15, WHY)
    size = vbpr.SMALLEST if given.smallest else vbpr.PAPER
    drawn = draw(**size)
    work = f"AMR, an epoch: {size['users']} users, {size['items']} items, D {size['width']}"
    sides = {OURS: partial(ours, drawn, 1), PLAIN: partial(plain, drawn)}
    found = race(sides, min(given.rounds, 3), warm=given.smallest)
    begun = initial(shapes(*drawn.train.shape, drawn.features.shape[1], vbpr.FACTORS), seed=0)
    apart = max(
        _apart(
            *(getattr(found.results[side], name) for side in (OURS, PLAIN)), getattr(begun, name)
        )
        for name in RATES
    )
    said = f"parameters after the epoch differ by {apart:.1e} of their largest change"
    yield Row(work, PLAIN, said, found.ratio(PLAIN), apart <= TOLERANCE, 15, WHY)


def _apart(one: Tensor, other: Tensor, begun: Tensor) -> float:
    arrays = [tensor.detach().double().numpy() for tensor in (one, other, begun)]
    return float(np.abs(arrays[0] - arrays[1]).max() / np.abs(arrays[0] - arrays[2]).max())
