"""Tests, their correction over many hypotheses, and what is said of them."""

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from varbench.metrics.statistics import two_level

Correction = Literal["benjamini_hochberg", "holm"]
RAISED, LOWERED, NOT_SEPARABLE = "raised", "lowered", "not separable"


def adjusted(p_values: ArrayLike, correction: Correction = "benjamini_hochberg") -> list[float]:
    """Return p values adjusted for all hypotheses that were declared, one for each p value.

    "benjamini_hochberg" controls the share of false discoveries (1995), "holm" the chance of a
    single one (1979). A NaN is a hypothesis that could not be tested: it stays NaN and counts for
    nothing.
    """
    given = np.asarray(p_values, np.float64)
    result = np.full(given.shape, np.nan)
    tested = np.isfinite(given)
    p = given[tested]
    if p.size and correction == "holm":
        order = np.argsort(p)
        stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
        p = np.empty_like(p)
        p[order] = np.minimum(stepped, 1)
        result[tested] = p
    elif p.size:
        result[tested] = stats.false_discovery_control(p)
    return [float(value) for value in result]


def verdict(change: float, p_value: float, confidence: float = 0.95) -> str:
    """Return "raised", "lowered" or "not separable"; empty where nothing was tested.

    p_value : adjusted; below 1 - ``confidence`` the change is told from none
    """
    if not (np.isfinite(change) and np.isfinite(p_value)):
        return ""
    if p_value >= 1 - confidence:
        return NOT_SEPARABLE
    return RAISED if change > 0 else LOWERED


def reach_p_value(after: NDArray[np.bool_], before: NDArray[np.bool_]) -> float:
    """Return the p value of as many users being reached after as before.

    after, before : (R, U), whether a user has an attacked item in their list; the same users

    With one run McNemar's exact test: of the users of whom just one is true, half are reached
    after. With several the two-level test of the differences, since runs differ as well.
    """
    if after.shape != before.shape:
        raise ValueError(f"other users or runs: {after.shape} and {before.shape}")
    difference = after.astype(np.int64) - before
    if len(difference) > 1:
        return float(two_level(difference).p_value())
    gained, lost = int((difference > 0).sum()), int((difference < 0).sum())
    return float(stats.binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


def share_up(change: NDArray[Any]) -> tuple[float, float]:
    """Return the share of items that moved up, and the p value of as many moving down.

    change : (R, M), each item's change of mean rank: negative is up. Items without a rank are NaN
        in all runs and left out; an item that stays counts half.

    With one run the sign test, exact, over the items that moved. Items are ranked by one model, so
    with several runs the test is the two-level one, whose units are runs and items. NaN for no
    items.
    """
    known = change[:, ~np.isnan(change).any(axis=0)]
    if not known.size:
        return float("nan"), float("nan")
    up = np.where(known == 0, 0.5, known < 0)
    share = float(up.mean())
    if len(up) > 1:
        return share, float(two_level(up).p_value(0.5))
    moved = int((known != 0).sum())
    p = float(stats.binomtest(int((known < 0).sum()), moved).pvalue) if moved else 1.0
    return share, p


def best_or_tied(values: NDArray[Any], confidence: float = 0.95) -> NDArray[np.bool_]:
    """Mark the largest of several means, and all that cannot be told from it, (A,).

    values : (A, R, U), the same runs and users for all A

    Each is compared with the largest, paired by user and run, at (1 - ``confidence``) / (A - 1) on
    one side: the marked ones hold the truly largest with that confidence (multiple comparisons
    with the best; Hsu, Annals of Statistics 1984). A mean of NaN is not marked, and none is where
    all are the same or only one is there: then nothing is best.
    """
    means = values.mean(axis=(-2, -1))
    known = np.flatnonzero(np.isfinite(means))
    marked = np.zeros(len(values), np.bool_)
    if len(known) < 2:
        return marked
    best = known[np.argmax(means[known])]
    behind = values[best].astype(np.float64) - values[known]
    if not np.any(behind):
        return marked
    p = two_level(behind).p_value() / 2
    told_apart = p * (len(known) - 1) < 1 - confidence  # not where p is NaN
    marked[known] = ~told_apart
    marked[best] = True
    return marked
