import math
from dataclasses import fields, replace
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save
from scipy import sparse, stats
from torch.nn.functional import logsigmoid, normalize

from varbench.errors import InputError
from varbench.metrics import accuracy
from varbench.recommenders import adagrad, amr, learnt, vbpr
from varbench.recommenders.batch import Batch, Rows
from varbench.recommenders.ranking import dot_product_scores, rank
from varbench.recommenders.sampling import triplets
from varbench.recommenders.stack import Training, stacks
from varbench.recommenders.state import (
    PARAMETERS,
    State,
    from_tensors,
    initial,
    shapes,
)
from varbench.registry import METHODS, resolve

CPU = torch.device("cpu")


def matrix(pairs, shape):
    users, items = np.array(sorted(pairs), dtype=int).reshape(-1, 2).T
    return sparse.csr_matrix((np.ones(len(users), np.float32), (users, items)), shape)


def drawn_matrix(users=30, items=40, share=0.2, seed=0):
    known = np.random.default_rng(seed).random((users, items)) < share
    return sparse.csr_matrix(known.astype(np.float32))


def drawn_features(items=40, width=12, seed=0):
    return np.random.default_rng(seed).random((items, width), np.float32)


# Sampling


@st.composite
def interactions(draw):
    users, items = draw(st.integers(1, 6)), draw(st.integers(2, 8))
    pair = st.tuples(st.integers(0, users - 1), st.integers(0, items - 1))
    return matrix(draw(st.sets(pair, min_size=1)), (users, items))


@settings(deadline=None)
@given(interactions(), st.integers(0, 2**32), st.integers(0, 5000))
def test_triplets_hold_each_interaction_once_and_only_true_negatives(train, seed, epoch):
    known, warm = train.toarray() > 0, train.getnnz(axis=0) > 0
    full = (known.sum(axis=1) == warm.sum()).nonzero()[0]
    if len(full):
        with pytest.raises(InputError, match=rf"user ({'|'.join(map(str, full))}) interacted"):
            triplets(train, seed=seed, epoch=epoch)
        return
    users, positives, negatives = triplets(train, seed=seed, epoch=epoch)
    assert sorted(zip(users, positives, strict=True)) == [*map(tuple, np.argwhere(known))]
    assert not known[users, negatives].any()
    assert warm[negatives].all()


def test_negatives_are_uniform():
    # User 0 may draw 5 of 8 warm items, user 1 all but one; item 8 is cold.
    train = matrix({(0, 0), (0, 1), (0, 2), (1, 3), *((2, i) for i in range(1, 8))}, (3, 9))
    drawn = [triplets(train, seed=3, epoch=epoch) for epoch in range(3000)]
    users, _, negatives = (np.concatenate(column) for column in zip(*drawn, strict=True))
    for user, possible in [(0, [3, 4, 5, 6, 7]), (1, [0, 1, 2, 4, 5, 6, 7])]:
        counts = np.bincount(negatives[users == user], minlength=9)
        assert counts[possible].sum() == counts.sum()
        assert stats.chisquare(counts[possible]).pvalue > 0.01


def test_order_is_shuffled_and_belongs_to_seed_and_epoch():
    train = drawn_matrix()
    same = [np.stack(triplets(train, seed=1, epoch=7)) for _ in range(2)]
    others = [np.stack(triplets(train, seed=s, epoch=e)) for s, e in [(1, 8), (2, 7)]]
    assert (same[0] == same[1]).all()
    assert all((same[0] != other).mean() > 0.5 for other in others)


def test_no_interactions():
    with pytest.raises(InputError, match="interactions"):
        triplets(sparse.csr_matrix((3, 4), dtype=np.float32), seed=0, epoch=0)


# Gradients, against automatic differentiation of the equations with features as wide as they are


def problem(dtype=torch.float64, seed=0, users=5, items=7, factors=4, width=11, triplets=40):
    """A state, features and triplets in which every user and item comes up many times."""
    generator = torch.Generator().manual_seed(seed)
    draw = partial(torch.randn, generator=generator, dtype=dtype)
    expected = shapes(users, items, width, factors)
    state = State(
        0,
        **{name: draw(*shape) for name, shape in expected.items()},
        accumulators={name: torch.zeros(shape, dtype=dtype) for name, shape in expected.items()},
    )
    u = torch.randint(users, (triplets,), generator=generator)
    i = torch.randint(items, (triplets,), generator=generator)
    j = (i + torch.randint(1, items, (triplets,), generator=generator)) % items
    features = draw(items, width) / 3
    batch = Batch(Rows.of(u), Rows.of(torch.cat([i, j])), features[i] - features[j])
    return state, features, (u, i, j), batch


