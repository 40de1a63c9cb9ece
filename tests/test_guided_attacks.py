"""INSA and WB-SIGN: their objectives by their equations, and optima known in closed form."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.special import expit

from varbench.attacks.guide import Guide, thresholds
from varbench.attacks.insa import insa
from varbench.attacks.objectives import OBJECTIVES, objective
from varbench.attacks.wb_sign import wb_sign
from varbench.errors import InputError

PIXELS, WIDTH, USERS = 3 * 6 * 6, 5, 40
ATTACKS = {"insa": insa, "wb_sign": wb_sign}
every_attack = pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
every_objective = pytest.mark.parametrize("name", OBJECTIVES)


class Linear:
    """Features are a matrix times the pixels."""

    def __init__(self, matrix):
        self.matrix = matrix

    def features_and_logits(self, x):
        features = x.flatten(1) @ self.matrix.T
        return features, features[:, :2]

    def __call__(self, x):
        return self.features_and_logits(x)[1]


class Curved(Linear):
    def features_and_logits(self, x):
        features = (x.flatten(1) @ self.matrix.T).sin()
        return features, features[:, :2]


def a_matrix(seed=0):
    return torch.randn(WIDTH, PIXELS, generator=torch.Generator().manual_seed(seed))


def some_images(count=5, seed=0):
    """Return images (count, 3, 6, 6), some of their pixels at 0 and at 1."""
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(count, 3, 6, 6, generator=generator) * 1.4 - 0.2).clamp(0, 1)


def a_guide(images=5, seed=0, **changed):
    rng = np.random.default_rng(seed)
    values = {
        "user_factors": rng.normal(size=(USERS, 4)),
        "item_factors": rng.normal(size=(images, 4)),
        "user_visual": rng.normal(size=(USERS, 3)) + 0.3,
        "embedding": rng.normal(size=(3, WIDTH)),
        "thresholds": rng.normal(size=USERS) + 4,
    }
    values = {name: array.astype(np.float32) for name, array in values.items()}
    return Guide(**{**values, "scale": 2.5, **changed})


def run(attack, model, images, guide, **parameters):
    options = {"seeds": range(len(images)), "batch_size": 3, "epsilon": 8}
    targets = torch.zeros(len(images), dtype=torch.int64)
    return attack(model, images, targets, guide=guide, **options | parameters).images


def plain_scores(guide, features):
    """Eq. 2 user by user and item by item, (items, users)."""
    rows = []
    for q, f in zip(guide.item_factors, np.asarray(features, float), strict=True):
        visual = guide.embedding @ (f / guide.scale)
        pairs = zip(guide.user_factors, guide.user_visual, strict=True)
        rows.append([p @ q + rho @ visual for p, rho in pairs])
    return np.array(rows)


# The objectives.


def test_objectives_are_their_equations():
    guide, rng = a_guide(), np.random.default_rng(1)
    clean, features = (torch.from_numpy(rng.normal(size=(5, WIDTH))) for _ in range(2))
    scores, before = plain_scores(guide, features), plain_scores(guide, clean)
    tau = 0.7 * (before - guide.thresholds).std(axis=1, keepdims=True)
    expected = {
        "mean_score": scores.mean(1),
        "exp": np.log(np.exp(scores).sum(1)),
        "hits": np.log(expit((scores - guide.thresholds) / tau).mean(1)),
    }
    for name in OBJECTIVES:
        found = objective(name, guide, clean, 0.7)(features)
        np.testing.assert_allclose(found, expected[name], rtol=1e-5)


@pytest.mark.parametrize("name", ["exp", "hits"])
def test_a_logarithm_leaves_the_gradients_direction(name):
    guide, rng = a_guide(), np.random.default_rng(2)
    clean, features = (torch.from_numpy(rng.normal(size=(5, WIDTH))) for _ in range(2))
    features.requires_grad_()
    (found,) = torch.autograd.grad(objective(name, guide, clean, 1.0)(features).sum(), features)
    before = plain_scores(guide, clean) - guide.thresholds
    tau = before.std(axis=1, keepdims=True)

    def plain(values):
        scores = plain_scores(guide, values)
        if name == "exp":
            return np.exp(scores).sum(1)
        return expit((scores - guide.thresholds) / tau).mean(1)

    values, slopes = features.detach().numpy(), np.zeros((5, WIDTH))
    for column in range(WIDTH):
        step = np.zeros(WIDTH)
        step[column] = 1e-5
        slopes[:, column] = (plain(values + step) - plain(values - step)) / 2e-5
    for one, other in zip(found.numpy(), slopes, strict=True):
        assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) > 1 - 1e-6


@every_objective
@pytest.mark.parametrize("shift", [-1e4, 1e4])
def test_scores_of_any_size_have_a_finite_value_and_a_gradient(name, shift):
    guide = a_guide()
    guide = a_guide(
        user_factors=np.column_stack([guide.user_factors, np.ones(USERS, np.float32)]),
        item_factors=np.column_stack([guide.item_factors, np.full(5, shift, np.float32)]),
    )
    features = torch.ones(5, WIDTH, dtype=torch.float64, requires_grad=True)
    value = objective(name, guide, features.detach(), 0.5)(features)
    (gradient,) = torch.autograd.grad(value.sum(), features)
    assert value.isfinite().all()
    assert gradient.isfinite().all()
    if name != "hits" or shift < 0:  # where every list is reached nothing is left to be gained
        assert (gradient.abs().sum(1) > 0).all()


def test_users_who_want_the_same_leave_hits_defined():
    guide = a_guide()
    same = {
        name: np.repeat(getattr(guide, name)[:1], USERS, axis=0)
        for name in ("user_factors", "user_visual", "thresholds")
    }
    clean = torch.zeros(5, WIDTH)
    assert objective("hits", a_guide(**same), clean, 0.5)(clean).isfinite().all()


# The attacks.


@every_attack
def test_on_linear_features_the_best_mean_score_is_a_corner_of_the_box(attack):
    matrix, images, guide = a_matrix(), some_images(), a_guide()
    direction = matrix.T.numpy() @ guide.embedding.T @ guide.user_visual.mean(0)
    step = torch.from_numpy(np.sign(direction)).view(3, 6, 6) * (8 / 255)
    corner = (images + step).clamp(0, 1)
    found = run(attack, Linear(matrix), images, guide, objective="mean_score", steps=40)
    torch.testing.assert_close(found, corner, rtol=0, atol=1e-6)


@every_attack
@every_objective
def test_the_objective_rises_for_every_image(attack, name):
    model, images, guide = Curved(a_matrix() / 10), some_images(), a_guide()
    clean, _ = model.features_and_logits(images)
    value = objective(name, guide, clean, 0.5)
    found = run(attack, model, images, guide, objective=name, steps=10, epsilon=4)
    assert (value(model.features_and_logits(found)[0]) > value(clean) + 1e-3).all()


@every_attack
def test_hits_reaches_more_lists_than_the_mean_score_where_few_users_outweigh_many(attack):
    # Nine users in ten like the first feature and would take the item soon; the tenth hates it,
    # ten times as strongly as one of them likes it, so that the mean is against it.
    likes = np.where(np.arange(USERS) % 10 > 0, 1.0, -20.0)
    guide = a_guide(
        1,
        user_factors=np.zeros((USERS, 1), np.float32),
        item_factors=np.zeros((1, 1), np.float32),
        user_visual=likes[:, None].astype(np.float32),
        embedding=np.eye(1, WIDTH, dtype=np.float32),
        scale=1.0,
        thresholds=np.full(USERS, 1.0, np.float32),
    )
    matrix = torch.zeros(WIDTH, PIXELS)
    matrix[0] = 1 / PIXELS
    images = torch.full((1, 3, 6, 6), 0.9)
    model, reached = Linear(matrix), {}
    for name in ("mean_score", "hits"):
        found = run(attack, model, images, guide, objective=name, epsilon=64, steps=60)
        scores = plain_scores(guide, model.features_and_logits(found)[0])
        reached[name] = float((scores >= guide.thresholds - 1e-3).mean())
    assert reached == {"mean_score": 0.0, "hits": 0.9}


@every_attack
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6), epsilon=st.floats(0.5, 64), name=st.sampled_from(OBJECTIVES))
def test_images_stay_in_the_ball_and_in_the_box(attack, seed, epsilon, name):
    model, images, guide = Curved(a_matrix(seed)), some_images(seed=seed), a_guide(seed=seed)
    found = run(attack, model, images, guide, objective=name, epsilon=epsilon, steps=5)
    assert (found - images).abs().max() <= epsilon / 255 + 1e-6
    assert found.min() >= 0
    assert found.max() <= 1


@every_attack
@settings(deadline=None, max_examples=10)
@given(batch_size=st.integers(1, 6), order=st.permutations(range(5)))
def test_an_image_is_attacked_alike_in_any_batch(attack, batch_size, order):
    model, images, guide = Curved(a_matrix() / 10), some_images(), a_guide()
    parameters = {"objective": "hits", "steps": 6}
    expected = run(attack, model, images, guide, **parameters)
    again = run(attack, model, images, guide, seeds=[7] * 5, **parameters)
    assert torch.equal(again, expected)  # nothing is drawn
    found = run(
        attack, model, images[order], guide.of_images(order), batch_size=batch_size, **parameters
    )
    assert ((found - expected[order]).abs() > 1e-4).float().mean() < 0.02


@every_attack
def test_bad_parameters_and_guides_are_named(attack):
    model, images, guide = Linear(a_matrix()), some_images(), a_guide()
    for changed in ({"objective": "score"}, {"temperature": 0}, {"epsilon": 0}, {"steps": 0}):
        with pytest.raises(InputError, match=next(iter(changed))):
            run(attack, model, images, guide, **changed)
    with pytest.raises(ValueError, match="4 items for 5 images"):
        run(attack, model, images, a_guide(4))
    with pytest.raises(ValueError, match="takes 7 features, the model gives 5"):
        run(attack, model, images, a_guide(embedding=np.zeros((3, 7), np.float32)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("thresholds", np.zeros(USERS + 1, np.float32)),
        ("user_visual", np.zeros((USERS, 4), np.float32)),
        ("item_factors", np.zeros((5, 3), np.float32)),
        ("scale", 0.0),
        ("scale", np.nan),
    ],
)
def test_a_guide_that_contradicts_itself_is_refused(name, value):
    with pytest.raises(ValueError, match=name):
        a_guide(**{name: value})


# Thresholds.


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), k=st.integers(1, 9))
def test_a_threshold_is_the_last_score_of_a_users_list(seed, k):
    rng = np.random.default_rng(seed)
    users, items = 7, 8
    scores = rng.integers(0, 5, (users, items)).astype(np.float32)  # ties among them
    known = rng.random((users, items)) < 0.5
    known[:, 0] = False
    blocks = []

    def score(start, stop):
        blocks.append((start, stop))
        return scores[start:stop]

    before = scores.copy()
    found = thresholds(score, sparse.csr_matrix(known), k)
    for user in range(users):
        ranked = sorted(scores[user][~known[user]], reverse=True)
        assert found[user] == ranked[:k][-1]
    assert (scores == before).all()
    assert blocks[-1][1] == users


def test_a_user_who_knows_every_item_has_no_threshold():
    train = sparse.csr_matrix(np.array([[1, 0], [1, 1]]))
    with pytest.raises(ValueError, match="user 1"):
        thresholds(lambda start, stop: np.zeros((stop - start, 2), np.float32), train, 1)
