"""Simulated interactions: shares, Zipf's law, tastes, times."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varbench.catalogues.tastes import category_shares, simulate

CATEGORIES, COLOURS, PATTERNS = 8, 5, 3


def simulated(items=320, users=1500, seed=0, **changes):
    """Simulate on arrays that repeat regularly; return the table and the arrays."""
    rng = np.random.default_rng(99)
    arrays = {
        "categories": np.arange(items) % CATEGORIES,
        "colours": rng.integers(0, COLOURS, items),
        "patterns": rng.integers(0, PATTERNS, items),
    }
    shares = category_shares(CATEGORIES, popular=2, unpopular=5, seed=seed)
    options = {"shares": shares, "users": users, "per_user": 12.0, "seed": seed, **changes}
    return simulate(**arrays, **options), arrays, shares


@settings(deadline=None, max_examples=20)
@given(
    st.integers(8, 60),
    st.integers(1, 60),
    st.floats(3, 30),
    st.integers(0, 2**40),
)
def test_any_size_gives_valid_interactions(items, users, per_user, seed):
    table, _, _ = simulated(items=items, users=users, per_user=per_user, seed=seed)
    assert not table.duplicated(["user", "item"]).any()
    assert set(table["user"]) == set(range(users))
    assert table["item"].between(0, items - 1).all()
    assert set(table["rating"]) <= {1.0, 2.0, 3.0, 4.0, 5.0}
    assert table.groupby("user").size().min() >= min(5, int(per_user), items)
    assert table.groupby("item").size().reindex(range(items), fill_value=0).min() >= min(5, users)
    assert table["timestamp"].dtype == np.int64
    times = table.groupby("user")["timestamp"]
    assert (times.diff().dropna() > 0).all()


def test_same_seed_same_interactions():
    first, again, other = (simulated(users=200, seed=seed)[0] for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)


def test_blocks_of_users_do_not_show(monkeypatch):
    # How many users are handled at a time must only bound the memory: the random numbers are
    # consumed in the same order, so the result is the same.
    whole = simulated(users=300)[0]
    monkeypatch.setattr("varbench.catalogues.tastes._BLOCK", 320 * 7)
    assert simulated(users=300)[0].equals(whole)


def test_mean_interactions_per_user():
    table, _, _ = simulated(min_per_item=0)
    assert len(table) / 1500 == pytest.approx(12, rel=0.05)


def test_shares_of_categories():
    table, arrays, shares = simulated()
    assert shares.sum() == pytest.approx(1)
    found = np.bincount(arrays["categories"][table["item"]], minlength=CATEGORIES) / len(table)
    assert found.argmax() == 2
    assert found.argmin() == 5
    # Drawing without replacement evens the shares out somewhat.
    assert np.corrcoef(found, shares)[0, 1] > 0.97
    assert found == pytest.approx(shares, rel=0.25)


def test_popularity_is_zipf_within_a_category():
    # With indifferent users of few interactions hardly anything is used up, so the slope of
    # log count over log rank is the exponent.
    table, arrays, _ = simulated(
        users=20_000, per_user=3, look_strength=0.0, curiosity=1.0, min_per_item=0, zipf=0.8
    )
    counts = np.bincount(table["item"], minlength=320)
    for category in range(CATEGORIES):
        ranked = np.sort(counts[arrays["categories"] == category])[::-1]
        slope, _ = np.polyfit(np.log(1 + np.arange(len(ranked))), np.log(ranked), 1)
        assert -0.9 < slope < -0.65


@pytest.mark.parametrize("attribute", ["categories", "colours", "patterns"])
def test_users_have_tastes(attribute):
    # Two items of the same user agree in each attribute more often than items of two users do.
    table, arrays, _ = simulated(min_per_item=0)
    values = arrays[attribute][table["item"]]
    same_user = np.diff(table["user"]) == 0
    within = (values[1:] == values[:-1])[same_user].mean()
    shuffled = np.random.default_rng(0).permutation(values)
    across = (shuffled[1:] == shuffled[:-1]).mean()
    assert within > 1.15 * across


def test_ratings_follow_taste():
    # Users rate items of the colours that they often take higher.
    table, arrays, _ = simulated()
    table = table.assign(colour=arrays["colours"][table["item"]])
    often = table.groupby(["user", "colour"])["item"].transform("size")
    assert table["rating"].corr(often / table.groupby("user")["item"].transform("size")) > 0.1


def test_time_carries_information():
    # Items have a season: the mean time of an item's first half of takers predicts that of the
    # other half. And the calendar spans years.
    table, _, _ = simulated()
    half = table["user"] % 2 == 0
    first = table[half].groupby("item")["timestamp"].mean()
    second = table[~half].groupby("item")["timestamp"].mean().reindex(first.index)
    assert first.corr(second) > 0.4
    years = (table["timestamp"].max() - table["timestamp"].min()) / (365 * 86_400)
    assert 3 < years < 4.1


def test_the_last_item_can_be_told_from_tastes_better_than_from_popularity():
    # An oracle that sees only what a recommender sees: the user's other items.
    table, arrays, _ = simulated()
    last = table.groupby("user").tail(1)
    rest = table.drop(last.index)
    popularity = np.bincount(rest["item"], minlength=320).astype(float)
    taken = np.zeros((1500, 320), bool)
    taken[rest["user"], rest["item"]] = True
    one_hot = np.eye(CATEGORIES)[arrays["categories"]]
    liked = (taken @ one_hot) @ one_hot.T  # the user's items in the item's category

    def auc(scores):
        held = scores[last["user"], last["item"]][:, None]
        below = np.where(taken[last["user"]], np.nan, (scores[last["user"]] < held) * 1.0)
        return np.nanmean(below)

    by_popularity = auc(np.tile(popularity, (1500, 1)))
    by_taste = auc((liked + 0.3) * (popularity + 1))
    assert 0.6 < by_popularity < 0.8
    assert by_taste > by_popularity + 0.07