def bpr(parameters, features, u, i, j):
    """Eq. 1 without regularisation, by Eq. 2 for each item."""
    p, q, rho, embedding, bias = parameters

    def x(item):
        visual = rho[u] * (features[item] @ embedding.T)
        return (p[u] * q[item]).sum(1) + visual.sum(1) + bias[item, 0]

    return -logsigmoid(x(i) - x(j)).sum()


def adversary(parameters, features, u, i, j, epsilon):
    """Delta by its definition: (items, D)."""
    features = features.detach().requires_grad_()
    loss = bpr([tensor.detach() for tensor in parameters], features, u, i, j)
    (gradient,) = torch.autograd.grad(loss, features)
    return epsilon * normalize(gradient, dim=1, eps=1e-30)


def dense(state, batch, gradients):
    """Gradients by parameter, as automatic differentiation gives them."""
    items = torch.cat([gradients.item, -gradients.item])
    by_row = [(batch.users, gradients.user), (batch.items, items)]
    by_row.append((batch.users, gradients.user_visual))
    result = []
    for name, (rows, values) in zip(PARAMETERS, by_row, strict=False):
        whole = torch.zeros_like(getattr(state, name))
        whole[rows.distinct] = rows.sum(values)
        result.append(whole)
    bias = torch.zeros_like(state.item_bias)
    values = torch.cat([gradients.item_bias, -gradients.item_bias])
    bias[batch.items.distinct] = batch.items.sum(values)
    return [*result, gradients.embedding, bias]


def leaves(state):
    return [getattr(state, name).clone().requires_grad_() for name in PARAMETERS]


TOLERANCES = {torch.float64: 1e-11, torch.float32: 2e-5}


@pytest.mark.parametrize("dtype", TOLERANCES)
def test_gradients_of_vbpr(dtype):
    state, features, uij, batch = problem(dtype)
    gradients, losses = vbpr.step(state, batch)
    parameters = leaves(state)
    loss = bpr(parameters, features, *uij)
    torch.testing.assert_close(losses, {"loss": loss.detach()})
    for ours, theirs in zip(
        dense(state, batch, gradients), torch.autograd.grad(loss, parameters), strict=True
    ):
        assert (ours - theirs).norm() <= TOLERANCES[dtype] * theirs.norm()


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize(("weight", "epsilon"), [(0.1, 1.0), (2.0, 0.3), (1.0, 5.0)])
def test_gradients_of_amr(dtype, weight, epsilon):
    state, features, uij, batch = problem(dtype)
    gradients, losses = amr.step(state, batch, weight=weight, epsilon=epsilon)
    parameters = leaves(state)
    delta = adversary(parameters, features, *uij, epsilon)
    clean = bpr(parameters, features, *uij)
    moved = bpr(parameters, features + delta, *uij)
    expected = {"loss": clean.detach(), "adversarial_loss": moved.detach()}
    torch.testing.assert_close(losses, expected)
    for ours, theirs in zip(
        dense(state, batch, gradients),
        torch.autograd.grad(clean + weight * moved, parameters),
        strict=True,
    ):
        assert (ours - theirs).norm() <= TOLERANCES[dtype] * theirs.norm()


def pull(state, batch):
    terms = vbpr.evaluate(state, batch)
    return vbpr.slope(terms.margin)[:, None] * terms.user_visual


def test_perturbation_is_the_one_of_the_definition():
    state, features, (u, i, j), batch = problem()
    delta = adversary(leaves(state), features, u, i, j, 0.7)
    assert delta.norm(dim=1) == pytest.approx(0.7)
    ours = amr.perturbation(state, batch, pull(state, batch), 0.7)
    torch.testing.assert_close(ours.coordinates @ state.embedding, delta[i] - delta[j])
    torch.testing.assert_close(ours.visual, (delta[i] - delta[j]) @ state.embedding.T)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6), st.floats(0.01, 10))
