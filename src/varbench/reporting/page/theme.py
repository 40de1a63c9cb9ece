"""What pictures look like: a style for print, and one for the page, light and dark.

Colours are Okabe and Ito's, which readers with any colour vision tell apart; shapes say it again.
On dark they are lightened so that each keeps 3 : 1 against the page, as WCAG asks of graphics.
"""

from typing import Any

COLOURS = {
    "light": ["#0072B2", "#C44E00", "#00795A", "#A8447F", "#8A5F00", "#2A7FAE", "#333333"],
    "dark": ["#6BB8EC", "#FF9A57", "#3CCFA0", "#F0A1CB", "#F0C24B", "#9ADAFB", "#E5E5E5"],
}
SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down",
          "triangle-right", "triangle-left", "wedge", "arrow"]  # fmt: skip
INK = {"light": ("#1b1f24", "#50565e", "#e1e4e8"), "dark": ("#f0f2f4", "#b3bac2", "#343b43")}


def config(scheme: str = "light", *, size: float = 12, font: str = "sans-serif") -> dict[str, Any]:
    """Return a Vega-Lite configuration for the scheme "light" or "dark"; sizes in pixels."""
    ink, soft, line = INK[scheme]
    return {
        "background": "transparent" if scheme == "dark" else None,
        "font": font,
        "view": {"stroke": None},
        "range": {"category": COLOURS[scheme], "symbol": SHAPES},
        "axis": {
            "labelColor": ink,
            "titleColor": ink,
            "labelFontSize": size,
            "titleFontSize": size,
            "titleFontWeight": "normal",
            "domainColor": soft,
            "tickColor": soft,
            "gridColor": line,
            "labelLimit": 160,
            "labelSeparation": 5,  # of those that are left where not all find room
        },
        "axisX": {"grid": False},
        "axisXDiscrete": {"labelAngle": -25},
        "legend": {
            "labelColor": ink,
            "titleColor": soft,
            "labelFontSize": size,
            "titleFontSize": size,
            "titleFontWeight": "normal",
            "orient": "top",
            "columns": 4,
            # One below the other: beside one another they outgrow the picture.
            "layout": {"top": {"anchor": "start", "direction": "vertical"}},
            "labelLimit": 220,
        },
        "header": {
            "labelColor": ink,
            "titleColor": ink,
            "labelFontSize": size,
            "labelFontWeight": "bold",
        },
        "title": {"color": ink, "fontSize": size + 1, "anchor": "start"},
        "text": {"color": ink, "fontSize": size},
        "rule": {"color": soft},
        "tick": {"color": soft},
        "bar": {"color": COLOURS[scheme][0]},
    }
