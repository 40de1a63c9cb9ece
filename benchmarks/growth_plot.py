"""The plot of growth: CPU seconds over how much there was, on two log scales.

Drawn like the figures of an experiment (varbench.reporting.page); shapes say what colours say.
"""

from pathlib import Path
from typing import Any

import altair as alt

from comparing import Row
from varbench.reporting.page import theme
from varbench.reporting.page.figures import encoded

DASHED = "Dashed: slope 1, growth in proportion"
DECADES = [10.0**power for power in range(-6, 5)]
ALT = (
    "Two log scales: CPU seconds of each piece of work over how many times as much of it there is,"
    " a line each, and a dashed line of slope 1, growth in proportion"
)


def shown(rows: list[Row], page: Path, name: str) -> str:
    """Write the plot to docs/NAME.svg beside the page; return the page's line that shows it."""
    file = Path("docs") / f"{name}.svg"
    (page.parent / file).parent.mkdir(exist_ok=True)
    (page.parent / file).write_bytes(encoded(plot(rows), "svg"))
    return f"![{ALT}]({file.as_posix()})"


def plot(rows: list[Row]) -> dict[str, Any]:
    """Return the Vega-Lite specification; in the legend works stand as their lines end."""
    works = {row.work.removeprefix("growth: "): row.seconds for row in rows if row.seconds}
    order = sorted(works, key=lambda work: -works[work][max(works[work])])
    sizes = sorted({times for seconds in works.values() for times in seconds})
    measured: list[Any] = [
        {"work": work, "times": times, "seconds": value}
        for work, seconds in works.items()
        for times, value in seconds.items()
    ]
    least = min(point["seconds"] / point["times"] for point in measured) / 2  # below all lines
    slope: list[Any] = [{"times": times, "seconds": least * times} for times in sizes]
    x = alt.X(
        "times:Q",
        title="times as much",
        scale=alt.Scale(type="log", domain=[sizes[0], sizes[-1]], nice=False),
        axis=alt.Axis(values=sizes),
    )
    y = alt.Y(
        "seconds:Q",
        title="CPU seconds",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(values=DECADES, format="~g"),
    )
    scale = alt.Scale(domain=order)  # of both, for one legend
    base = alt.Chart(alt.InlineData(values=measured)).encode(
        x=x, y=y, color=alt.Color("work:N", title=None, scale=scale)
    )
    points = base.mark_point(filled=True, size=60, opacity=1).encode(
        shape=alt.Shape("work:N", title=None, scale=scale)
    )
    dashed = (
        alt.Chart(alt.InlineData(values=slope))
        .mark_line(strokeDash=[4, 3], strokeWidth=1, color="#888")
        .encode(x=x, y=y)
    )
    marks = alt.layer(dashed, base.mark_line(strokeWidth=2), points)
    spec: dict[str, Any] = marks.properties(width=300, height=300).to_dict()
    spec["title"] = {"text": DASHED, "orient": "bottom", "fontSize": 9, "fontWeight": "normal"}
    spec["config"] = theme.config(size=10) | {"background": "white"}
    spec["config"]["legend"] |= {"orient": "right", "columns": 1}
    return spec
