"""Every picture, defined once: interactive on the page, static as SVG, PDF and PNG.

A picture is rows, taken from the tables as they are, and marks that are laid over one another. The
page shows the rows that its switches choose; a static figure has a panel for each choice instead.
"""

from collections.abc import Callable
from dataclasses import dataclass

import altair as alt
import pandas as pd

from varbench.axes import ROW
from varbench.reporting.page import chart_rows
from varbench.reporting.page.frames import Tables
from varbench.reporting.page.options import Options
from varbench.reporting.page.pictures import PICTURES as TITLES
from varbench.reporting.page.pictures import reading

Marks = list[alt.Chart]
Rows = Callable[[Tables, Options], pd.DataFrame]
Drawing = Callable[[Options], Marks]


@dataclass(frozen=True)
class Picture:
    """One picture.

    Attributes
    ----------
    title
        What it shows.
    reading
        One line: what to see in it.
    rows
        Returns its rows, from the tables.
    marks
        Returns its marks, which name columns of the rows; a name's label is in NAME_label.
    switches
        The axes of which the page shows one name at a time.
    height
        In pixels; None where the rows of the picture make it.
    """

    title: str
    reading: str
    rows: Rows
    marks: Drawing
    switches: tuple[str, ...]
    height: int | None


def labelled(rows: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Return the rows with the column NAME_label for each axis that they have."""
    axes = [axis for axis in ROW if axis in rows]
    return rows.assign(**{f"{a}_label": rows[a].map(options.names(a)) for a in axes})


def _labels(axis: str, options: Options) -> list[str]:
    labels = list(options.names(axis).values())
    return [options.names(axis)[name] for name in options.attacked] if axis == "attack" else labels


def _defense(options: Options) -> alt.Color:
    labels = _labels("defense", options)
    return alt.Color("defense_label:N", title="Network", scale=alt.Scale(domain=labels))


def _defense_shape(options: Options) -> alt.Shape:
    labels = _labels("defense", options)
    return alt.Shape("defense_label:N", title="Network", scale=alt.Scale(domain=labels))


def _beside(options: Options) -> alt.XOffset:
    labels = _labels("defense", options)
    return alt.XOffset("defense_label:N", scale=alt.Scale(domain=labels, paddingOuter=0.6))


def _attack_axis(options: Options) -> alt.X:
    return alt.X("attack_label:N", title=None, sort=_labels("attack", options))


def _attack_shape(options: Options) -> alt.Shape:
    # Sorted, with no domain: an attack that has no such number has no place in the legend.
    return alt.Shape("attack_label:N", title="Attack", sort=_labels("attack", options))


def _tooltip(*fields: str) -> list[alt.Tooltip]:
    return [alt.Tooltip(f"{name}:Q", format=".4~g") for name in fields]


def _who(*axes: str) -> list[alt.Tooltip]:
    return [alt.Tooltip(f"{axis}_label:N", title=axis) for axis in axes]


POWERS = "datum.value == 0 ? '0' : format(datum.value, '.0e')"
DECADES = [10.0**power for power in range(-9, 4)]


def _zero() -> alt.Chart:
    line: alt.Chart = alt.Chart().mark_rule(strokeDash=[4, 3], aria=False).encode(y=alt.datum(0))
    return line


def _changes(options: Options) -> Marks:
    base = alt.Chart().encode(x=_attack_axis(options), xOffset=_beside(options))
    title = f"Change of CHR@{options.k} (items)"
    bars = base.mark_rule(strokeWidth=2).encode(
        y=alt.Y("change_low:Q", title=title), y2="change_high:Q", color=_defense(options)
    )
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        y=alt.Y("change:Q", title=title),
        color=_defense(options),
        shape=_defense_shape(options),
        tooltip=[
            *_who("attack", "defense"),
            *_tooltip("change", "change_low", "change_high", "p_adjusted"),
            alt.Tooltip("verdict:N"),
        ],
    )
    return [_zero(), bars, points]


def _success(options: Options) -> Marks:
    points = (
        alt.Chart()
        .mark_point(size=90, strokeWidth=2, opacity=1)
        .encode(
            x=alt.X(
                "feature_loss:Q",
                title="Feature loss (mean squared change)",
                scale=alt.Scale(type="symlog", constant=0.00001),
                axis=alt.Axis(labelExpr=POWERS, values=[0, *DECADES], labelOverlap="greedy"),
            ),
            y=alt.Y(
                "success_rate:Q",
                title="Success rate (% of images)",
                axis=alt.Axis(format="%"),
                scale=alt.Scale(domain=[0, 1]),
            ),
            color=_defense(options),
            shape=_attack_shape(options),
            tooltip=[*_who("attack", "defense"), *_tooltip("feature_loss", "success_rate")],
        )
    )
    return [points]


def _trade(options: Options) -> Marks:
    title = f"Change of CHR@{options.k} (items)"
    base = alt.Chart().encode(
        x=alt.X("distance_x100:Q", title="Perceptual distance \N{MULTIPLICATION SIGN} 100"),
        color=_defense(options),
    )
    bars = base.mark_rule().encode(y=alt.Y("change_low:Q", title=title), y2="change_high:Q")
    points = base.mark_point(size=90, strokeWidth=2, opacity=1).encode(
        y=alt.Y("change:Q", title=title),
        shape=_attack_shape(options),
        tooltip=[*_who("attack", "defense"), *_tooltip("distance_x100", "change")],
    )
    return [_zero(), bars, points]


def _by_k(options: Options) -> Marks:
    return [
        alt.Chart()
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("k:Q", title="K, length of the list (items)", axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("chr:Q", title="CHR@K (items)"),
            color=_defense(options),
            strokeDash=alt.StrokeDash(
                "images:N",
                title="Images",
                legend=alt.Legend(symbolType="stroke"),
                scale=alt.Scale(domain=["attacked", "clean"], range=[[1, 0], [5, 4]]),
            ),
            tooltip=[
                *_who("defense"),
                alt.Tooltip("images:N"),
                alt.Tooltip("k:Q"),
                *_tooltip("chr"),
            ],
        )
    ]


def _ranks(options: Options) -> Marks:
    scale = alt.Scale(type="log", nice=False)
    diagonal = (
        alt.Chart()
        .mark_line(strokeDash=[4, 3], strokeWidth=1, color="#888", aria=False)
        .encode(
            x=alt.X("mean_rank_before:Q", scale=scale), y=alt.Y("mean_rank_before:Q", scale=scale)
        )
    )
    points = (
        alt.Chart()
        .mark_point(filled=True, size=50, opacity=1)
        .encode(
            x=alt.X("mean_rank_before:Q", title="Mean rank before (1 = first)", scale=scale),
            y=alt.Y("mean_rank_after:Q", title="Mean rank after (1 = first)", scale=scale),
            color=_defense(options),
            shape=_defense_shape(options),
            tooltip=[
                *_who("defense"),
                alt.Tooltip("item:Q"),
                *_tooltip("mean_rank_before", "mean_rank_after"),
            ],
        )
    )
    return [diagonal, points]


def _terciles(options: Options) -> Marks:
    base = alt.Chart().encode(
        x=alt.X(
            "tercile:N",
            title="Popularity of the attacked item (tercile)",
            sort=["tail", "middle", "head"],
            axis=alt.Axis(labelAngle=0),
        ),
        xOffset=_beside(options),
        color=_defense(options),
    )
    title = "Score shift (SDs of a user's scores)"
    points = base.mark_point(size=30, opacity=1).encode(
        y=alt.Y("prediction_shift:Q", title=title),
        tooltip=[*_who("defense"), alt.Tooltip("item:Q"), *_tooltip("prediction_shift")],
    )
    means = base.mark_tick(thickness=3, width=16).encode(
        y=alt.Y("mean(prediction_shift):Q", title=title)
    )
    return [_zero(), points, means]


def _training(options: Options) -> Marks:
    base = alt.Chart().encode(
        x=alt.X("epoch:Q", title="Epoch", axis=alt.Axis(tickMinStep=1)),
        y=alt.Y(
            "accuracy:Q",
            title="Accuracy (% of validation images)",
            axis=alt.Axis(format="%"),
            scale=alt.Scale(domain=[0, 1]),
        ),
        color=_defense(options),
        detail="images:N",
    )
    lines = base.mark_line(strokeWidth=2).encode(
        strokeDash=alt.StrokeDash(
            "images:N",
            title="Images",
            legend=alt.Legend(symbolType="stroke"),
            scale=alt.Scale(domain=["clean", "attacked"], range=[[1, 0], [5, 4]]),
        )
    )
    points = base.mark_point(filled=True, size=40, opacity=1).encode(
        shape=_defense_shape(options),
        tooltip=[
            *_who("defense"),
            alt.Tooltip("images:N"),
            alt.Tooltip("epoch:Q"),
            *_tooltip("accuracy"),
        ],
    )
    return [lines, points]


def _categories(_options: Options) -> Marks:
    base = alt.Chart().encode(
        y=alt.Y("category:N", title=None, sort="-x"),
        x=alt.X("interactions:Q", title="Training interactions"),
    )
    bars = base.mark_bar().encode(
        color=alt.Color(
            "role:N",
            title="Category",
            scale=alt.Scale(domain=chart_rows.ROLES, range=chart_rows.ROLE_COLOURS),
        ),
        tooltip=[
            alt.Tooltip("category:N"),
            alt.Tooltip("role:N"),
            alt.Tooltip("interactions:Q"),
            alt.Tooltip("items:Q"),
        ],
    )
    return [bars]


def _spread(options: Options) -> Marks:
    # The clean cell too: its own spread is what a change is seen against.
    labels = list(options.names("attack").values())
    base = alt.Chart().encode(
        x=alt.X("attack_label:N", title=None, sort=labels),
        xOffset=_beside(options),
        color=_defense(options),
    )
    value = f"chr_at_{options.k}"
    title = f"CHR@{options.k} (items)"
    bars = base.mark_rule(strokeWidth=1).encode(
        y=alt.Y(f"{value}_low:Q", title=title), y2=f"{value}_high:Q"
    )
    points = base.mark_point(filled=True, size=40, opacity=1).encode(
        y=alt.Y(f"{value}:Q", title=title, scale=alt.Scale(zero=False)),
        shape=_defense_shape(options),
        tooltip=[
            *_who("attack", "defense"),
            alt.Tooltip("run:Q"),
            alt.Tooltip("seed:Q"),
            *_tooltip(value),
        ],
    )
    return [bars, points]


CELLS = ("threat", "dataset", "recommender")
_DRAWN: dict[str, tuple[Rows, Drawing, tuple[str, ...], int | None]] = {
    "chr": (chart_rows.changes, _changes, CELLS, 300),
    "success": (chart_rows.images, _success, ("dataset",), 300),
    "trade_off": (chart_rows.trade_off, _trade, CELLS, 300),
    "chr_by_k": (chart_rows.by_k, _by_k, (*CELLS, "attack"), 300),
    "ranks": (chart_rows.ranks, _ranks, (*CELLS, "attack"), 360),
    "promotion": (chart_rows.promotion, _terciles, (*CELLS, "attack"), 300),
    "training": (chart_rows.training, _training, (), 300),
    "categories": (chart_rows.categories, _categories, ("dataset",), None),
    "spread": (chart_rows.runs, _spread, CELLS, 300),
}
PICTURES = {name: Picture(TITLES[name], reading(name), *drawn) for name, drawn in _DRAWN.items()}
