import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse

from varbench.errors import InputError
from varbench.recommenders import ranking
from varbench.recommenders.ranking import dot_product_scores, rank

NOBODY = np.empty(0, np.int64)


@st.composite
def problems(draw):
    """Scores with many ties, training items, held-out items and attacked items."""
    users, items = draw(st.integers(1, 7)), draw(st.integers(1, 9))
    values = st.sampled_from([-3.5, -1.0, -0.0, 0.0, 1e-30, 1.0, 2.5]) | st.floats(-9, 9, width=32)
    scores = draw(arrays(np.float32, (users, items), elements=values))
    known = draw(arrays(np.bool_, (users, items)))
    held_out = [draw(st.sampled_from([-1, *np.flatnonzero(~row)])) for row in known]
    attacked = draw(st.lists(st.integers(0, items - 1), max_size=5))
    length = draw(st.integers(1, items + 2))
    return scores, known, np.array(held_out), np.array(attacked, np.int64), length


def by_sorting(scores, known):
    """Each user's candidates, the best first, by sorting (score, id)."""
    return [
        sorted(np.flatnonzero(~out).tolist(), key=lambda item, row=row: (-row[item], item))
        for row, out in zip(scores, known, strict=True)
    ]


def ranked(scores, known, held_out, attacked, length):
    train = sparse.csr_matrix(known.astype(np.float32))
    return rank(lambda start, stop: scores[start:stop], train, held_out, attacked, length=length)


@settings(deadline=None, max_examples=300)
@given(problems(), st.integers(1, 60), st.integers(1, 9), st.integers(0, 5), st.integers(1, 2))
def test_same_as_sorting(problem, block, at_once, counted, groups):
    """Whether rows are sorted or counted in, and whether lists are found in groups or not."""
    scores, known, held_out, attacked, length = problem
    with pytest.MonkeyPatch.context() as patch:
        sizes = {"BLOCK": block, "AT_ONCE": at_once, "COUNTED": counted, "GROUPS": groups}
        for name, value in sizes.items():
            patch.setattr(ranking, name, value)
        result = ranked(*problem)
    orders = by_sorting(scores, known)

    def place(order, item):
        return order.index(item) + 1 if item in order else 0

    padded = [(order + [-1] * length)[:length] for order in orders]
    assert result.lists.tolist() == padded
    assert result.candidates.tolist() == [len(order) for order in orders]
    assert result.held_out_rank.tolist() == [
        place(order, item) for order, item in zip(orders, held_out, strict=True)
    ]
    assert result.ranks.tolist() == [[place(order, item) for item in attacked] for order in orders]
    for values in (result.lists, result.candidates, result.held_out_rank, result.ranks):
        assert values.dtype == np.int32


@pytest.mark.parametrize(("asked", "length"), [(90, 150), (3, 60), (0, 60)])
def test_same_as_sorting_at_a_realistic_size(monkeypatch, asked, length):
    random = np.random.default_rng(0)
    scores = random.standard_normal((150, 2000), np.float32).round(2)  # ties in every row
    known = random.random((150, 2000)) < 0.01
    held_out = np.array([random.choice(np.flatnonzero(~row)) for row in known])
    attacked = random.choice(2000, asked, replace=False)
    monkeypatch.setattr(ranking, "BLOCK", 64 * 2000)
    result = ranked(scores, known, held_out, attacked, length)
    for user, order in enumerate(by_sorting(scores, known)):
        place = {item: position for position, item in enumerate(order, start=1)}
        assert result.lists[user].tolist() == order[:length]
        assert result.held_out_rank[user] == place[held_out[user]]
        assert result.ranks[user].tolist() == [place.get(item, 0) for item in attacked]


def test_popularity():
    train = sparse.csr_matrix(
        np.array([[1, 1, 0, 0, 0], [0, 1, 0, 1, 0], [0, 1, 0, 0, 1]], dtype=np.float32)
    )
    popularity = np.asarray(train.sum(axis=0), np.float32).ravel()  # 1, 3, 0, 1, 1
    result = rank(
        lambda start, stop: np.broadcast_to(popularity, (stop - start, 5)),
        train, np.array([2, 0, -1]), np.array([4]), length=4,
    )  # fmt: skip
    assert result.lists.tolist() == [[3, 4, 2, -1], [0, 4, 2, -1], [0, 3, 2, -1]]
    assert result.held_out_rank.tolist() == [3, 1, 0]
    assert result.ranks.tolist() == [[2], [2], [0]]


