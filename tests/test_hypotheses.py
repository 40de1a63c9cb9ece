"""Corrections, verdicts, and tests beside scipy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from varbench.metrics.hypotheses import adjusted, best_or_tied, reach_p_value, share_up, verdict

probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_adjusted_p_values_step_up():
    """By hand: p m / rank, and never above the next one's."""
    assert adjusted([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])
    assert adjusted([]) == []


def test_holm_steps_down():
    """By hand: the smallest times 4, the next times 3, and never below the one before."""
    assert adjusted([0.01, 0.04, 0.03, 0.5], "holm") == pytest.approx([0.04, 0.09, 0.09, 0.5])


@given(probabilities, st.sampled_from(["holm", "benjamini_hochberg"]))
def test_what_was_not_tested_counts_for_nothing(p, correction):
    mixed = [value for pair in zip(p, [float("nan")] * len(p), strict=True) for value in pair]
    found = adjusted(mixed, correction)
    assert found[::2] == adjusted(p, correction)
    assert np.isnan(found[1::2]).all()
    holm, bonferroni = adjusted(p, "holm"), np.minimum(np.array(p) * len(p), 1)
    assert (np.array(p) <= np.array(found[::2]) + 1e-15).all()
    assert (np.array(found[::2]) <= np.array(holm) + 1e-15).all()
    assert (np.array(holm) <= bonferroni + 1e-15).all()


def test_verdicts():
    assert verdict(0.3, 0.01) == "raised"
    assert verdict(-0.3, 0.01) == "lowered"
    assert verdict(-0.3, 0.051) == "not separable"
    assert verdict(0.3, 0.08, confidence=0.9) == "raised"
    assert verdict(float("nan"), 0.01) == verdict(0.1, float("nan")) == ""


def test_reach_with_one_run_is_mcnemars_exact_test():
    """Of 300 users 12 are gained and 3 lost: as many heads in 15 throws, by counting all."""
    before = np.arange(300) < 30
    after = (np.arange(300) >= 3) & (np.arange(300) < 42)
    throws = [bin(outcome).count("1") for outcome in range(2**15)]
    expected = np.mean([not 3 < heads < 12 for heads in throws])
    assert reach_p_value(after[None], before[None]) == pytest.approx(expected)
    assert reach_p_value(before[None], before[None]) == 1


def test_reach_with_several_runs_needs_runs_that_agree():
    before = np.zeros((3, 400), np.bool_)
    agree = np.arange(400) < np.array([[20], [22], [19]])
    differ = np.arange(400) < np.array([[50], [3], [2]])
    assert reach_p_value(agree, before) < 0.01 < 0.1 < reach_p_value(differ, before)


def test_share_of_items_that_moved_up():
    change = np.array([[-3.0, -1.0, -2.0, -9.0, 2.0, 0.0, np.nan]])
    share, p = share_up(change)
    assert share == pytest.approx((4 + 0.5) / 6)
    assert p == pytest.approx(2 * (1 + 5) / 2**5)  # 4 of 5 or more, on either side
    assert share_up(np.zeros((1, 4))) == (0.5, 1.0)
    assert np.isnan(share_up(np.full((2, 3), np.nan))).all()
    assert np.isnan(share_up(np.empty((1, 0)))).all()


def test_items_of_one_model_are_not_evidence_of_each_other():
    """Ninety items that a run moves together are three observations, not 270."""
    change = np.repeat([[-1.0], [-1.0], [1.0]], 90, axis=1)
    share, p = share_up(change)
    assert share == pytest.approx(2 / 3)
    assert p > 0.4
    assert stats.binomtest(180, 270).pvalue < 1e-6


def test_the_best_and_what_cannot_be_told_from_it():
    random = np.random.default_rng(0)
    users = random.poisson(1, (3, 500))
    noise = random.normal(0, 0.3, (4, 3, 500))
    values = users + np.array([2.0, 2.0, 1.0, 0.0])[:, None, None] + noise
    assert best_or_tied(values).tolist() == [True, True, False, False]
    assert best_or_tied(values[:1]).tolist() == [False]
    assert not best_or_tied(np.tile(users, (3, 1, 1))).any()
    assert best_or_tied(values[:, :, :1]).all()  # one user tells nothing apart
    values[1] = np.nan
    assert best_or_tied(values).tolist() == [True, False, False, False]


def test_the_truly_best_is_among_the_marked():
    """Five attacks of which one is better by little: it is left out in 5 % of the trials at most,
    and the worst one is told from it."""
    random = np.random.default_rng(1)
    effect = np.array([0.3, 0.25, 0.2, 0.1, -1.0])[:, None, None]
    kept, worst = [], []
    for _ in range(300):
        values = effect + random.normal(0, 0.1, (5, 3, 1)) + random.normal(0, 1, (5, 3, 200))
        marked = best_or_tied(values)
        kept.append(marked[0])
        worst.append(marked[4])
    assert np.mean(kept) > 0.95
    assert np.mean(worst) < 0.5
