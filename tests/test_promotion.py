"""Each attacked item's numbers, by going through the users one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats

from varbench.metrics.promotion import per_item, terciles
from varbench.recommenders import ranking
from varbench.recommenders.ranking import rank

USERS, ITEMS, K = 40, 30, 5


def problem(seed=0):
    random = np.random.default_rng(seed)
    scores = (random.normal(5, 2, (USERS, 1)) + random.standard_normal((USERS, ITEMS))).round(1)
    known = random.random((USERS, ITEMS)) < 0.2
    known[:, 7] = True  # an item that everybody has
    scores[3] = 1.7  # a user to whom all are the same
    return scores.astype(np.float32), known, np.array([2, 7, 11, 29])


def ranked(scores, known, attacked):
    train = sparse.csr_matrix(known.astype(np.float32))
    nobody = np.full(len(scores), -1)
    return rank(lambda start, stop: scores[start:stop], train, nobody, attacked, length=K)


@pytest.mark.parametrize("block", [1, 7, USERS])
def test_by_brute_force(block, monkeypatch):
    monkeypatch.setattr(ranking, "BLOCK", block * ITEMS)
    scores, known, attacked = problem()
    table = per_item(ranked(scores, known, attacked), attacked, K).set_index("item")
    for item in attacked:
        places, points, standard = [], [], []
        for user in range(USERS):
            candidates = np.flatnonzero(~known[user])
            if item not in candidates:
                continue
            order = sorted(candidates, key=lambda i, user=user: (-scores[user, i], i))
            places.append(order.index(item) + 1)
            points.append(float(scores[user, item]))
            if np.ptp(scores[user, candidates]):
                z = stats.zscore(scores[user, candidates].astype(float))
                standard.append(z[list(candidates).index(item)])
        row = table.loc[item]
        assert row["eligible"] == len(places)
        assert row["lists"] == sum(place <= K for place in places)
        expected = [np.mean(v) if v else np.nan for v in (places, points, standard)]
        found = row[["mean_rank", "mean_score", "mean_z"]].astype(float)
        np.testing.assert_allclose(found, expected, rtol=1e-6)
        assert row["median_rank"] == pytest.approx(np.median(places or [np.nan]), nan_ok=True)


def test_another_unit_of_scores_moves_no_item():
    """Models trained apart score on scales of their own: z is what compares them."""
    scores, known, attacked = problem()
    one, other = (per_item(ranked(s, known, attacked), attacked, K) for s in (scores, 8 * scores))
    np.testing.assert_allclose(one["mean_z"], other["mean_z"], rtol=1e-6)
    assert not np.allclose(one["mean_score"][:1], other["mean_score"][:1])


def test_no_attacked_items():
    scores, known, _ = problem()
    nothing = np.empty(0, np.int64)
    assert per_item(ranked(scores, known, nothing), nothing, K).empty


def test_other_items_than_ranked_are_refused():
    scores, known, attacked = problem()
    with pytest.raises(ValueError, match="1 items where 4"):
        per_item(ranked(scores, known, attacked), attacked[:1], K)


def test_terciles_of_distinct_counts_are_thirds():
    popularity = np.array([50, 10, 30, 20, 60, 40])
    expected = ["head", "tail", "middle", "tail", "head", "middle"]
    assert terciles(popularity).tolist() == expected


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=30))
def test_terciles_are_ordered_and_ties_fall_together(popularity):
    named = terciles(np.array(popularity)).tolist()
    order = ["tail", "middle", "head"]
    for one, name in zip(popularity, named, strict=True):
        for other, another in zip(popularity, named, strict=True):
            if one == other:
                assert name == another
            if one < other:
                assert order.index(name) <= order.index(another)
    if len(set(popularity)) == 1:
        assert set(named) == {"middle"}


def test_many_items_without_interactions_are_the_tail():
    assert terciles(np.array([0] * 6 + [1, 2, 3, 4])).tolist()[:6] == ["tail"] * 6