def test_scores_are_asked_for_once_in_order(monkeypatch):
    monkeypatch.setattr(ranking, "BLOCK", 3 * 4)
    asked = []

    def score(start, stop):
        asked.append((start, stop))
        return np.zeros((stop - start, 4), np.float32)

    whole = [(0, 3), (3, 6), (6, 8)]
    for at_once, at_most, expected in ((1, 99, whole), (4, 99, [(0, 6), (6, 8)]), (4, 3, whole)):
        monkeypatch.setattr(ranking, "AT_ONCE", at_once)
        monkeypatch.setattr(ranking, "AT_MOST", at_most)
        asked.clear()
        rank(score, sparse.csr_matrix((8, 4)), np.full(8, -1), NOBODY, length=2)
        assert asked == expected


def factors(users=5, items=8, width=3):
    random = np.random.default_rng(1)
    sizes = {"user_factors": users, "user_visual_factors": users}
    sizes |= {"item_factors": items, "item_visual_factors": items}
    return {name: random.standard_normal((n, width), np.float32) for name, n in sizes.items()}


def test_dot_product_scores_are_equation_2():
    model = factors()
    expected = [
        [
            np.dot(model["user_factors"][user], model["item_factors"][item])
            + np.dot(model["user_visual_factors"][user], model["item_visual_factors"][item])
            for item in range(8)
        ]
        for user in range(1, 4)
    ]
    np.testing.assert_allclose(dot_product_scores(model)(1, 4), expected, rtol=1e-5)


def test_users_of_many_blocks_are_ranked_by_their_own_scores(monkeypatch):
    """The memory that scores and costs lie in is used again."""
    model, nobody = factors(users=40), np.full(40, -1)
    scores = np.hstack([model["user_factors"], model["user_visual_factors"]]) @ (
        np.hstack([model["item_factors"], model["item_visual_factors"]]).T
    )
    known = np.random.default_rng(2).random(scores.shape) < 0.2
    expected = [(order + [-1] * 8)[:8] for order in by_sorting(scores, known)]
    train = sparse.csr_matrix(known.astype(np.float32))
    for sizes in ({"BLOCK": 2 * 8}, {"BLOCK": 8, "AT_ONCE": 3}, {"BLOCK": 8, "AT_MOST": 5 * 8}):
        with monkeypatch.context() as patch:
            for name, value in sizes.items():
                patch.setattr(ranking, name, value)
            result = rank(dot_product_scores(model), train, nobody, NOBODY, length=8)
        assert result.lists.tolist() == expected


@pytest.mark.parametrize("name", factors())
def test_models_that_do_not_fit_name_the_tensor(name):
    model = factors()
    with pytest.raises(InputError, match=rf"{name} \("):
        dot_product_scores(model | {name: model[name][1:]})
    del model[name]
    with pytest.raises(InputError, match=f"lacks the tensor {name}"):
        dot_product_scores(model)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_name_the_user(value, monkeypatch):
    monkeypatch.setattr(ranking, "BLOCK", 2 * 4)
    scores = np.zeros((7, 4), np.float32)
    scores[5, 2] = value
    with pytest.raises(InputError, match="scores of user 5 "):
        ranked(scores, np.zeros((7, 4), bool), np.full(7, -1), NOBODY, 2)


def test_infinities_do_not_make_up_for_each_other():
    scores = np.zeros((3, 4), np.float32)
    scores[1, :2] = np.inf, -np.inf
    with pytest.raises(InputError, match="scores of user 1 "):
        ranked(scores, np.zeros((3, 4), bool), np.full(3, -1), NOBODY, 2)


def test_finite_scores_whose_sum_is_not_are_ranked():
    scores = np.array([[1, 3e38, 2e38, 2e38]], np.float32)
    found = ranked(scores, np.zeros((1, 4), bool), np.array([-1]), NOBODY, 4)
    assert found.lists.tolist() == [[1, 2, 3, 0]]


def test_held_out_items_are_not_training_items():
    with pytest.raises(ValueError, match="held-out"):
        ranked(np.zeros((2, 3), np.float32), np.eye(2, 3) > 0, np.array([2, 1]), NOBODY, 2)


def test_torch_is_not_imported():
    """The jobs that rank and measure would spend more time on that than on their work."""
    code = (
        "import sys, varbench.recommenders.ranking, varbench.metrics.accuracy, "
        "varbench.metrics.category; sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
