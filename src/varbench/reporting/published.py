"""The paper's own two tables in this project's layout, and ours set beside them."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from varbench.axes import WITHIN_THREAT
from varbench.errors import InputError
from varbench.reporting.layout import mean_over_runs
from varbench.storage import read_table

NAMES = {
    "dataset": {"Amazon Women": "amazon_women", "Amazon Men": "amazon_men"},
    "defense": {"T": "T", "AT": "AT", "FAT": "FAT"},
    "attack": {
        "No-Attack": "none",
        "FGSM (eps=4)": "fgsm_4",
        "FGSM (eps=8)": "fgsm_8",
        "PGD (eps=4)": "pgd_4",
        "PGD (eps=8)": "pgd_8",
        "C&W": "cw",
    },
    "recommender": {"VBPR": "vbpr", "AMR": "amr"},
}
CLEAN = "none"
VISUAL = ["success_rate", "feature_loss", "lpips"]
CELL = list(WITHIN_THREAT)

Tables = tuple[pd.DataFrame, pd.DataFrame]


def read(folder: Path) -> Tables:
    """Return the paper's Tables 1 and 2 from ``folder``, with the columns of our own tables.

    The paper gives one run, and neither intervals nor counts: these are empty.

    Raises InputError where a file is missing, lacks a column or holds an unknown name.
    """
    path = folder / "table1_chr_at_20.csv"
    table1 = _renamed(read_table(path, [*CELL, "chr_at_20"]), path)
    table1 = table1.assign(runs=1, chr_at_20_low=float("nan"), chr_at_20_high=float("nan"))
    path = folder / "table2_visual.csv"
    columns = [*CELL[:3], "success_rate_percent", "feature_loss", "lpips_x100"]
    table2 = _renamed(read_table(path, columns), path)
    table2["success_rate"] = table2.pop("success_rate_percent") / 100
    table2["lpips"] = table2.pop("lpips_x100") / 100
    table2 = table2.assign(success_rate_not_target=float("nan"), perceptual_stand_in=float("nan"))
    table2["perceptual_label"] = "LPIPS (vgg)"
    return table1, table2


def compare(
    ours: Tables,
    published: Tables,
    *,
    stands_for: Mapping[str, Mapping[str, str]],
    k: int = 20,
    clean: str = "none",
) -> pd.DataFrame:
    """Put our Tables 1 and 2 beside the paper's, a row for each cell that both have.

    stands_for : for "dataset", "defense", "attack" and "recommender", the paper's name of each of
        ours that stands for one; the others are not compared
    clean : our attack that is none

    Returns measure, dataset, defense, attack, recommender (our names), ours, published and, for
    the category hit ratio under attack, change_ours and change_published (against the side's own
    clean cell) and same_sign, whether the two changes agree in direction.
    """
    mine, theirs = _long(ours, k, clean), _long(published, 20, CLEAN)
    known = {
        **stands_for,
        "attack": {**stands_for["attack"], clean: CLEAN},
        "recommender": {**stands_for["recommender"], "": ""},
    }
    for name in CELL:
        mine[f"{name}_there"] = mine[name].map(dict(known[name]))
    there = [f"{name}_there" for name in CELL]
    both = mine.dropna(subset=there).merge(
        theirs.rename(columns=dict(zip(CELL, there, strict=True))),
        on=["measure", *there],
        suffixes=("_ours", "_published"),
    )
    both = both.drop(columns=there)
    both = both.rename(columns={"value_ours": "ours", "value_published": "published"})
    changes = both[["change_ours", "change_published"]]
    same = (changes["change_ours"] * changes["change_published"] > 0).astype("boolean")
    same |= changes.eq(0).all(axis=1)
    return both.assign(same_sign=same.mask(changes.isna().any(axis=1)))


def agreement(comparison: pd.DataFrame) -> pd.DataFrame:
    """Sum up a comparison in one row a measure.

    Returns measure, cells, same_sign (share of the attacked cells whose change has the published
    sign; the category hit ratio only) and spearman (rank correlation over all cells; NaN where a
    side is constant or fewer than three cells are shared).
    """
    rows = []
    for measure, cells in comparison.groupby("measure", sort=False):
        ranks = cells[["ours", "published"]].dropna().rank()
        varied = len(ranks) > 2 and bool((ranks.max() > ranks.min()).all())
        rows.append(
            {
                "measure": measure,
                "cells": len(ranks),
                "same_sign": cells["same_sign"].astype("Float64").mean(),
                "spearman": ranks["ours"].corr(ranks["published"]) if varied else float("nan"),
            }
        )
    return pd.DataFrame(rows, columns=["measure", "cells", "same_sign", "spearman"])


def _renamed(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Replace the paper's names by ours."""
    for column, names in NAMES.items():
        if column in table:
            unknown = table.index[~table[column].isin(list(names))]
            if len(unknown):
                raise InputError(
                    f"{path}: row {unknown[0] + 1}: {column} {table[column][unknown[0]]!r} is none "
                    f"of {', '.join(names)}"
                )
            table[column] = table[column].map(names)
    return table


def _long(tables: Tables, k: int, clean: str) -> pd.DataFrame:
    """Return both tables as rows of measure, cell, value and change against the clean cell."""
    table1, table2 = tables
    ratios = mean_over_runs(table1, CELL, [f"chr_at_{k}"])
    ratios = ratios.rename(columns={f"chr_at_{k}": "value"}).assign(measure="chr")
    same = [name for name in CELL if name != "attack"]
    cleans = ratios[ratios["attack"] == clean].set_index(same)["value"].rename("clean")
    ratios = ratios.join(cleans, on=same)
    ratios["change"] = (ratios["value"] - ratios.pop("clean")).where(ratios["attack"] != clean)
    visual = table2.melt(CELL[:3], VISUAL, var_name="measure").assign(recommender="")
    columns = ["measure", *CELL, "value", "change"]
    return pd.concat([ratios, visual]).reindex(columns=columns).reset_index(drop=True)