def test_perturbation_raises_the_loss_as_much_as_its_length_promises(seed, epsilon):
    state, features, uij, batch = problem(seed=seed)
    _, losses = amr.step(state, batch, weight=0.1, epsilon=epsilon)
    features.requires_grad_()
    (gradient,) = torch.autograd.grad(bpr(leaves(state), features, *uij), features)
    # The loss is convex in the features, so it lies above its tangent.
    promised = losses["loss"] + epsilon * gradient.norm(dim=1).sum()
    assert losses["adversarial_loss"] >= promised * (1 - 1e-12)


def test_items_without_a_gradient_are_not_moved():
    state, _, _, batch = problem()
    state.user_visual_factors.zero_()
    gradients, losses = amr.step(state, batch, weight=0.5, epsilon=1.0)
    assert losses["adversarial_loss"] == losses["loss"]
    assert all(gradient.isfinite().all() for gradient in vars(gradients).values())
    assert not gradients.embedding.any()


# Adagrad


@pytest.mark.parametrize("start", [0.0, 0.1])
def test_adagrad_is_torchs(start):
    generator = torch.Generator().manual_seed(0)
    ours = torch.randn(6, 3, generator=generator)
    by_row = ours.clone()
    theirs = ours.clone().requires_grad_()
    optimiser = torch.optim.Adagrad([theirs], 0.3, initial_accumulator_value=start, eps=1e-10)
    accumulators = [torch.full((6, 3), start) for _ in range(2)]
    for _ in range(5):
        ids = torch.randint(5, (8,), generator=generator)  # duplicates; row 5 never comes up
        values = torch.randn(8, 3, generator=generator)
        values[0] = 0
        (theirs[ids] * values).sum().backward()
        rows = Rows.of(ids)
        adagrad.update(ours, accumulators[0], theirs.grad, 0.3)
        adagrad.update_rows(by_row, accumulators[1], rows.distinct, rows.sum(values), 0.3)
        optimiser.step()
        optimiser.zero_grad()
        for mine in (ours, by_row):
            torch.testing.assert_close(mine, theirs.detach(), rtol=1e-5, atol=1e-6)


# Training


OWN = {field.name for field in fields(Training)}


def train(method, interactions, features, **options):
    """One training by itself."""
    own = {name: options.pop(name) for name in OWN & options.keys()}
    training = Training(interactions, features, **{"seed": 0, "log": [].append} | own)
    (state,) = resolve("recommender", method)([training], **{"device": CPU} | options)
    return state


RATES = {"learning_rate_users": 0.5, "learning_rate_items": 0.4, "learning_rate_embedding": 0.3}
WEIGHTS = {
    "regularisation_users": 0.02,
    "regularisation_items": 0.03,
    "regularisation_embedding": 0.05,
}
SMALL = {"factors": 6, "batch_size": 32, **RATES, **WEIGHTS}


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


def equal(one, other):
    one, other = one.tensors(), other.tensors()
    assert one.keys() == other.keys()
    return all(torch.equal(one[name], other[name]) for name in one)


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


def several(method, item_bias, logs, count=3):
    """Trainings that differ in all that a stack lets them differ in, and their options."""
    options = {"epochs": 4, "item_bias": item_bias, **SMALL}
    trainings = []
    for seed in range(count):
        order = np.random.default_rng(seed).permutation(40)
        interactions = drawn_matrix()[:, order]
        features = drawn_features(seed=seed)
        start = start_of(method, interactions, features, seed=seed, **options)
        log = logs.setdefault(seed, [])
        trainings.append(Training(interactions, features, seed, log.append, **start))
    return trainings, options


def untimed(logs):
    return {s: [{**row, "seconds": None} for row in log] for s, log in logs.items()}


@pytest.mark.parametrize("item_bias", [False, True])
@pytest.mark.parametrize("user_factors", ["separate", "shared"])
def test_a_stack_is_its_trainings_one_by_one(method, item_bias, user_factors):
    logs, stacked_logs = {}, {}
    trainings, options = several(method, item_bias, logs)
    options["user_factors"] = user_factors
    recommender = partial(resolve("recommender", method), device=CPU, **options)
    alone = [recommender([training])[0] for training in trainings]
    trainings = [replace(t, log=stacked_logs.setdefault(t.seed, []).append) for t in trainings]
    together = recommender(trainings)
    assert not equal(*alone[:2])
    assert all(equal(*pair) for pair in zip(alone, together, strict=True))
    assert untimed(logs) == untimed(stacked_logs)


