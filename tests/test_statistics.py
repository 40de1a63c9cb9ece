from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from varbench.metrics import statistics
from varbench.metrics.statistics import adjusted, bootstrap_interval, paired_p_value


@pytest.mark.parametrize("confidence", [0.8, 0.95])
@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(0).poisson(0.6, 3000).clip(0, 20),  # like a category hit ratio
        np.random.default_rng(1).random(400),  # every value distinct
    ],
    ids=["counts", "continuous"],
)
def test_same_as_scipy(values, confidence):
    ours = bootstrap_interval(values, seed=0, confidence=confidence, resamples=20_000)
    theirs = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=20_000,
        batch=500,
        confidence_level=confidence,
        method="percentile",
        rng=1,
    ).confidence_interval
    # Both bounds are quantiles of 20,000 draws: they differ by a few hundredths of the width.
    assert ours == pytest.approx(tuple(theirs), abs=0.04 * (theirs.high - theirs.low))


def test_same_distribution_as_every_possible_resample():
    values = [0.0, 1.0, 1.0, 5.0]
    means = np.array([np.mean(draw) for draw in product(values, repeat=4)])
    for confidence in (0.6, 0.8, 0.94):  # whose bounds lie well inside steps of the distribution
        bounds = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
        ours = bootstrap_interval(values, seed=3, confidence=confidence, resamples=200_000)
        assert ours == pytest.approx(tuple(bounds))


def test_covers_the_true_mean_about_as_often_as_it_says():
    random = np.random.default_rng(5)
    covered = 0
    for trial in range(400):
        low, high = bootstrap_interval(
            random.binomial(20, 0.1, 200), seed=trial, confidence=0.9, resamples=500
        )
        covered += low <= 2 <= high
    assert 0.86 < covered / 400 < 0.94


samples = st.lists(st.integers(0, 20), min_size=1, max_size=60)


@settings(deadline=None)
@given(samples, st.integers(0, 2**63 - 1))
def test_within_the_range_and_reproducible(values, seed):
    low, high = bootstrap_interval(values, seed=seed, resamples=200)
    slack = 1e-9
    assert min(values) - slack <= low <= high <= max(values) + slack
    assert (low, high) == bootstrap_interval(values, seed=seed, resamples=200)
    assert (low, high) == bootstrap_interval(values[::-1], seed=seed, resamples=200)


@settings(deadline=None)
@given(samples, st.floats(0.1, 10), st.floats(-5, 5))
def test_follows_a_change_of_unit(values, scale, shift):
    bounds = np.array(bootstrap_interval(values, seed=1, resamples=200))
    changed = bootstrap_interval(scale * np.array(values) + shift, seed=1, resamples=200)
    assert changed == pytest.approx(tuple(scale * bounds + shift), abs=1e-9)


def test_narrows_with_users_and_widens_with_confidence():
    values = np.random.default_rng(2).poisson(1, 200)

    def width(sample, confidence):
        low, high = bootstrap_interval(sample, seed=0, confidence=confidence, resamples=4000)
        return high - low

    assert width(np.tile(values, 16), 0.9) == pytest.approx(width(values, 0.9) / 4, rel=0.1)
    assert width(values, 0.99) > width(values, 0.9) > width(values, 0.5) > 0


def test_seeds_differ_and_chunks_do_not(monkeypatch):
    values = np.random.default_rng(2).random(50)
    whole = bootstrap_interval(values, seed=0, resamples=1001)
    assert whole != bootstrap_interval(values, seed=1, resamples=1001)
    monkeypatch.setattr(statistics, "CHUNK", 100)
    assert bootstrap_interval(values, seed=0, resamples=1001) == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize("values", [[], [[1.0, 2.0]], [1.0, float("nan")]])
def test_what_has_no_mean_is_refused(values):
    with pytest.raises(ValueError, match="bootstrap"):
        bootstrap_interval(values, seed=0)


def test_p_value_is_that_of_all_changes_of_sign():
    """Under no change a difference is as likely as its opposite: the exact test, 2^14 cases."""
    change = np.random.default_rng(0).normal(0.6, 1, 14)
    signs = np.array(list(product([-1, 1], repeat=14)))
    as_far = np.abs(signs @ change) >= abs(change.sum()) - 1e-9
    assert paired_p_value(change + 3, np.full(14, 3)) == pytest.approx(as_far.mean(), abs=0.01)


def test_users_are_paired():
    """Users differ far more from each other than from themselves before."""
    random = np.random.default_rng(2)
    before = random.normal(0, 10, 50)
    after = before + random.normal(0.5, 1, 50)
    ours = paired_p_value(after, before)
    assert ours == pytest.approx(stats.ttest_rel(after, before).pvalue)
    assert ours < 0.01 < stats.ttest_ind(after, before).pvalue


def test_p_values_of_no_change_are_uniform():
    random = np.random.default_rng(4)
    drawn = [paired_p_value(*random.poisson(1, (2, 300))) for _ in range(400)]
    assert stats.kstest(drawn, "uniform").pvalue > 0.01


@given(samples.filter(lambda values: len(values) > 1))
def test_p_value_of_the_same_values_and_of_a_shift(values):
    assert paired_p_value(values, values) == 1
    assert paired_p_value(np.array(values) + 1, values) == 0
    with pytest.raises(ValueError, match="paired"):
        paired_p_value(values, [float("nan")] * len(values))


def test_adjusted_p_values_step_up():
    """By hand: p m / rank, and never above the next one's."""
    assert adjusted([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])
    assert adjusted([]) == []
