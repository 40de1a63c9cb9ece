"""Training is what automatic differentiation and torch's Adagrad make of the equations."""

import numpy as np
import pytest
import torch

from recommending import (
    RATES,
    SMALL,
    WEIGHTS,
    adversary,
    bpr,
    drawn_features,
    drawn_matrix,
    equal,
    leaves,
    train,
)
from varbench.recommenders.sampling import triplets
from varbench.recommenders.state import PARAMETERS, from_tensors, initial, shapes


def plain_training(
    interactions,
    features,
    start,
    *,
    epochs,
    weight,
    epsilon,
    size=torch.square,
    shared=False,
    bias=False,
):
    """Automatic differentiation and torch's Adagrad; returns the parameters and the log."""
    parameters = leaves(start)
    if shared:
        parameters[2] = parameters[0]
    rates, penalties = ([*options.values()] for options in (RATES, WEIGHTS))
    groups = [
        {"params": [parameter], "lr": rates[kind]}
        for parameter, kind in dict(zip(parameters, (0, 1, 0, 2, 1), strict=True)).items()
        if bias or parameter is not parameters[4]
    ]
    optimiser = torch.optim.Adagrad(groups, initial_accumulator_value=0.1, eps=1e-10)
    features, log = torch.from_numpy(features), []
    for epoch in range(epochs):
        columns = [torch.from_numpy(c) for c in triplets(interactions, seed=0, epoch=epoch)]
        sums = np.zeros(2)
        for u, i, j in zip(*(column.split(32) for column in columns), strict=True):
            p, q, rho, embedding, b = parameters
            delta = adversary(parameters, features, u, i, j, epsilon)
            clean = bpr(parameters, features, u, i, j)
            moved = bpr(parameters, features + delta, u, i, j)
            users = (p,) if shared else (p, rho)
            penalty = penalties[0] * sum(size(vectors[u]).sum() for vectors in users)
            penalty += penalties[1] * (size(q[i]).sum() + size(q[j]).sum())
            penalty += penalties[2] * size(embedding).sum()
            penalty += penalties[1] * (size(b[i]).sum() + size(b[j]).sum())
            optimiser.zero_grad()
            (clean + weight * moved + penalty).backward()
            optimiser.step()
            sums += clean.item(), moved.item()
        log.append(sums / len(columns[0]))
    return [parameter.detach() for parameter in parameters], np.array(log)


@pytest.mark.parametrize(
    ("regulariser", "size"), [("squared", torch.square), ("linear", torch.clone)]
)
@pytest.mark.parametrize(
    ("user_factors", "item_bias"), [("separate", False), ("shared", False), ("separate", True)]
)
@pytest.mark.parametrize("method", ["vbpr", "amr"])
def test_training_is_plain_training(method, user_factors, item_bias, regulariser, size):
    interactions, features = drawn_matrix(), drawn_features()
    start = initial(shapes(30, 40, 12, 6), seed=0)
    adversarial = {"adversarial_weight": 0.5, "epsilon": 0.8} if method == "amr" else {}
    log = []
    state = train(
        method,
        interactions,
        features,
        start=start,
        epochs=3,
        log=log.append,
        user_factors=user_factors,
        item_bias=item_bias,
        regulariser=regulariser,
        **SMALL,
        **adversarial,
    )
    weight, epsilon = adversarial.values() if adversarial else (0.0, 0.0)
    parameters, losses = plain_training(
        interactions,
        features,
        start,
        epochs=3,
        weight=weight,
        epsilon=epsilon,
        size=size,
        shared=user_factors == "shared",
        bias=item_bias,
    )
    for name, parameter in zip(PARAMETERS, parameters, strict=True):
        trained = name != "item_bias" or item_bias
        moved = (getattr(start, name) - parameter).abs().max()
        assert moved > 0.05 if trained else moved == 0
        torch.testing.assert_close(getattr(state, name), parameter, rtol=1e-4, atol=1e-5)
    assert [row["epoch"] for row in log] == [0, 1, 2]
    assert [row["loss"] for row in log] == pytest.approx(losses[:, 0], rel=1e-5)
    if adversarial:
        assert [row["adversarial_loss"] for row in log] == pytest.approx(losses[:, 1], rel=1e-5)


@pytest.mark.parametrize("method", ["vbpr", "amr"])
@pytest.mark.parametrize("batch_size", [32, 64])  # by triplets, and by items
def test_half_precision_learns_the_same_up_to_its_rounding(method, batch_size):
    interactions, features = drawn_matrix(), drawn_features()
    options = {"start": initial(shapes(30, 40, 12, 6), seed=0), "epochs": 5, **SMALL}
    options["batch_size"] = batch_size
    full, half = (
        train(method, interactions, features, precision=precision, **options)
        for precision in ("fp32", "bf16")
    )
    for name in ("user_visual_factors", "embedding"):
        one, other = getattr(full, name), getattr(half, name)
        assert other.dtype == torch.float32
        moved = (one - getattr(options["start"], name)).norm()
        assert 0 < (one - other).norm() < 0.05 * moved


def test_training_needs_no_gradient_mode():
    arguments = ("vbpr", drawn_matrix(), drawn_features())
    with torch.no_grad():
        without = train(*arguments, epochs=2, **SMALL)
    assert equal(without, train(*arguments, epochs=2, **SMALL))


def test_amr_of_weight_0_is_vbpr():
    interactions, features = drawn_matrix(), drawn_features()
    half = train("vbpr", interactions, features, epochs=3, **SMALL)
    whole = train("vbpr", interactions, features, epochs=6, **SMALL)
    continued = train(
        "amr", interactions, features, start=half, epochs=3, adversarial_weight=0, **SMALL
    )
    assert whole.epoch == continued.epoch == 6
    assert equal(whole, continued)
    adversarial = train("amr", interactions, features, start=half, epochs=3, **SMALL)
    assert not equal(whole, adversarial)


def test_the_released_amr_restarts_adagrad():
    """D17: the start's parameters, with sums of 0.1; nothing else of the optimiser is carried."""
    interactions, features = drawn_matrix(), drawn_features()
    half = train("vbpr", interactions, features, epochs=3, **SMALL)
    fresh = from_tensors(half.tensors())
    fresh.accumulators = {name: torch.full_like(t, 0.1) for name, t in half.accumulators.items()}
    restarted, expected, carried = (
        train("amr", interactions, features, start=start, epochs=2, **how, **SMALL)
        for start, how in ((half, {"optimiser": "restarted"}), (fresh, {}), (half, {}))
    )
    assert equal(restarted, expected)
    assert not equal(restarted, carried)
    assert half.accumulators["embedding"].max() > 0.2  # the start is left as it was


def test_two_threads_are_reproducible():
    interactions, features = drawn_matrix(300, 300, 0.01), drawn_features(300, 2048)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        runs = [train("vbpr", interactions, features, epochs=1) for _ in range(2)]
    finally:
        torch.set_num_threads(threads)
    assert equal(*runs)
