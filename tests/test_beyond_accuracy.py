"""What lists show, by looking through them item by item."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from varbench.metrics import beyond_accuracy, category


@st.composite
def shown(draw):
    items, length = draw(st.integers(1, 8)), draw(st.integers(1, 6))
    orders = draw(st.lists(st.permutations(range(items)), min_size=1, max_size=5))
    cuts = [draw(st.integers(0, items)) for _ in orders]
    rows = [(list(o[:c]) + [-1] * length)[:length] for o, c in zip(orders, cuts, strict=True)]
    popularity = draw(st.lists(st.integers(0, 9), min_size=items, max_size=items))
    return np.array(rows, np.int32), np.array(popularity), draw(st.integers(1, length))


@given(shown())
def test_by_looking_through_the_lists(problem):
    lists, popularity, k = problem
    items = len(popularity)
    places = [item for row in lists[:, :k].tolist() for item in row if item >= 0]
    coverage = beyond_accuracy.coverage(lists, items, k)
    gini = beyond_accuracy.gini(lists, items, k)
    novelty = beyond_accuracy.novelty(lists, popularity, k)
    popular = beyond_accuracy.mean_popularity(lists, popularity, k)
    if not places:
        assert np.isnan([coverage, gini, novelty, popular]).all()
        return
    assert coverage == len(set(places)) / items
    counts = [places.count(item) for item in range(items)]
    # Half of the mean absolute difference between two items drawn at random, over the mean.
    difference = sum(abs(a - b) for a, b in product(counts, repeat=2)) / items**2
    assert gini == pytest.approx(difference / (2 * len(places) / items))
    bits = [-math.log2((popularity[i] + 1) / (popularity.sum() + items)) for i in places]
    assert novelty == pytest.approx(sum(bits) / len(places))
    assert popular == pytest.approx(sum(popularity[i] for i in places) / len(places))


def test_one_item_takes_every_place():
    lists = np.full((5, 1), 3)
    assert beyond_accuracy.gini(lists, 10, 1) == pytest.approx(0.9)
    everything = np.arange(10).reshape(5, 2)
    assert beyond_accuracy.gini(everything, 10, 2) == 0
    assert beyond_accuracy.coverage(everything, 10, 1) == 0.5


@given(shown(), st.data())
def test_hits_by_k_are_those_of_each_k(problem, data):
    lists, popularity, _ = problem
    attacked = np.array(sorted(data.draw(st.sets(st.integers(0, len(popularity) - 1)))), np.int64)
    found = beyond_accuracy.hits_by_k(lists, attacked)
    expected = [category.hits(lists, attacked, k).mean() for k in range(1, lists.shape[1] + 1)]
    np.testing.assert_allclose(found, expected)


def test_lists_shorter_than_k():
    with pytest.raises(ValueError, match="lists of 2 items"):
        beyond_accuracy.coverage(np.array([[3, 1]]), 5, 3)
