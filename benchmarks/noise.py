"""The spread of CHR between trainings, and which published differences it leaves standing."""

import math

import numpy as np
import pandas as pd
from scipy import stats

from varbench.reporting import published

K = 20


def spreads(values: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """Return mean, standard deviation with its interval, and their ratio, by cell and epoch.

    values : dataset, protocol, epoch, seed, chr

    The interval is that of a normal distribution's standard deviation, by chi-square.
    """
    grouped = values.groupby(["dataset", "protocol", "epoch"], sort=False)["chr"]
    table = grouped.agg(trainings="size", mean="mean", sd="std").reset_index()
    tail = (1 - confidence) / 2
    freedom = table["trainings"] - 1
    for name, probability in (("sd_low", 1 - tail), ("sd_high", tail)):
        table[name] = table["sd"] * np.sqrt(freedom / stats.chi2.ppf(probability, freedom))
    return table.assign(relative=table["sd"] / table["mean"])


def differences(table1: pd.DataFrame) -> pd.DataFrame:
    """Return the attacked cells of a Table 1 with ``clean`` and ``change`` of CHR.

    table1 : dataset, defense, attack, recommender, chr_at_20
    """
    cell = ["dataset", "defense", "recommender"]
    clean = table1[table1["attack"] == published.CLEAN].set_index(cell)[f"chr_at_{K}"]
    attacked = table1[table1["attack"] != published.CLEAN].join(clean.rename("clean"), on=cell)
    return attacked.assign(change=attacked[f"chr_at_{K}"] - attacked["clean"])


def siblings(changes: pd.DataFrame) -> pd.DataFrame:
    """Return the spread of CHR between the published attacks of each defended cell.

    changes : of ``differences``

    Under AT and FAT the attacks hardly move a feature, so their trainings are nearly trainings of
    one cell: what they differ by is at most the noise of a training and what the attacks do. Of
    both defenses, ``sd`` is the root of the mean square; ``mean`` is that of their CHR.
    """
    defended = changes[changes["defense"] != "T"]
    cells = defended.groupby(["dataset", "recommender", "defense"], sort=False)[f"chr_at_{K}"]
    table = cells.agg(mean="mean", variance="var").groupby(level=[0, 1], sort=False).mean()
    return table.assign(sd=table.pop("variance") ** 0.5).reset_index()


def told(changes: pd.DataFrame, sd: float | pd.Series) -> pd.Series:
    """Say which changes two trainings of one cell would not make in 95 of 100 cases.

    sd : between trainings; the difference of two has sqrt(2) times as much
    """
    limit: pd.Series = changes["change"].abs() > 1.96 * math.sqrt(2) * sd
    return limit


def verdicts(changes: pd.DataFrame, spread: pd.DataFrame) -> pd.DataFrame:
    """Return how many of the published changes can be told, by dataset, recommender and defense.

    changes : of ``differences``
    spread : of ``spreads``, of one protocol and epoch: a row a dataset

    ``absolute`` takes the standard deviation in items as it was measured; ``relative`` its ratio to
    the measured mean, times the published clean CHR. Both are given at the ends of the standard
    deviation's interval too, ``_at_least`` and ``_at_most``.
    """
    of = spread.set_index("dataset").loc[changes["dataset"]].reset_index()
    of.index = changes.index
    counted = changes[["dataset", "recommender", "defense"]].assign(cells=1)
    for suffix, column in (("", "sd"), ("_at_least", "sd_high"), ("_at_most", "sd_low")):
        counted[f"absolute{suffix}"] = told(changes, of[column])
        counted[f"relative{suffix}"] = told(changes, of[column] / of["mean"] * changes["clean"])
    own = siblings(changes).set_index(["dataset", "recommender"])["sd"].rename("sibling")
    counted["siblings"] = told(changes, changes.join(own, on=["dataset", "recommender"])["sibling"])
    return counted.groupby(["dataset", "recommender", "defense"], sort=False).sum().reset_index()
