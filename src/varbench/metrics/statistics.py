"""Uncertainty of a mean over users and runs.

The unit of a claim about an attack is a training: another run of the same experiment has other
networks and other recommenders. The unit of a claim about users is a user. A mean of a grid of
values (runs, users), the same users in every run, varies with both:

    y_ru = mu + run_r + user_u + rest_ru,   Var(mean) = s_run^2 / R + s_user^2 / U + s_rest^2 / RU

whose parts the mean squares of the crossed analysis of variance estimate. `two_level` takes

    V_run  = variance of the runs' means / R       with R - 1 degrees of freedom,
    V_user = what the users' means vary beyond it  with U - 1,

and half an interval is the root of t_(R-1)^2 V_run + t_(U-1)^2 V_user.

Why not a bootstrap of runs and users: three runs can be drawn in ten ways, the variance of such a
draw is two thirds of what it should be, and nothing in it knows that three numbers tell little of
a spread; such "95 %" intervals cover 80 % where runs matter. Why not Satterthwaite's degrees of
freedom for the sum: they are guessed from the same three runs. Where these lie close together by
chance, the interval is narrow *and* the degrees of freedom are many, and a p value of 1e-5 comes
up far too often. Adding squares of half intervals (Howe, JASA 1974; the modified large sample
limits of Graybill and Wang, JASA 1980) keeps each part's own quantile. It covers 93 to 98 % for
95 % with 3 runs or more (95 to 99 % with two), and is the t interval over users where there is one
run, and over runs where users hardly matter. tests/test_statistics.py holds it to that.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]

# Below this a p value is 0: no test on these data can tell such numbers apart.
TINY = 1e-100


@dataclass(frozen=True)
class TwoLevel:
    """A mean over runs and users with what it takes for intervals and tests.

    Every array has the leading shape of the values that `two_level` was given.

    Attributes
    ----------
    mean
        Over runs and users.
    run_sd
        Standard deviation of the runs' means; NaN for one run: the spread is unknown.
    variance_runs, variance_users
        The two parts of the mean's variance; the first is 0 for one run.
    variance_least
        What it would be if each user of each run were another one. No interval is narrower: runs
        that agree by chance, in which users differ, would else leave no spread at all.
    runs, users
        How many.
    """

    mean: Floats
    run_sd: Floats
    variance_runs: Floats
    variance_users: Floats
    variance_least: Floats
    runs: int
    users: int

    def half_width(self, confidence: float) -> Floats:
        """Return half of the interval's width, 0 where nothing varies."""
        return np.sqrt(self._squared(np.asarray((1 - confidence) / 2)))

    def interval(self, confidence: float = 0.95) -> tuple[Floats, Floats]:
        """Return the bounds of the mean's interval."""
        half = self.half_width(confidence)
        return self.mean - half, self.mean + half

    def p_value(self, null: float = 0.0) -> Floats:
        """Return the two-sided p value of the mean being ``null``: 1 - the confidence whose
        interval ends there.

        Without any spread it is 1 where the mean is ``null`` and 0 elsewhere.
        """
        distance = np.square(self.mean - null)
        low = np.full(self.mean.shape, np.log(TINY))
        high = np.zeros(self.mean.shape)
        for _ in range(60):  # the interval narrows as p rises: halve the bracket of log p
            middle = (low + high) / 2
            inside = self._squared(np.exp(middle) / 2) > distance
            low, high = np.where(inside, middle, low), np.where(inside, high, middle)
        p = np.where(high < np.log(TINY) + 1e-6, 0.0, np.exp(high))
        p = np.where(distance == 0, 1.0, p)
        # One user leaves the spread between users, and so p, unknown.
        return np.where(np.isfinite(self.mean + self.variance_users), p, np.nan)

    def equivalent(self, margin: float, confidence: float = 0.95) -> NDArray[np.bool_]:
        """Return whether the mean is shown to lie within ``margin`` of 0.

        Two one-sided tests at 1 - ``confidence`` each (TOST; Schuirmann 1987): the interval of
        confidence 2 ``confidence`` - 1 lies inside the margin.

        Raises ValueError for a margin that is not positive.
        """
        if not margin > 0:
            raise ValueError(f"an equivalence margin of {margin:g} is not positive")
        return np.abs(self.mean) + self.half_width(2 * confidence - 1) < margin

    def _squared(self, tail: NDArray[Any]) -> Floats:
        """Return the squared half width that leaves ``tail`` on each side."""
        of_users = np.square(special.stdtrit(max(self.users - 1, 1), tail))
        total = of_users * self.variance_users
        if self.runs > 1:
            total = total + np.square(special.stdtrit(self.runs - 1, tail)) * self.variance_runs
        return np.asarray(np.maximum(total, of_users * self.variance_least), np.float64)


def two_level(values: ArrayLike) -> TwoLevel:
    """Estimate means over runs and users, and their uncertainty.

    values : (..., R, U), the same users in every run. A further axis, such as seeds nested in
        runs, is to be averaged before: the run is the unit.

    One run leaves users alone. A NaN among a mean's values makes it NaN, and one user leaves its
    variance NaN.

    Raises ValueError without runs or users.
    """
    y = np.asarray(values, np.float64)
    if y.ndim < 2 or 0 in y.shape[-2:]:
        raise ValueError(f"values of shape {y.shape} are not of runs and users")
    runs, users = y.shape[-2:]
    mean = y.mean(axis=(-2, -1))
    of_runs, of_users = _variance(y.mean(axis=-1)), _variance(y.mean(axis=-2))
    if runs == 1:
        unknown = np.full(mean.shape, np.nan)
        none, users_alone = np.zeros(mean.shape), of_users / users
        return TwoLevel(mean, unknown, none, users_alone, users_alone, runs, users)
    # What is left when runs and users are taken out is in both of their means, and counts once.
    within = _variance(y).mean(axis=-1)
    rest = (_variance(np.moveaxis(y, -2, -1)).mean(axis=-1) - of_runs) / (runs * max(users - 1, 1))
    users_alone = np.maximum(of_users / users - np.maximum(rest, 0), 0)
    parts = (of_runs / runs, users_alone, within / (runs * users))
    return TwoLevel(mean, np.sqrt(of_runs), *parts, runs, users)


def _variance(values: Floats) -> Floats:
    if values.shape[-1] < 2:
        return np.full(values.shape[:-1], np.nan)
    return np.asarray(values.var(axis=-1, ddof=1))
