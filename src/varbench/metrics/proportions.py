"""The share of images of which something is true, with its interval."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from varbench.metrics.statistics import two_level


def wilson(successes: ArrayLike, confidence: float = 0.95) -> tuple[float, float, float]:
    """Return the share of successes with its Wilson interval (JASA 1927).

    successes : (R, N), whether each of N images succeeds in each of R runs

    The images are the same in all runs, so R x N outcomes are not that many images: with runs that
    agree, more of them say nothing new of how other images would fare. And networks differ: with
    runs that disagree, even many images leave the rate of another network open. So N is replaced
    by the number of images whose outcomes, in one run, would leave the mean as uncertain as
    `two_level` finds it over runs and images, from few to R x N at most: Wilson's interval with an
    effective sample size, as surveys use it (Korn and Graubard, Survey Methodology 1998).

    All three are NaN without images, and where an outcome is NaN.
    """
    outcomes = np.asarray(successes, np.float64)
    runs, images = outcomes.shape
    share = float(outcomes.mean()) if images else float("nan")
    if not np.isfinite(share):
        return (float("nan"),) * 3
    effective = float(images)
    if runs > 1 and images > 1 and 0 < share < 1:
        found = float(two_level(outcomes).half_width(confidence))
        quantile = float(stats.t.isf((1 - confidence) / 2, images - 1))
        in_one_run = quantile * np.sqrt(share * (1 - share) / (images - 1))
        effective *= min(float(runs), (in_one_run / found) ** 2) if found else 1.0
    z = float(stats.norm.isf((1 - confidence) / 2))
    centre = (share + z**2 / (2 * effective)) / (1 + z**2 / effective)
    half = z / (1 + z**2 / effective)
    half *= np.sqrt(share * (1 - share) / effective + z**2 / (4 * effective**2))
    return share, max(0.0, float(centre - half)), min(1.0, float(centre + half))