def test_a_stack_goes_on_from_the_states_it_had_reached(method):
    trainings, options = several(method, False, {})
    recommender = partial(resolve("recommender", method), device=CPU, **options)
    half = (trainings[0].start.epoch if trainings[0].start else 0) + 2
    kept = {}

    def keeper(seed):
        def keep(state):
            if state.epoch == half:
                kept[seed] = from_tensors(
                    {name: tensor.clone() for name, tensor in state.tensors().items()}
                )

        return keep

    whole = recommender([replace(t, checkpoint=keeper(t.seed)) for t in trainings])
    resumed = recommender([replace(t, resume=kept[t.seed]) for t in trainings])
    assert all(equal(*pair) for pair in zip(whole, resumed, strict=True))


def test_stacks_are_of_trainings_that_have_as_far_to_go():
    fresh, other = drawn_matrix(), drawn_matrix(seed=1)
    features = drawn_features()
    reached = replace(initial(shapes(30, 40, 12, 6), seed=0), epoch=5)
    plain = [Training(fresh, features, seed, print) for seed in range(3)]
    resumed = replace(plain[0], resume=reached)
    fewer = Training(other, features, 0, print)
    wider = Training(fresh, drawn_features(width=13), 0, print)
    assert other.nnz != fresh.nnz
    found = stacks([plain[0], resumed, plain[1], fewer, wider, plain[2]])
    assert found == [[0, 2, 5], [1], [3], [4]]


def test_two_threads_are_reproducible():
    interactions, features = drawn_matrix(300, 300, 0.01), drawn_features(300, 2048)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        runs = [train("vbpr", interactions, features, epochs=1) for _ in range(2)]
    finally:
        torch.set_num_threads(threads)
    assert equal(*runs)


# What cannot be trained


@pytest.mark.parametrize("features", [drawn_features(39), np.ones(40, np.float32)])
def test_features_that_do_not_fit(features):
    with pytest.raises(InputError, match=r"features: shape .* \(40, D\)"):
        train("vbpr", drawn_matrix(), features, epochs=1)


def test_features_that_are_not_finite():
    features = drawn_features()
    features[17, 3] = np.nan
    with pytest.raises(InputError, match="features: row 17"):
        train("vbpr", drawn_matrix(), features, epochs=1)


@pytest.mark.parametrize("method", ["vbpr", "amr"])
def test_divergence_stops_with_the_epoch(method):
    start = initial(shapes(30, 40, 12, 64), seed=0)
    with pytest.raises(InputError, match=r"epoch 0; lower the learning rates"):
        train(
            method, drawn_matrix(), drawn_features(), start=start, epochs=2,
            batch_size=32, learning_rate_users=1e30, learning_rate_embedding=1e30,
        )  # fmt: skip


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize("prefix", ["", "accumulator."])
@pytest.mark.parametrize("role", ["start", "resume"])
def test_states_that_do_not_fit_name_the_tensor(name, prefix, role):
    tensors = initial(shapes(30, 40, 12, 6), seed=0).tensors()
    tensors[prefix + name] = tensors[prefix + name][:-1]
    state = {role: from_tensors(tensors)}
    with pytest.raises(InputError, match=rf"state: {prefix}{name} has shape"):
        train("vbpr", drawn_matrix(), drawn_features(), epochs=1, **SMALL, **state)
    del tensors[prefix + name]
    with pytest.raises(InputError, match=f"lacks the tensor {prefix}{name}"):
        from_tensors(tensors)


def test_state_that_is_not_finite_names_the_tensor():
    start = initial(shapes(30, 40, 12, 6), seed=0)
    start.embedding[2, 2] = math.inf
    with pytest.raises(InputError, match="embedding holds values that are not finite"):
        train("vbpr", drawn_matrix(), drawn_features(), epochs=1, start=start, **SMALL)


