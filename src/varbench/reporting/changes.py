"""Every attacked cell beside its clean one: what changed, how surely, and what contradicts it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from varbench.errors import InputError
from varbench.metrics.hypotheses import Correction, adjusted, reach_p_value, share_up, verdict
from varbench.metrics.statistics import two_level
from varbench.reporting.cells import Cell, Values, clean_of, of_runs, paired, rows

NO_ITEMS = "no item is counted in this cell or in its clean one"
RUNS, USERS_ONLY = "runs", "users only: one run"


def changes(
    hits: Values,
    mean_ranks: Values,
    *,
    clean: str,
    baseline: Mapping[str, str] | None = None,
    confidence: float = 0.95,
    margin: float = 0.05,
    correction: Correction = "benjamini_hochberg",
    reasons: Mapping[Cell, str] | None = None,
) -> pd.DataFrame:
    """Return the change of each attacked cell, paired by user and run.

    hits : of each cell, (R, S, U), attacked items in each user's top K
    mean_ranks : of each cell, (R, S, M), each attacked item's mean rank
    baseline : defense and recommender of the clean cells that hits are compared with; by default
        each cell's own
    margin : items; a change shown to be smaller is equivalent to none (TOST)
    correction : of the p values over all cells given here, each one hypothesis
    reasons : why a cell's hits are missing, if not for want of items

    Columns: threat, cell, baseline_defense, baseline_recommender, runs, change, change_low,
    change_high, change_sd (between runs), p_value, p_adjusted, test (whose unit is the run, or,
    with one run, the user), effect_size (the change over the standard deviation between users in
    the clean cell, Glass's delta: unlike a paired effect size it does not grow with the number of
    runs), verdict, equivalent, margin, reach_change, reach_p_value, mean_rank_change (below 0 is
    up), items_up (the share of items that moved up), items_up_p_value and note, why a value is
    missing.

    Raises InputError for a margin that is not positive, and as `cells.paired`.
    """
    if not margin > 0:
        raise InputError(f"metrics.equivalence_margin: {margin:g} is not positive; give items > 0")
    ranks = paired(mean_ranks, clean)
    table: dict[Cell, dict[str, Any]] = {}
    for cell, (after, before) in paired(hits, clean, baseline).items():
        row = _of_hits(after, before, confidence, margin)
        row["note"] = "" if np.isfinite(row["change"]) else (reasons or {}).get(cell, NO_ITEMS)
        row |= _of_ranks(*ranks[cell]) if cell in ranks else {}
        start = clean_of(cell, clean, baseline)
        named = {f"baseline_{axis}": getattr(start, axis) for axis in ("defense", "recommender")}
        table[cell] = named | row
    return _judged(rows(table), correction, confidence)


COLUMNS = (
    *(*Cell._fields, "baseline_defense", "baseline_recommender", "runs"),
    *("change", "change_low", "change_high", "change_sd", "p_value", "p_adjusted", "test"),
    *("effect_size", "verdict", "equivalent", "margin", "reach_change", "reach_p_value"),
    *("mean_rank_change", "items_up", "items_up_p_value", "note"),
)


def _judged(table: pd.DataFrame, correction: Correction, confidence: float) -> pd.DataFrame:
    if table.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    table["p_adjusted"] = adjusted(table["p_value"], correction)
    table["verdict"] = [
        verdict(change, p, confidence)
        for change, p in zip(table["change"], table["p_adjusted"], strict=True)
    ]
    return table.reindex(columns=list(COLUMNS))


def _of_hits(
    after: NDArray[Any], before: NDArray[Any], confidence: float, margin: float
) -> dict[str, Any]:
    before_by_user = of_runs(before)
    found = two_level(of_runs(after) - before_by_user)
    low, high = found.interval(confidence)
    known = bool(np.isfinite(found.mean))
    spread = np.sqrt(before_by_user.var(axis=1, ddof=1).mean()) if found.users > 1 else np.nan
    row = {
        "runs": found.runs,
        "change": float(found.mean),
        "change_low": float(low),
        "change_high": float(high),
        "change_sd": float(found.run_sd),
        "p_value": float(found.p_value()),
        "test": RUNS if found.runs > 1 else USERS_ONLY,
        "effect_size": float(found.mean / spread) if spread > 0 else np.nan,
        "equivalent": bool(found.equivalent(margin, confidence)),
        "margin": margin,
    }
    if not known:
        return row
    reached_after, reached_before = (after > 0).mean(axis=1), (before > 0).mean(axis=1)  # (R, U)
    row["reach_change"] = float(reached_after.mean() - reached_before.mean())
    row["reach_p_value"] = _reach_p_value(reached_after, reached_before)
    return row


def _reach_p_value(after: NDArray[Any], before: NDArray[Any]) -> float:
    """Return McNemar's p value where each user is reached or not, else the two-level one.

    Several seeds in one run make reach a share for each user: there is no table of counts.
    """
    whole = len(after) == 1 and bool(np.isin((after, before), (0, 1)).all())
    if whole:
        return reach_p_value(after > 0, before > 0)
    return float(two_level(after - before).p_value())


def _of_ranks(after: NDArray[Any], before: NDArray[Any]) -> dict[str, Any]:
    change = of_runs(after) - of_runs(before)  # (R, M)
    up, p_value = share_up(change)
    known = change[:, ~np.isnan(change).any(axis=0)]
    return {
        "mean_rank_change": float(known.mean()) if known.size else np.nan,
        "items_up": up,
        "items_up_p_value": p_value,
    }
