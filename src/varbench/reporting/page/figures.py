"""Static figures of the page's pictures: SVG, PDF and PNG, in a style for print."""

from pathlib import Path
from textwrap import wrap
from typing import Any

import altair as alt
import pandas as pd
import vl_convert

from varbench.reporting.page import footnotes, theme
from varbench.reporting.page.charts import PICTURES, Picture, labelled
from varbench.reporting.page.frames import Tables, strongest
from varbench.reporting.page.options import Options
from varbench.storage import replacing

FORMS = ("svg", "pdf", "png")
LINE = 60  # characters of a footnote
SCALE = 3  # pixels of a PNG for one of the figure: 216 dots an inch


def write_figures(folder: Path, tables: Tables, options: Options) -> None:
    """Write every picture as NAME.svg, NAME.pdf and NAME.png."""
    for name, picture in PICTURES.items():
        write(folder, name, static(picture, tables, options))


def write(folder: Path, name: str, spec: dict[str, Any]) -> None:
    """Write a specification as NAME.svg, NAME.pdf and NAME.png."""
    for form in FORMS:
        with replacing(folder / f"{name}.{form}") as temporary:
            temporary.write_bytes(encoded(spec, form))


def static(picture: Picture, tables: Tables, options: Options) -> dict[str, Any]:
    """Return a picture's Vega-Lite specification with a panel for each choice of its switches.

    Rows of panels are threats, columns datasets and recommenders; of the attacks the one that
    raises CHR of the undefended network most is shown where a picture shows one.
    """
    rows = picture.rows(tables, options)
    if "attack" in picture.switches:
        rows = _of_strongest(rows, tables, options)
    rows = labelled(rows, options)
    if rows.empty:
        return _nothing(picture)
    axes = [a for a in ("dataset", "recommender") if a in picture.switches]
    columns = [f"{a}_label" for a in axes if len(rows[a].unique()) > 1]
    rows["panel"] = rows[columns].agg(", ".join, axis=1) if columns else ""
    marks = picture.marks(options)
    size = {"width": _width(rows, options), "height": 170 if picture.height else alt.Step(12)}
    marks = [mark.properties(**size) for mark in marks]
    values: list[Any] = rows.to_dict("records")
    chart = alt.layer(*marks, data=alt.InlineData(values=values))
    by_threat = "threat" in picture.switches and len(rows["threat"].unique()) > 1
    facets: dict[str, Any] = {}
    if by_threat:
        order = list(options.names("threat").values())
        facets["row"] = alt.Row("threat_label:N", title=None, sort=order)
    if columns:
        order = list(dict.fromkeys(rows["panel"]))
        facets["column"] = alt.Column("panel:N", title=None, sort=order)
    whole = chart.facet(**facets) if facets else chart
    spec: dict[str, Any] = whole.to_dict()
    spec["config"] = theme.config(size=10)
    spec["config"]["background"] = "white"
    doubts = footnotes.lines(tables, options) if "dataset" in picture.switches else []
    said = [line for doubt in doubts for line in wrap(doubt, LINE)]
    if said:
        spec["title"] = {"text": said, "orient": "bottom", "fontSize": 9, "fontWeight": "normal"}
    return spec


def _of_strongest(rows: pd.DataFrame, tables: Tables, options: Options) -> pd.DataFrame:
    keys = ["threat", "dataset", "recommender"]
    bare = tables["changes"]
    bare = bare[bare["defense"] == options.undefended]
    chosen = strongest(bare, options, keys)[[*keys, "attack"]]
    return rows.merge(chosen, on=[*keys, "attack"])


def _width(rows: pd.DataFrame, options: Options) -> int:
    """Return a panel's width in pixels: attacks along x need room for each defense."""
    if "attack" not in rows or "epoch" in rows:
        return 240
    return max(220, 14 * rows["attack"].nunique() * len(options.axes["defenses"]))


def _nothing(picture: Picture) -> dict[str, Any]:
    """Return a figure that says that there is nothing to draw."""
    text = alt.Chart(alt.InlineData(values=[{}])).mark_text(
        text=f"{picture.title}: nothing to show"
    )
    spec: dict[str, Any] = text.to_dict()
    return spec


def encoded(spec: dict[str, Any], form: str) -> bytes:
    """Return the bytes of an "svg", "pdf" or "png" file."""
    if form == "svg":
        return vl_convert.vegalite_to_svg(spec).encode()
    if form == "pdf":
        return vl_convert.vegalite_to_pdf(spec)
    return vl_convert.vegalite_to_png(spec, scale=SCALE)
