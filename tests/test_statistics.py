"""Intervals and tests over runs and users, held to simulations whose truth is known."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from varbench.metrics.proportions import wilson
from varbench.metrics.statistics import two_level

grids = arrays(
    np.float64,
    st.tuples(st.integers(2, 4), st.integers(2, 6)),
    elements=st.integers(0, 20).map(float),
)


def like_hits(random, trials, runs, users, run_sd, shared):
    """Zero-inflated counts, mean 0.6 and a user SD about 1, of users who are the same in all runs.

    shared : "rate", a user's taste is fixed and the counts are drawn; "none", nothing is a user's
        own; "all", a user's count is the same in all runs
    """
    drawn = 1 if shared == "all" else runs
    of_rate = runs if shared == "none" else 1
    rate = 0.6 / 0.4 * (random.random((trials, of_rate, users)) < 0.4)
    counts = random.poisson(rate, (trials, drawn, users))
    spread = run_sd * random.standard_normal((trials, runs, 1))
    return np.broadcast_to(counts, (trials, runs, users)) + spread


@pytest.mark.parametrize("shared", ["rate", "none", "all"])
@pytest.mark.parametrize("run_sd", [0, 0.05, 0.15])
@pytest.mark.parametrize(("runs", "users"), [(3, 300), (3, 800), (5, 500), (10, 300)])
def test_interval_covers_the_truth_as_often_as_it_says(runs, users, run_sd, shared):
    """90 to 98 % for 95 %, two standard errors of these 2,500 trials aside.

    Users who have nothing of their own are not the case that the tables are of: there the least
    width, which keeps runs that agree by chance from looking exact, may bring one more.
    """
    random = np.random.default_rng(runs + users)
    covered = []
    for _ in range(5):
        low, high = two_level(like_hits(random, 500, runs, users, run_sd, shared)).interval(0.95)
        covered.append((low <= 0.6) & (high >= 0.6))
    assert 0.91 < np.mean(covered) < (0.99 if shared == "none" else 0.986)


def test_runs_that_agree_by_chance_leave_a_spread():
    values = np.array([[1.0, 0, 0, 1, 0, 0], [0, 1, 1, 0, 0, 0]])
    found = two_level(values)
    assert found.run_sd == 0
    low, high = found.interval()
    assert low < found.mean < high
    assert found.p_value() > 0


@pytest.mark.parametrize("run_sd", [0, 0.15])
def test_small_p_values_are_as_rare_as_they_say(run_sd):
    """What the bootstrap over users gets wrong: p of 1e-5 for what another run turns round."""
    random = np.random.default_rng(3)
    p = two_level(like_hits(random, 4000, 3, 300, run_sd, "rate")).p_value(0.6)
    for level in (0.05, 0.01, 0.001):
        assert np.mean(p < level) < 1.3 * level + 2 * np.sqrt(level / len(p))


def test_users_alone_miss_what_runs_differ_by():
    """The trap: the mean of intervals over users, where networks differ."""
    values = like_hits(np.random.default_rng(5), 600, 3, 800, 0.15, "rate")
    low, high = two_level(values.mean(axis=1, keepdims=True)).interval(0.95)
    assert np.mean((low <= 0.6) & (high >= 0.6)) < 0.65


def test_one_run_is_the_t_test_over_users():
    sample = np.random.default_rng(0).poisson(0.6, 300)
    one = two_level(sample[None])
    test = stats.ttest_1samp(sample, 0.5)
    assert float(one.p_value(0.5)) == pytest.approx(test.pvalue)
    assert one.interval(0.9) == pytest.approx(test.confidence_interval(0.9))
    assert np.isnan(one.run_sd)


def test_runs_of_users_who_are_all_alike_are_the_t_test_over_runs():
    runs = np.array([0.3, 0.5, 0.9, 0.4])
    found = two_level(np.tile(runs[:, None], 50))
    test = stats.ttest_1samp(runs, 0)
    assert float(found.p_value()) == pytest.approx(test.pvalue)
    assert found.interval() == pytest.approx(test.confidence_interval(0.95))
    assert float(found.run_sd) == pytest.approx(runs.std(ddof=1))


def test_runs_that_are_the_same_say_nothing_new_of_users():
    sample = np.random.default_rng(1).poisson(0.6, 200)
    one, five = two_level(sample[None]), two_level(np.tile(sample, (5, 1)))
    assert five.interval() == pytest.approx(one.interval())


@given(grids)
def test_variance_is_that_of_the_crossed_analysis_of_variance(y):
    """By its definition: squares of runs, users and of what both leave, one loop each."""
    runs, users = y.shape
    found, mean = two_level(y), y.mean()
    of_runs = users * sum((row.mean() - mean) ** 2 for row in y) / (runs - 1)
    of_users = runs * sum((column.mean() - mean) ** 2 for column in y.T) / (users - 1)
    rest = sum(
        (y[r, u] - y[r].mean() - y[:, u].mean() + mean) ** 2
        for r, u in product(range(runs), range(users))
    ) / ((runs - 1) * (users - 1))
    assert found.variance_runs == pytest.approx(of_runs / (runs * users), abs=1e-9)
    expected = max(of_users - rest, 0) / (runs * users)
    assert found.variance_users == pytest.approx(expected, abs=1e-9)


@given(grids, st.floats(0.5, 5), st.floats(-3, 3))
def test_p_value_is_where_the_interval_ends(y, scale, null):
    found = two_level(scale * y)
    p = float(found.p_value(null))
    if 1e-6 < p < 1:
        bounds = np.array(found.interval(1 - p))
        assert np.abs(bounds - null).min() == pytest.approx(0, abs=1e-6 * (1 + abs(null)))
    mirrored = two_level(-scale * y)
    assert float(mirrored.p_value(-null)) == pytest.approx(p)


def test_many_cells_at_once_are_those_one_by_one():
    y = np.random.default_rng(2).poisson(0.6, (4, 5, 3, 60))
    together = two_level(y)
    low, _ = together.interval()
    p = together.p_value(0.5)
    for place in np.ndindex(4, 5):
        alone = two_level(y[place])
        assert low[place] == pytest.approx(float(alone.interval()[0]))
        assert p[place] == pytest.approx(float(alone.p_value(0.5)))


def test_without_any_spread():
    assert float(two_level(np.zeros((3, 9))).p_value()) == 1
    assert float(two_level(np.ones((3, 9))).p_value()) == 0
    assert two_level(np.ones((1, 9))).interval() == (1, 1)


def test_equivalence_is_two_one_sided_tests():
    change = np.random.default_rng(4).normal(0.01, 0.3, 400)
    found = two_level(change[None])
    for margin in np.linspace(0.01, 0.08, 29):
        below = stats.ttest_1samp(change, margin, alternative="less").pvalue
        above = stats.ttest_1samp(change, -margin, alternative="greater").pvalue
        assert bool(found.equivalent(margin)) == (max(below, above) < 0.05)
    assert not found.equivalent(0.01)
    assert found.equivalent(0.08)


def test_what_cannot_be_told_is_no_equivalence():
    """Three runs that differ show neither a change nor that there is none."""
    change = np.array([-0.3, 0.05, 0.25])[:, None] + np.zeros((3, 500))
    found = two_level(change)
    assert float(found.p_value()) > 0.9
    assert not found.equivalent(0.05)


def test_one_user_tells_nothing_of_users():
    found = two_level([[3.0], [3.5]])
    assert np.isnan(found.p_value())
    assert np.isnan(found.interval()).all()
    assert not found.equivalent(100)


@pytest.mark.parametrize("margin", [0, -0.1, float("nan")])
def test_a_margin_that_is_not_positive(margin):
    with pytest.raises(ValueError, match="margin"):
        two_level(np.ones((1, 9))).equivalent(margin)


@pytest.mark.parametrize("shape", [(4,), (0, 5), (3, 0)])
def test_values_without_runs_or_users(shape):
    with pytest.raises(ValueError, match="not of runs and users"):
        two_level(np.zeros(shape))


def test_a_missing_value_makes_its_mean_missing():
    y = np.ones((2, 3, 5))
    y[0, 1, 2] = np.nan
    found = two_level(y)
    assert np.isnan(found.mean).tolist() == [True, False]
    assert np.isnan(found.p_value()).tolist() == [True, False]


@given(st.integers(1, 200), st.data())
def test_wilson_with_one_run_is_scipys(images, data):
    count = data.draw(st.integers(0, images))
    outcome = np.arange(images)[None] < count
    bounds = stats.binomtest(count, images).proportion_ci(0.95, method="wilson")
    expected = (count / images, bounds.low, bounds.high)
    assert wilson(outcome) == pytest.approx(expected, abs=1e-12)
    assert wilson(np.repeat(outcome, 4, axis=0)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("run_sd", [0, 0.1])
@pytest.mark.parametrize(("images", "runs"), [(31, 3), (113, 3), (113, 5)])
def test_wilson_covers_the_rate_of_other_images_and_runs(images, runs, run_sd):
    """An image's chance is its own and the same in all runs; a run raises or lowers all."""
    random = np.random.default_rng(images + runs)
    covered = []
    for _ in range(500):
        chance = random.beta(2, 2, images) * 0.6 + 0.2
        chance = (chance + run_sd * random.standard_normal((runs, 1))).clip(0, 1)
        _, low, high = wilson(random.random((runs, images)) < chance)
        covered.append(low <= 0.5 <= high)
    assert 0.91 < np.mean(covered) < 0.999


def test_wilson_of_runs_that_disagree_is_wider_than_of_those_that_agree():
    agree = np.tile(np.arange(100) < 50, (3, 1))
    disagree = np.arange(100) < np.array([[20], [50], [80]])
    (_, low, high), (_, lower, higher) = wilson(agree), wilson(disagree)
    assert higher - lower > 2 * (high - low)


def test_wilson_of_nothing_is_missing():
    assert np.isnan(wilson(np.empty((3, 0)))).all()
    assert np.isnan(wilson(np.full((1, 4), np.nan))).all()