def test_initial_values():
    state = initial(shapes(3000, 40, 12, 6), seed=0)
    assert not state.item_bias.any()
    for name in PARAMETERS:
        assert getattr(state, name).abs().max() <= 0.02
        assert (state.accumulators[name] == 0.1).all()
    theory = stats.truncnorm(-2, 2, scale=0.01)
    for name in ("user_factors", "user_visual_factors"):
        assert stats.kstest(getattr(state, name).flatten().numpy(), theory.cdf).pvalue > 0.01
    correlation = np.corrcoef(state.user_factors.flatten(), state.user_visual_factors.flatten())
    assert abs(correlation[0, 1]) < 0.03


# What every recommender must pass


STARTS_FROM = {"amr": "vbpr"}


def start_of(method, interactions, features, **options):
    """The options that give a recommender its start, where it needs one."""
    needed = STARTS_FROM.get(method)
    return {"start": train(needed, interactions, features, **options)} if needed else {}


@pytest.fixture(params=sorted(METHODS["recommender"]))
def method(request):
    return request.param


CHECKERBOARD = {
    "factors": 8,
    "batch_size": 64,
    "learning_rate_users": 0.1,
    "learning_rate_items": 0.1,
    "learning_rate_embedding": 0.1,
    "regularisation_users": 0.001,
    "regularisation_items": 0.001,
}


def checkerboard(size=40):
    """Users like the items of their own parity; each one's own item is held out."""
    users, items = np.indices((size, size))
    liked = ((users + items) % 2 == 0) & (users != items)
    return sparse.csr_matrix(liked.astype(np.float32)), np.arange(size)


def stored(state, scale=1.0):
    """The model as its file holds it."""
    arrays = {name: tensor.numpy() for name, tensor in state.learnt().items()}
    return arrays | {learnt.SCALE: np.array([scale], np.float32)}


def held_out_auc(state, features, train, held_out):
    model = learnt.ranking_factors(stored(state), features)
    ranking = rank(dot_product_scores(model), train, held_out, np.empty(0, np.int64), length=1)
    return np.nanmean(accuracy.auc(ranking.held_out_rank, ranking.candidates))


def trained(method, interactions, features, epochs=40, **options):
    options = CHECKERBOARD | options
    start = start_of(method, interactions, features, epochs=epochs, **options)
    return train(method, interactions, features, epochs=epochs, **start, **options)


def test_learns_from_interactions(method):
    interactions, held_out = checkerboard()
    features = drawn_features(40)  # which say nothing
    assert (
        held_out_auc(trained(method, interactions, features), features, interactions, held_out)
        > 0.99
    )


@pytest.mark.parametrize("method", ["vbpr", "amr"])
def test_learns_from_images(method):
    interactions, held_out = checkerboard()
    features = drawn_features(40)
    features[:, 0] = np.arange(40) % 2
    seen = interactions.tolil()
    seen[:, 30:] = 0  # a quarter of the items is new: only their images tell them apart
    state = trained(method, seen.tocsr(), features)
    held_out[:30] = -1
    assert held_out_auc(state, features, interactions, held_out) > 0.99


@pytest.mark.parametrize("item_bias", [False, True])
def test_bpr_mf_is_vbpr_on_blank_images(item_bias):
    interactions, options = drawn_matrix(), {"epochs": 3, "item_bias": item_bias, **SMALL}
    blank = train("vbpr", interactions, np.zeros((40, 12), np.float32), **options)
    own = train("bpr_mf", interactions, drawn_features(), **options)
    for name in ("user_factors", "item_factors", "item_bias"):
        assert torch.equal(getattr(own, name), getattr(blank, name))
    assert not learnt.ranking_factors(stored(own), drawn_features())["item_visual_factors"].any()


def test_biases_alone_rank_by_popularity(method):
    """Without anything to tell users apart, what is left to learn is how often items are taken."""
    taken = np.arange(40) < np.arange(5, 39, 0.5)[:, None]  # item i by fewer and fewer users
    taken[0] = np.arange(40) == 39
    interactions = sparse.csr_matrix(taken.astype(np.float32))
    rates = {"learning_rate_users": 1e-9, "learning_rate_embedding": 1e-9}
    options = {"item_bias": True, "epochs": 60, **rates, "regularisation_items": 0.01}
    state = trained(method, interactions, drawn_features(40), **options)
    factors = learnt.ranking_factors(stored(state), drawn_features(40))
    scores = dot_product_scores(factors)(0, len(taken))
    popularity = interactions.sum(axis=0).A1
    assert all(stats.spearmanr(row, popularity).statistic > 0.95 for row in scores)


