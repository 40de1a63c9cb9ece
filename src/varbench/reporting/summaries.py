"""Cells summed up: the category hit ratio, its runs, accuracy, and CHR at every K.

``hits`` maps each cell to the attacked items in each user's top K, (R, S, U); see cells.py.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from varbench.metrics.category import top_users_share
from varbench.metrics.hypotheses import best_or_tied
from varbench.metrics.statistics import two_level
from varbench.reporting.cells import Cell, Values, check_runs, groups, of_runs, rows

NO_ITEMS = "no item is counted: the category is empty"
ALL_ITEMS = "all of every list is counted: no attack can raise it"


def table1(
    hits: Values,
    changes: pd.DataFrame,
    random_chr: Mapping[Cell, float],
    *,
    k: int,
    clean: str,
    controls: Collection[str] = (),
    confidence: float = 0.95,
    flags: Mapping[tuple[str, str], Sequence[str]] | None = None,
    reasons: Mapping[Cell, str] | None = None,
) -> pd.DataFrame:
    """Return the category hit ratio of each cell of one threat or several, with what carries it.

    changes : from `changes.changes`, for the verdicts
    random_chr : of each cell, a random ranking's (mean of `category.random_hits`)
    controls : attacks that are none, such as noise and a ceiling: never the most effective
    flags : of a (dataset, defense) what makes its numbers doubtful, in words, such as a network
        that is no defense
    reasons : why a cell's hits are missing, if not because the category is empty

    Columns: the cell, runs, users, chr_at_k, its _low, _high and _sd (between
    runs; empty with one), reach_at_k, top_users_share, random_chr_at_k, verdict, most_effective
    and note: why a value is missing, and the flags, "; " between.
    """
    best = _most_effective(hits, {clean, *controls}, confidence)
    names, said = list(Cell._fields), flags or {}
    verdicts = changes.set_index(names)["verdict"].to_dict()
    table = {}
    for cell, of_cell in hits.items():
        by_user = of_runs(of_cell)
        why = (reasons or {}).get(cell, NO_ITEMS)
        found = two_level(by_user)
        low, high = found.interval(confidence)
        known = bool(np.isfinite(found.mean))
        table[cell] = {
            "runs": found.runs,
            "users": found.users,
            f"chr_at_{k}": float(found.mean),
            f"chr_at_{k}_low": max(float(low), 0.0) if known else np.nan,
            f"chr_at_{k}_high": float(high),
            f"chr_at_{k}_sd": float(found.run_sd),
            f"reach_at_{k}": float((of_cell > 0).mean()) if known else np.nan,
            "top_users_share": _mean_share(of_cell),
            f"random_chr_at_{k}": random_chr.get(cell, np.nan),
            "verdict": verdicts.get(cell, ""),
            "most_effective": cell in best,
            "note": "; ".join(
                [*_extremes(of_cell, k, why), *said.get((cell.dataset, cell.defense), ())]
            ),
        }
    return rows(table)


def runs(hits: Values, *, k: int, confidence: float = 0.95) -> pd.DataFrame:
    """Return the category hit ratio of each cell's runs and seeds: intervals over users only."""
    parts = []
    for cell, of_cell in hits.items():
        run, seed = (index.ravel() for index in np.indices(of_cell.shape[:2]))
        found = two_level(of_cell.reshape(len(run), 1, -1))
        low, high = found.interval(confidence)
        values = {
            f"chr_at_{k}": found.mean,
            f"chr_at_{k}_low": np.maximum(low, 0),
            f"chr_at_{k}_high": high,
            "users": found.users,
        }
        parts.append(pd.DataFrame(cell._asdict() | {"run": run, "seed": seed} | values))
    return pd.concat(parts, ignore_index=True)


def accuracy(
    measured: Mapping[Cell, pd.DataFrame],
    references: pd.DataFrame | None = None,
    *,
    k: int,
    without: Collection[str] = (),
) -> pd.DataFrame:
    """Return each cell's means over runs and seeds of what its lists are measured by.

    measured : of each cell, a row a run and seed: run, seed, and any of hr, ndcg, auc (means over
        users), category_ndcg, category_share (both of the items that CHR counts), coverage, gini,
        novelty, popularity
    references : dataset, recommender and the same measures, of rankings that see no images; threat,
        defense and attack are left empty
    without : measures that the protocol does not say

    Raises InputError where cells have different runs.
    """
    check_runs(
        {cell: set(zip(of["run"], of["seed"], strict=True)) for cell, of in measured.items()}
    )
    means = {
        cell: {"runs": of["run"].nunique()} | of.drop(columns=["run", "seed"]).mean().to_dict()
        for cell, of in measured.items()
    }
    table = rows(means)
    if references is not None:
        table = pd.concat([table, references])
    table = table.drop(columns=list(without), errors="ignore").reset_index(drop=True)
    named = {name: f"{name}_at_{k}" for name in table if name not in (*Cell._fields, "runs", "auc")}
    return table.rename(columns=named).astype({"runs": "Int64"})


def chr_by_k(curves: Values) -> pd.DataFrame:
    """Return CHR at every K: threat, cell, k, chr.

    curves : of each cell `beyond_accuracy.hits_by_k`, (R, S, L)
    """
    parts = [
        pd.DataFrame(
            cell._asdict()
            | {"k": np.arange(1, of.shape[2] + 1), "chr": of.mean(axis=(0, 1), dtype=np.float64)}
        )
        for cell, of in curves.items()
    ]
    return pd.concat(parts, ignore_index=True)


def _extremes(of_cell: NDArray[Any], k: int, why: str) -> list[str]:
    """Say where a hit ratio is missing, or can only be what it is."""
    if not np.isfinite(of_cell).any():
        return [why]
    return [ALL_ITEMS] if (of_cell == k).all() else []


def _most_effective(hits: Values, others: Collection[str], confidence: float) -> set[Cell]:
    """Return the attacks of the largest hit ratio, and those that cannot be told from it."""
    found: set[Cell] = set()
    for cells in groups([cell for cell in hits if cell.attack not in others]).values():
        values = np.array([of_runs(hits[cell]) for cell in cells])
        marked = best_or_tied(values, confidence)
        found.update(cell for cell, is_best in zip(cells, marked, strict=True) if is_best)
    return found


def _mean_share(of_cell: NDArray[Any]) -> float:
    """Average over the runs and seeds in which anybody is hit."""
    shares = [top_users_share(of_cell[place]) for place in np.ndindex(of_cell.shape[:2])]
    return float(pd.Series(shares, dtype=float).mean())
