"""Every attacked item before and after: its ranks, and how it is promoted."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from varbench.errors import InputError
from varbench.metrics.promotion import terciles
from varbench.reporting.cells import Cell, check_runs, clean_of

RANKS = ("mean_rank", "median_rank", "lists")
BOTH = ("hr", "mean_rank", "median_rank")
Items = Mapping[Cell, pd.DataFrame]


def item_ranks(items: Items, *, clean: str) -> pd.DataFrame:
    """Put each attacked item's ranks and lists beside those in the same defense's clean cell.

    items : of each cell a row a run, seed and item: run, seed, and the columns of
        `promotion.per_item`

    Returns threat, cell, item and mean_rank, median_rank and lists, each _before and _after: means
    over runs and seeds.

    Raises InputError where cells have different runs, or a clean cell is missing.
    """
    columns = [f"{name}_{when}" for name in RANKS for when in ("before", "after")]
    return _before_and_after(items, clean)[[*Cell._fields, "item", *columns]]


def promotion(items: Items, popularity: Mapping[str, NDArray[Any]], *, clean: str) -> pd.DataFrame:
    """Return how far each attacked item was promoted.

    popularity : of each dataset, training interactions of all its catalogue's items

    Returns threat, cell, runs, item, popularity (under cold start too, where none of it is learnt
    from), tercile (tail, middle or head of the whole catalogue), hr (share of the users who may get
    the item in whose top K it is), mean_rank and median_rank, each _before and _after, and
    prediction_shift (mean change of the item's score in units of each user's own spread of scores):
    means over runs and seeds.

    Raises as `item_ranks`.
    """
    table = _before_and_after(items, clean)
    table["prediction_shift"] = table["mean_z_after"] - table["mean_z_before"]
    named = {dataset: terciles(counts) for dataset, counts in popularity.items()}
    places = list(zip(table["dataset"], table["item"], strict=True))
    table["popularity"] = [int(popularity[dataset][item]) for dataset, item in places]
    table["tercile"] = [str(named[dataset][item]) for dataset, item in places]
    columns = [f"{name}_{when}" for name in BOTH for when in ("before", "after")]
    runs = {cell: of["run"].nunique() for cell, of in items.items()}
    cells = table[list(Cell._fields)].itertuples(index=False, name=None)
    table["runs"] = [runs[Cell(*names)] for names in cells]
    first = [
        *Cell._fields,
        "runs",
        "item",
        "popularity",
        "tercile",
        *columns[:2],
        "prediction_shift",
    ]
    return table[[*first, *columns[2:]]]


def stacked(items: Items, column: str) -> dict[Cell, NDArray[np.float64]]:
    """Return a column of each cell's items as `changes` takes it, (R, S, M)."""
    _check(items)
    result = {}
    for cell, of in items.items():
        wide = of.set_index(["run", "seed", "item"])[column].unstack("item")  # noqa: PD010
        runs = wide.index.get_level_values("run").nunique()
        result[cell] = wide.to_numpy(np.float64).reshape(runs, len(wide) // runs, -1)
    return result


def _check(items: Items) -> None:
    check_runs({cell: set(zip(of["run"], of["seed"], strict=True)) for cell, of in items.items()})


def _before_and_after(items: Items, clean: str) -> pd.DataFrame:
    """Average each item over runs and seeds, and put the clean cell's values beside it."""
    _check(items)
    means = {
        cell: of.assign(hr=of["lists"] / of["eligible"].where(of["eligible"] > 0))
        .groupby("item", sort=False)
        .mean()
        .drop(columns=["run", "seed"])
        for cell, of in items.items()
    }
    parts = []
    for cell, after in means.items():
        if cell.attack == clean:
            continue
        start = clean_of(cell, clean)
        if start not in means:
            raise InputError(f"cells: {start} is missing, which {cell} is compared with")
        both = means[start].add_suffix("_before").join(after.add_suffix("_after"), how="right")
        parts.append(both.reset_index().assign(**cell._asdict()))
    if not parts:
        names = [f"{n}_{w}" for n in (*BOTH, "lists", "mean_z") for w in ("before", "after")]
        return pd.DataFrame(columns=[*Cell._fields, "item", *names])
    return pd.concat(parts, ignore_index=True)
