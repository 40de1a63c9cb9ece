import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats

from varbench.metrics import accuracy, category
from varbench.recommenders.ranking import rank

ranks = st.lists(st.integers(0, 40), min_size=1, max_size=12)


@settings(deadline=None)
@given(ranks, st.integers(1, 45))
def test_hit_ratio_and_ndcg_by_looking_through_the_list(values, k):
    hits = accuracy.hit_ratio(np.array(values), k)
    ndcg = accuracy.ndcg(np.array(values), k)
    for value, hit, gain in zip(values, hits, ndcg, strict=True):
        relevant = [place == value for place in range(1, k + 1)]
        if value == 0:
            assert math.isnan(hit)
            assert math.isnan(gain)
        else:
            assert hit == sum(relevant)
            discounted = sum(r / math.log2(p + 1) for p, r in enumerate(relevant, start=1))
            assert gain == pytest.approx(discounted)


def test_auc_is_the_mann_whitney_statistic():
    random = np.random.default_rng(0)
    scores = random.standard_normal((40, 25)).astype(np.float32)
    known = random.random((40, 25)) < 0.3
    held_out = np.array([random.choice(np.flatnonzero(~row)) for row in known])
    result = rank(
        lambda start, stop: scores[start:stop], sparse.csr_matrix(known.astype(np.float32)),
        held_out, np.empty(0, np.int64), length=5,
    )  # fmt: skip
    expected = []
    for row, out, item in zip(scores, known, held_out, strict=True):
        others = np.delete(row, [*np.flatnonzero(out), item])
        expected.append(stats.mannwhitneyu(row[[item]], others).statistic / len(others))
    ours = accuracy.auc(result.held_out_rank, result.candidates)
    np.testing.assert_allclose(ours, expected)


def test_auc_at_its_ends():
    rank_, candidates = np.array([1, 9, 5, 0, 1]), np.array([9, 9, 9, 9, 1])
    np.testing.assert_array_equal(
        accuracy.auc(rank_, candidates), [1, 0, 0.5, np.nan, np.nan]
    )  # without a held-out item, and without anything to compare it with


@st.composite
def lists_and_categories(draw):
    items, length = draw(st.integers(1, 12)), draw(st.integers(1, 8))
    orders = draw(st.lists(st.permutations(range(items)), min_size=1, max_size=5))
    cuts = [draw(st.integers(0, items)) for _ in orders]
    rows = [(list(o[:c]) + [-1] * length)[:length] for o, c in zip(orders, cuts, strict=True)]
    categories = draw(st.lists(st.integers(0, 3), min_size=items, max_size=items))
    return np.array(rows, np.int32), np.array(categories), draw(st.integers(1, length))


@settings(deadline=None)
@given(lists_and_categories())
def test_category_metrics_by_looking_through_the_list(problem):
    lists, categories, k = problem
    for c in set(categories.tolist()):
        items = np.flatnonzero(categories == c)
        hits, shares = category.hits(lists, items, k), category.share(lists, items, k)
        ndcg = category.ndcg(lists, items, k)
        best = sum(1 / math.log2(place + 1) for place in range(1, min(k, len(items)) + 1))
        for row, *values in zip(lists[:, :k].tolist(), hits, shares, ndcg, strict=True):
            listed = [item for item in row if item >= 0]
            member = [categories[item] == c for item in listed]
            gains = sum(m / math.log2(place + 1) for place, m in enumerate(member, start=1))
            share = sum(member) / len(listed) if listed else math.nan
            assert values == pytest.approx([sum(member), share, gains / best], nan_ok=True)


@settings(deadline=None)
@given(lists_and_categories())
def test_hits_of_all_categories_are_the_whole_list(problem):
    lists, categories, k = problem
    every = [np.flatnonzero(categories == c) for c in set(categories.tolist())]
    total = sum(category.hits(lists, items, k) for items in every)
    listed = (lists[:, :k] >= 0).sum(axis=1)
    assert (total == listed).all()
    shares = sum(category.share(lists, items, k) for items in every)
    np.testing.assert_allclose(shares, np.where(listed > 0, 1, np.nan))


def test_chr_over_all_categories_is_k():
    random = np.random.default_rng(0)
    lists = np.argsort(random.random((30, 200)), axis=1)[:, :150]
    categories = random.integers(0, 10, 200)
    means = [category.hits(lists, np.flatnonzero(categories == c), 20).mean() for c in range(10)]
    assert sum(means) == pytest.approx(20)


def test_ndcg_prefers_the_head_of_the_list():
    lists = np.array([[5, 6, 0, 1], [0, 5, 1, 6], [0, 1, 5, 6], [0, 1, 2, 3]])
    values = category.ndcg(lists, np.array([5, 6]), 4)
    assert values[0] == 1
    assert values[3] == 0
    assert (np.diff(values) < 0).all()


def test_nothing_is_measured_of_an_empty_set():
    lists, nothing = np.array([[3, 1], [0, -1]]), np.empty(0, np.int64)
    for measure in (category.hits, category.share, category.ndcg):
        assert np.isnan(measure(lists, nothing, 2)).all()
    assert np.isnan(category.random_hits(sparse.csr_matrix((2, 4)), nothing, 2)).all()


def test_a_random_ranking_has_the_expected_hits():
    random = np.random.default_rng(0)
    known = random.random((12, 15)) < np.linspace(0, 0.8, 12)[:, None]
    train, items, k = sparse.csr_matrix(known.astype(np.float32)), np.array([1, 4, 9]), 6
    draws = []
    for _ in range(1500):
        result = rank(
            lambda start, stop: random.random((stop - start, 15), np.float32),
            train, np.full(12, -1), np.empty(0, np.int64), length=k,
        )  # fmt: skip
        draws.append(category.hits(result.lists, items, k))
    expected = category.random_hits(train, items, k)
    assert result.candidates.min() < k  # somebody's list is not full
    np.testing.assert_allclose(np.mean(draws, axis=0), expected, atol=0.1)
    assert np.mean(draws) == pytest.approx(expected.mean(), abs=0.02)


def test_share_of_the_hits_that_few_users_have():
    hits = np.array([0.0] * 90 + [1.0] * 5 + [10.0, 9, 8, 7, 6])
    assert category.top_users_share(hits) == pytest.approx(40 / 45)
    assert category.top_users_share(np.ones(100)) == pytest.approx(0.05)
    assert category.top_users_share(np.array([0, 2, 1]), 0.05) == pytest.approx(2 / 3)
    assert np.isnan(category.top_users_share(np.zeros(4)))


@pytest.mark.parametrize("metric", [category.hits, category.share, category.ndcg])
def test_lists_shorter_than_k(metric):
    with pytest.raises(ValueError, match="lists of 2 items"):
        metric(np.array([[3, 1]]), np.array([3]), 3)
