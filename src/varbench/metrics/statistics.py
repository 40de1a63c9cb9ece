"""Uncertainty of a mean over users, and of its change."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

# Counts held in memory at a time: 8 MB.
CHUNK = 1_000_000


def bootstrap_interval(
    values: ArrayLike, *, seed: int, confidence: float = 0.95, resamples: int = 2000
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean of one value a user, (users,).

    Drawing n users with replacement and counting how often each *distinct* value came up is one
    draw from a multinomial distribution, so resampling the counts is exactly the bootstrap. A
    category hit ratio has at most K + 1 distinct values, whatever the number of users; where
    nearly all values differ, as in AUC, this takes several times the usual drawing of indices.

    Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or not sample.size or not np.isfinite(sample).all():
        raise ValueError("the bootstrap needs a non-empty vector of finite values")
    distinct, counts = np.unique(sample, return_counts=True)
    users, random = sample.size, np.random.default_rng(seed)
    chunk = max(1, CHUNK // distinct.size)
    sums = [
        random.multinomial(users, counts / users, size=min(chunk, resamples - done)) @ distinct
        for done in range(0, resamples, chunk)
    ]
    bounds = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(np.concatenate(sums) / users, bounds)
    return float(low), float(high)


def paired_p_value(after: ArrayLike, before: ArrayLike) -> float:
    """Return the two-sided p value of a paired t-test: that the mean of all users did not change.

    after, before : (users,), a value of each user, in the same order

    The test takes users as drawn at random and the two trainings as given: it says nothing of how
    much another seed would change. Without any difference between users it has no spread to judge
    by; then the p value is 1 where nothing changed and 0 where all changed alike.
    """
    change = np.asarray(after, dtype=np.float64) - np.asarray(before, dtype=np.float64)
    if change.ndim != 1 or change.size < 2 or not np.isfinite(change).all():
        raise ValueError("a paired test needs two vectors of finite values of at least two users")
    if np.ptp(change) == 0:
        return float(change[0] == 0)
    return float(stats.ttest_1samp(change, 0).pvalue)


def adjusted(p_values: ArrayLike) -> list[float]:
    """Return p values that control the false discovery rate (Benjamini and Hochberg 1995)."""
    given = np.asarray(p_values, dtype=np.float64)
    return stats.false_discovery_control(given).tolist() if given.size else []
