"""Figures of the two tables and of attacked images, for print and screen.

Each function returns a figure of its own and touches no global state; `write` makes files of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from varbench.reporting.labels import display
from varbench.reporting.layout import mean_over_runs
from varbench.storage import replacing

# Okabe and Ito's palette, which readers with any colour vision tell apart; markers say it again.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # fonts as text, which journals ask for
}


def _literal(text: str) -> str:
    """Escape what matplotlib would take for a formula, and refuse to draw if it is none."""
    return text.replace("$", r"\$")


def _display(names: Iterable[str], labels: Mapping[str, str] | None) -> dict[str, str]:
    return {name: _literal(label) for name, label in display(names, labels).items()}


def chr_figure(
    table1: pd.DataFrame,
    *,
    k: int = 20,
    labels: Mapping[str, str] | None = None,
    confidence: float = 0.95,
    clean: str = "none",
) -> Figure:
    """Draw Table 1: a panel for each recommender and dataset, attacks along x.

    Points are means over users (and seeds) with their intervals. Each extractor's clean cell is a
    dashed line with its interval as a band: an attack acts where its point leaves that line.
    """
    value = f"chr_at_{k}"
    cell = ["recommender", "dataset", "defense", "attack"]
    means = mean_over_runs(table1, cell, [value, f"{value}_low", f"{value}_high"])
    means.columns = pd.Index([*cell, "mean", "low", "high"])
    axis = {name: _display(means[name].unique(), labels) for name in cell}
    attacks = [name for name in axis["attack"] if name != clean]
    shape = len(axis["recommender"]), len(axis["dataset"])
    with mpl.rc_context(STYLE):
        figure = Figure(
            figsize=(0.6 + shape[1] * (1.2 + 0.62 * len(attacks)), 0.9 + 2.3 * shape[0]),
            layout="constrained",
        )
        panels = figure.subplots(*shape, squeeze=False, sharex=True, sharey="row")
        for row, (recommender, model) in enumerate(axis["recommender"].items()):
            for column, (dataset, title) in enumerate(axis["dataset"].items()):
                here = means[(means["recommender"] == recommender) & (means["dataset"] == dataset)]
                panel = panels[row, column]
                _draw_ratios(panel, here, attacks, axis["defense"], clean)
                panel.set_title(f"{title}, {model}", loc="left")
                panel.set_xticks(
                    range(len(attacks)), [axis["attack"][a].replace(" (", "\n(") for a in attacks]
                )
            # After all of the row is drawn: a limit set earlier would hide the panels to come.
            panels[row, 0].set_ylim(bottom=0)
            panels[row, 0].set_ylabel(f"CHR@{k}")
        handles, names = panels[0, 0].get_legend_handles_labels()
        bars = f"; {100 * confidence:g} % intervals" if means["low"].notna().any() else ""
        figure.legend(
            handles,
            names,
            loc="outside upper center",
            ncols=len(names),
            title=f"Extractor (points: attacked, dashed: clean{bars})",
        )
    return figure


def _draw_ratios(
    panel: Axes, cells: pd.DataFrame, attacks: list[str], defenses: dict[str, str], clean: str
) -> None:
    for number, (defense, label) in enumerate(defenses.items()):
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        own = cells[cells["defense"] == defense].set_index("attack")
        if clean in own.index:
            mean, low, high = own.loc[[clean], ["mean", "low", "high"]].to_numpy(float)[0]
            panel.axhline(mean, color=colour, linewidth=1, linestyle=(0, (4, 2)))
            if np.isfinite(low):
                panel.axhspan(low, high, color=colour, alpha=0.1, lw=0)
        own = own.reindex(attacks)
        # Side by side, so that equal values stay apart.
        step = min(0.18, 0.8 / len(defenses))
        x = np.arange(len(attacks)) + step * (number - (len(defenses) - 1) / 2)
        bars = np.stack([own["mean"] - own["low"], own["high"] - own["mean"]]).clip(min=0)
        panel.errorbar(
            x, own["mean"], bars, color=colour, marker=marker, ls="", ms=4.5, lw=1.1, label=label
        )


def success_figure(
    table2: pd.DataFrame, *, labels: Mapping[str, str] | None = None, clean: str = "none"
) -> Figure:
    """Draw success rate against feature loss, a panel for each dataset.

    Colours tell extractors apart, markers attacks.
    """
    table2 = table2[table2["attack"] != clean]
    datasets, defenses, attacks = (
        _display(table2[name].unique(), labels) for name in ("dataset", "defense", "attack")
    )
    losses = table2["feature_loss"][table2["feature_loss"] > 0]
    with mpl.rc_context({**STYLE, "axes.grid.axis": "both"}):
        figure = Figure(figsize=(1.5 + 3.0 * len(datasets), 3.2), layout="constrained")
        panels = figure.subplots(1, len(datasets), squeeze=False, sharex=True, sharey=True)[0]
        for panel, (dataset, title) in zip(panels, datasets.items(), strict=True):
            for cell in table2[table2["dataset"] == dataset].to_dict("records"):
                colour = _pick(COLOURS, defenses, cell["defense"])
                marker = _pick(MARKERS, attacks, cell["attack"])
                point = cell["feature_loss"], cell["success_rate"]
                panel.add_line(_point(colour, marker, *point))
            # An attack that leaves every image as it was has no loss, so 0 is on the axis.
            panel.set_xscale("symlog", linthresh=losses.min() if len(losses) else 1, linscale=1)
            panel.autoscale_view()
            panel.set_title(title, loc="left")
            panel.set(xlabel="Feature loss", ylim=(-0.04, 1.04))
            panel.yaxis.set_major_formatter(PercentFormatter(1))
        panels[0].set_ylabel("Success rate")
        keys = [
            _heading("Extractor"),
            *(_point(_pick(COLOURS, defenses, d), "o", label=text) for d, text in defenses.items()),
            _heading("Attack"),
            *(_point("#444444", _pick(MARKERS, attacks, a), label=t) for a, t in attacks.items()),
        ]
        figure.legend(handles=keys, loc="outside right center")
    return figure


def examples_figure(
    clean: NDArray[np.uint8],
    attacked: Mapping[str, NDArray[np.uint8]],
    *,
    amplification: float = 16,
    notes: Mapping[str, Sequence[str]] | None = None,
) -> Figure:
    """Show images before and after attacks, each above its amplified difference.

    clean : (items, H, W, 3)
    attacked : for each attack's label its (items, H, W, 3)
    amplification : factor on the differences, which are drawn around mid-grey
    notes : for an attack's label, or "Clean", a short text under each item's image
    """
    columns = {"Clean": clean, **attacked}
    height = 1.15 * clean.shape[1] / clean.shape[2]
    with mpl.rc_context({**STYLE, "font.size": 8, "axes.titlesize": 9}):
        figure = Figure(
            figsize=(1.2 * len(columns), 0.3 + len(clean) * (2 * height + 0.25)),
            layout=ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02, wspace=0.02, hspace=0.02),
        )
        panels = figure.subplots(2 * len(clean), len(columns), squeeze=False)
        for column, (label, images) in enumerate(columns.items()):
            panels[0, column].set_title(_literal(label))
            for item, image in enumerate(images):
                above, below = panels[2 * item : 2 * item + 2, column]
                above.imshow(image, interpolation="nearest")
                above.set_xlabel((notes or {}).get(label, [""] * len(clean))[item], labelpad=2)
                if label != "Clean":
                    difference = image.astype(float) - clean[item]
                    shown = (128 + amplification * difference).clip(0, 255).astype(np.uint8)
                    below.imshow(shown, interpolation="nearest")
        for item in range(len(clean)):
            panels[2 * item + 1, 0].text(
                0.95,
                0.5,
                f"difference\n\N{MULTIPLICATION SIGN} {amplification:g}",
                ha="right",
                va="center",
            )
        for panel in panels.ravel():
            panel.set(xticks=[], yticks=[])
            panel.grid(visible=False)
            panel.spines[:].set_visible(False)
    return figure


def write(folder: Path, name: str, figure: Figure) -> None:
    """Write a figure as ``name``.pdf and ``name``.png."""
    for form in ("pdf", "png"):
        with replacing(folder / f"{name}.{form}") as temporary:
            temporary.write_bytes(encoded(figure, form))


def encoded(figure: Figure, form: str) -> bytes:
    """Return the bytes of a "pdf" or "png" file, the same for the same figure."""
    buffer = BytesIO()
    undated = {"CreationDate": None} if form == "pdf" else None
    with mpl.rc_context(STYLE):  # some settings act when the file is written
        figure.savefig(buffer, format=form, dpi=200, metadata=undated, bbox_inches="tight")
    return buffer.getvalue()


def _pick(choices: Sequence[str], names: Mapping[str, str], name: str) -> str:
    return choices[list(names).index(name) % len(choices)]


def _point(colour: str, marker: str, x: float = 0, y: float = 0, label: str = "") -> Line2D:
    """Return a hollow point, so that one beneath another shows."""
    return Line2D(
        [x], [y], color=colour, marker=marker, mfc="none", mew=1.4, ms=6, ls="", label=label
    )


def _heading(text: str) -> Line2D:
    """Return what shows in a legend as a line of text alone."""
    return Line2D([], [], ls="", label=text)
