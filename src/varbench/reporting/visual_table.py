"""The paper's Table 2: success rate, feature loss and perceptual distance of every attack."""

from collections.abc import Sequence

import pandas as pd

from varbench.reporting.labels import NAMES, networks
from varbench.reporting.layout import Measure, Style, cell, lay_out, numbered, with_cells
from varbench.reporting.rendering import Table

TIMES_100 = "\N{MULTIPLICATION SIGN} 100"
MEASURES = {
    "images": Measure("n", 1, 0),
    "success_rate": Measure("SR (%)", 100, 2),
    "success_rate_float": Measure("SR, float (%)", 100, 2),
    "success_rate_not_target": Measure("SR, new (%)", 100, 2),
    "feature_loss": Measure("FL", 1, 7),
    "feature_loss_relative": Measure("FL / variance", 1, 3),
    "lpips": Measure(f"LPIPS {TIMES_100}", 100, 4),
    "perceptual_stand_in": Measure(f"Stand-in {TIMES_100}", 100, 4),
}
LOWEST_IS_BEST = ("lpips", "perceptual_stand_in")
NOT_COMPARED = ("images",)
SAID = {
    "images": "n: attacked images.",
    "success_rate": "SR: share of the attacked images that the network takes for the target "
    "category, as they are stored.",
    "success_rate_float": "SR, float: the same before rounding to 8 bits.",
    "success_rate_not_target": "SR, new: SR among the images not taken for it before the attack.",
    "feature_loss": "FL: mean squared change of an image's features.",
    "feature_loss_relative": "FL / variance: over the mean variance of the clean catalogue's "
    "features, which compares networks.",
    "lpips": "LPIPS: perceptual distance from the clean image, {}.",
    "perceptual_stand_in": "Stand-in: {}.",
}
SHOWN = ("images", "success_rate", "success_rate_float", "feature_loss", "lpips")


def visual_table(table2: pd.DataFrame, style: Style, *, measures: Sequence[str] = SHOWN) -> Table:
    """Lay out success rate, feature loss and LPIPS with their intervals.

    table2 : as `measures.table2` makes it
    measures : names from `MEASURES`; one that the table lacks, or of which it has no value, is left
        out. Where it holds values of a stand-in and none of LPIPS, the stand-in comes in the place
        of "lpips", under its own heading.

    The flags of an attack are footnotes at its first number.
    """
    if table2["lpips"].isna().all():
        measures = ["perceptual_stand_in" if name == "lpips" else name for name in measures]
    attacks = table2[table2["attack"] != style.clean]
    measures = [name for name in measures if name in attacks and attacks[name].notna().any()]
    flags = attacks.get("flags", pd.Series("", index=attacks.index))
    notes, footnotes = numbered(flags)
    none = [()] * len(attacks)
    parts = []
    for place, name in enumerate(measures):
        measure = MEASURES[name]
        measure = measure._replace(digits=style.digits.get(name, measure.digits))
        bounds = [f"{name}_low", f"{name}_high"]
        shown = style.intervals and set(bounds) <= set(attacks)
        cells = [
            cell(number, measure, bold=bool(bold), bounds=ends if shown else None, notes=said)
            for number, bold, ends, said in zip(
                attacks[name],
                _best(attacks, name, style),
                attacks[bounds if shown else [name]].itertuples(index=False),
                none if place else notes,
                strict=True,
            )
        ]
        parts.append(with_cells(cells, attacks.assign(measure=measure.heading)))
    laid_out = lay_out(
        pd.concat(parts),
        ["dataset", "attack"],
        ["defense", "measure"],
        style.labels,
        NAMES,
    )
    return Table("visual", _caption(table2, measures, style), laid_out, footnotes)


def _caption(table2: pd.DataFrame, measures: Sequence[str], style: Style) -> str:
    distance = ", ".join(table2.get("perceptual_label", pd.Series(["LPIPS"])).dropna().unique())
    said = [SAID[name].format(distance) for name in measures]
    runs = table2.get("runs", pd.Series([1])).max()
    if style.intervals:
        over = f"images and {runs} runs" if runs > 1 else "images"
        said.append(
            f"In brackets: {100 * style.confidence:g} % intervals over {over}, Wilson's for rates."
        )
    if runs == 1:
        said.append("One run: the spread between networks is unknown.")
    said.append(
        "Bold: highest SR and FL, lowest perceptual distance, on each dataset and extractor."
    )
    said.append(networks(table2["defense"], style.labels))
    return " ".join(filter(None, said))


def _best(table: pd.DataFrame, value: str, style: Style) -> pd.Series:
    """Mark the best attack within each group, or all of them if tied; none where all are equal."""
    if value in NOT_COMPARED:
        return pd.Series(data=False, index=table.index)
    attacked = table[value].where(~table["attack"].isin(list(style.no_attacks)))
    groups = attacked.groupby([table[name] for name in ("dataset", "defense")])
    extreme = groups.transform("min" if value in LOWEST_IS_BEST else "max")
    return (attacked == extreme) & (groups.transform("nunique") > 1)