def test_the_log_says_how_far_each_term_moves_the_scores(method):
    interactions, features, log = drawn_matrix(), drawn_features(), []
    state = trained(method, interactions, features, epochs=3, log=log.append)
    model = stored(state)
    terms = {
        "spread_factors": model["user_factors"] @ model["item_factors"].T,
        "spread_visual": model["user_visual_factors"] @ (features @ model["embedding"].T).T,
    }
    for name, scores in terms.items():
        assert log[-1][name] == pytest.approx(scores.std(axis=1).mean(), rel=1e-4)


# What is stored


def test_a_stored_model_scores_by_the_equation():
    state, features, *_ = problem(torch.float32)
    model = stored(state, scale=4.0)
    scores = dot_product_scores(learnt.ranking_factors(model, 4 * features.numpy()))(0, 5)
    p, q, rho, embedding, bias = (getattr(state, name).double() for name in PARAMETERS)
    expected = p @ q.T + rho @ (embedding @ features.double().T) + bias.T
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", [*learnt.FACTORS, learnt.SCALE])
def test_a_stored_model_that_lacks_something_is_named(name):
    model = stored(problem(torch.float32)[0])
    learnt.check(model, users=5, items=7, features=11)
    del model[name]
    with pytest.raises(InputError, match=f"lacks the tensor {name}"):
        learnt.check(model, users=5, items=7, features=11)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"users": 6}, "user_factors has 5 rows where 6 are expected"),
        ({"items": 6}, "item_factors has 7 rows where 6 are expected"),
        ({"features": 12}, "its features had 11 values, these have 12"),
    ],
)
def test_a_stored_model_of_other_data_is_named(changed, message):
    model = stored(problem(torch.float32)[0])
    with pytest.raises(InputError, match=message):
        learnt.check(model, **{"users": 5, "items": 7, "features": 11} | changed)


# Every method again


def test_loss_falls(method):
    interactions, _ = checkerboard()
    log = []
    trained(method, interactions, drawn_features(40), log=log.append)
    losses = [row["loss"] for row in log]
    assert losses[0] == pytest.approx(math.log(2), abs=0.02)
    assert losses[-1] < 0.1
    assert all(row["seconds"] > 0 for row in log)


def test_same_seed_same_result(method):
    interactions, features = drawn_matrix(), drawn_features()
    one, same, other = (
        trained(method, interactions, features, epochs=2, seed=seed) for seed in (5, 5, 6)
    )
    assert equal(one, same)
    assert not equal(one, other)


def test_interrupted_anywhere_ends_the_same(method):
    interactions, features = drawn_matrix(), drawn_features()
    start = start_of(method, interactions, features, epochs=2, **SMALL)
    options = {"epochs": 4, **start, **SMALL}
    files, log = [], []
    whole = train(
        method, interactions, features, checkpoint=lambda s: files.append(save(s.tensors())),
        log=log.append, **options,
    )  # fmt: skip
    assert len(files) == 4
    assert equal(whole, from_tensors(load(files[-1])))
    for file in files:
        resumed, later = from_tensors(load(file)), []
        ended = train(method, interactions, features, resume=resumed, log=later.append, **options)
        assert equal(whole, ended)
        assert [r["loss"] for r in later] == [r["loss"] for r in log if r["epoch"] >= resumed.epoch]


def test_start_is_left_as_it_is(method):
    interactions, features = drawn_matrix(), drawn_features()
    start = train("vbpr", interactions, features, epochs=1, **SMALL)
    before = save(start.tensors())
    ended = train(method, interactions, features, start=start, epochs=2, **SMALL)
    assert save(start.tensors()) == before
    assert (start.epoch, ended.epoch) == (1, 3)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_gpu_agrees_with_cpu(method):
    interactions, features = drawn_matrix(), drawn_features()
    start = start_of(method, interactions, features, epochs=2, **SMALL)
    options = {"epochs": 2, **start, **SMALL}
    states = [
        train(method, interactions, features, device=torch.device(device), **options)
        for device in ("cpu", "cuda")
    ]
    torch.testing.assert_close(states[0].tensors(), states[1].tensors(), rtol=1e-3, atol=1e-4)
