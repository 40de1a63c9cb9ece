"""The paper's two tables and one of accuracy, laid out from tidy tables of numbers.

A tidy table has a row for each cell of the grid and plain numbers, as ``results/tables/*.csv``
hold them. Names appear in the order in which they come first there.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from varbench.reporting.labels import DEFENSES, NAMES, display
from varbench.reporting.rendering import MISSING, Cell, Table

HEADINGS = {
    "protocol": "Protocol",
    "defense": "Defense",
    "dataset": "Dataset",
    "recommender": "Model",
    "attack": "Attack",
}
# How a measure is shown: heading, factor, decimals (the paper's), and whether high is best.
MEASURES = {
    "success_rate": ("SR (%)", 100, 2, True),
    "success_rate_not_target": ("SR, new (%)", 100, 2, True),
    "feature_loss": ("FL", 1, 7, True),
    "lpips": ("LPIPS \N{MULTIPLICATION SIGN} 100", 100, 4, False),
    "perceptual_stand_in": ("Stand-in \N{MULTIPLICATION SIGN} 100", 100, 4, False),
}
PAPER_MEASURES = ("success_rate", "feature_loss", "lpips")


def chr_table(
    table1: pd.DataFrame,
    *,
    k: int = 20,
    labels: Mapping[str, str] | None = None,
    digits: int = 4,
    intervals: bool = True,
    confidence: float = 0.95,
    clean: str = "none",
) -> Table:
    """Lay out the category hit ratio as the paper's Table 1.

    table1 : dataset, defense, attack, recommender, seed, chr_at_k, chr_at_k_low, chr_at_k_high
    labels : display names of datasets, defenses, attacks and recommenders
    clean : the attack that is none; it is never marked as the most effective one
    """
    value = f"chr_at_{k}"
    bounds = [f"{value}_low", f"{value}_high"]
    rows, columns = ["recommender", "attack"], ["dataset", "defense"]
    means = mean_over_seeds(table1, [*rows, *columns], [value, *bounds])
    best = _best(means, value, ["recommender", *columns], clean=clean)
    cells = [
        _cell(number, digits, bold=bold, bounds=interval if intervals else None)
        for number, bold, interval in zip(
            means[value], best, means[bounds].itertuples(index=False), strict=True
        )
    ]
    caption = (
        f"CHR@{k}: items of the pushed category among a user's top {k}, mean over "
        f"users{_and_seeds(table1)}"
    )
    if intervals:
        caption += f", with its {100 * confidence:g} % bootstrap interval over users"
    caption += ". Bold: the most effective attack (largest CHR) on each model and extractor."
    return Table("chr", caption, lay_out(with_cells(cells, means), rows, columns, labels, NAMES))


def visual_table(
    table2: pd.DataFrame,
    *,
    measures: Sequence[str] = PAPER_MEASURES,
    labels: Mapping[str, str] | None = None,
    digits: Mapping[str, int] | None = None,
    clean: str = "none",
) -> Table:
    """Lay out success rate, feature loss and LPIPS as the paper's Table 2.

    table2 : dataset, defense, attack, the measures and perceptual_label, what the distance is
    measures : names from `MEASURES`. Where the table holds values of a stand-in and none of LPIPS,
        the stand-in comes in the place of "lpips", under its own heading.
    digits : decimals of a measure, where not the paper's
    """
    stand_in = table2.get("perceptual_stand_in", table2["lpips"])
    if table2["lpips"].isna().all() and stand_in.notna().any():
        measures = ["perceptual_stand_in" if name == "lpips" else name for name in measures]
    attacks = table2[table2["attack"] != clean]
    parts = []
    for measure in measures:
        heading, factor, decimals, high = MEASURES[measure]
        best = _best(attacks, measure, ["dataset", "defense"], clean=clean, lowest=not high)
        cells = [
            _cell(number * factor, (digits or {}).get(measure, decimals), bold=bold)
            for number, bold in zip(attacks[measure], best, strict=True)
        ]
        parts.append(with_cells(cells, attacks.assign(measure=heading)))
    caption = (
        "SR: share of the attacked images that the network takes for the target category. "
        "FL: mean squared change of an image's features. "
    )
    if "success_rate_not_target" in measures:
        caption += "SR, new: SR among the images not taken for it before the attack. "
    distance = ", ".join(table2.get("perceptual_label", pd.Series(["LPIPS"])).dropna().unique())
    if "lpips" in measures:
        caption += f"LPIPS: perceptual distance from the clean image, {distance}. "
    if "perceptual_stand_in" in measures:
        caption += f"Stand-in: {distance}. "
    caption += "Bold: highest SR and FL, lowest perceptual distance, on each dataset and extractor."
    rows, columns = ["dataset", "attack"], ["defense", "measure"]
    names = {**NAMES, **DEFENSES}
    return Table("visual", caption, lay_out(pd.concat(parts), rows, columns, labels, names))


def accuracy_table(
    accuracy: pd.DataFrame,
    *,
    k: int = 20,
    labels: Mapping[str, str] | None = None,
    digits: int = 4,
) -> Table:
    """Lay out HR, nDCG and AUC of the cells of Table 1.

    accuracy : dataset, defense, attack, recommender, seed, hr_at_k, ndcg_at_k, auc; rankings that
        see no images leave defense and attack empty and are shown beside every defense
    """
    measures = {f"hr_at_{k}": f"HR@{k}", f"ndcg_at_{k}": f"nDCG@{k}", "auc": "AUC"}
    rows = ["dataset", "recommender", "attack"]
    blind = accuracy["defense"].isna()
    seeing = accuracy[~blind]
    beside = (
        accuracy[blind]
        .drop(columns="defense")
        .merge(seeing[["defense"]].drop_duplicates(), how="cross")
    )
    means = mean_over_seeds(pd.concat([seeing, beside]), [*rows, "defense"], list(measures))
    parts = [
        with_cells(
            [_cell(number, digits) for number in means[measure]], means.assign(measure=heading)
        )
        for measure, heading in measures.items()
    ]
    caption = (
        "Accuracy on each user's held-out interaction, mean over "
        f"users{_and_seeds(accuracy)}. AUC: 0.5 is chance."
    )
    columns = ["defense", "measure"]
    return Table("accuracy", caption, lay_out(pd.concat(parts), rows, columns, labels, NAMES))


def mean_over_seeds(
    table: pd.DataFrame, keys: Sequence[str], values: Sequence[str]
) -> pd.DataFrame:
    """Average ``values`` over the seeds of each cell that ``keys`` name.

    The mean of interval bounds is at least as wide as an interval of the mean would be: the
    standard deviation of a mean is at most the mean of the standard deviations.
    """
    if table.duplicated([*keys, "seed"]).any():
        raise ValueError("a cell and seed occur twice")
    return table.groupby(list(keys), sort=False, dropna=False)[list(values)].mean().reset_index()


def _and_seeds(table: pd.DataFrame) -> str:
    seeds = table["seed"].nunique()
    return f" and {seeds} seeds" if seeds > 1 else ""


def _best(
    table: pd.DataFrame, value: str, within: Sequence[str], *, clean: str, lowest: bool = False
) -> pd.Series:
    """Mark the best attack within each group, or all of them if tied; none where all are equal."""
    attacked = table[value].where(table["attack"] != clean)
    groups = attacked.groupby([table[name] for name in within])
    extreme = groups.transform("min" if lowest else "max")
    return (attacked == extreme) & (groups.transform("nunique") > 1)


def _cell(
    number: float, digits: int, *, bold: bool = False, bounds: Sequence[float] | None = None
) -> Cell:
    if np.isnan(number):
        return Cell()
    if bounds is None or np.isnan(bounds).any():
        return Cell(f"{number:.{digits}f}", bold=bold)
    return Cell(
        f"{number:.{digits}f}", (f"{bounds[0]:.{digits}f}", f"{bounds[1]:.{digits}f}"), bold
    )


def with_cells(cells: list[Cell], table: pd.DataFrame) -> pd.DataFrame:
    """Return ``table`` with the column ``cell``, which `lay_out` spreads."""
    return table.assign(cell=pd.Series(cells, index=table.index, dtype=object))


def lay_out(
    table: pd.DataFrame,
    rows: list[str],
    columns: list[str],
    labels: Mapping[str, str] | None,
    defaults: Mapping[str, str],
) -> pd.DataFrame:
    """Spread the column ``cell`` over rows and columns of labels."""
    table = table.fillna(dict.fromkeys([*rows, *columns], MISSING))
    # Unlike pivot_table, which would average them, this raises where a cell occurs twice.
    cells = table.set_index([*rows, *columns])["cell"].unstack(columns)  # noqa: PD010
    cells = cells.reindex(index=_in_order(table, rows), columns=_in_order(table, columns))
    cells = cells.map(lambda cell: cell if isinstance(cell, Cell) else Cell())
    for axis in (0, 1):
        for level, name in enumerate(cells.axes[axis].names):
            if name not in ("of", "measure"):
                names = cells.axes[axis].unique(level)
                shown = display(names, labels, defaults)
                cells = cells.rename(shown, axis=axis, level=level)
    return cells.rename_axis(index=[HEADINGS[name] for name in rows])


def _in_order(table: pd.DataFrame, names: list[str]) -> pd.MultiIndex:
    """Return the combinations that occur, each level in order of first appearance."""
    found = table[names].drop_duplicates(ignore_index=True)
    order = found.apply(lambda column: pd.factorize(column)[0]).sort_values(names).index
    return pd.MultiIndex.from_frame(found.loc[order])
