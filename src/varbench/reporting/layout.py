"""What all rendered tables share: their style, their cells, and how these are spread out.

A tidy table has a row for each cell of the grid and plain numbers, as ``results/tables/*.csv``
hold them. Names appear in the order in which they come first there.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from varbench.errors import InputError
from varbench.reporting.glossary import THREATS as MEANINGS
from varbench.reporting.labels import THREATS, attack_labels, display
from varbench.reporting.rendering import MISSING, Cell

HEADINGS = {
    "protocol": "Protocol",
    "defense": "Defense",
    "dataset": "Dataset",
    "recommender": "Model",
    "attack": "Attack",
    "tercile": "Popularity",
}


@dataclass(frozen=True)
class Style:
    """What the configuration says of how tables look.

    Attributes
    ----------
    k
        Length of the lists that are measured.
    labels
        Display names of datasets, defenses, attacks and recommenders.
    digits
        Decimals of a measure by its name, where not the usual ones; "chr" for the category hit
        ratio.
    intervals
        Whether they are shown.
    confidence
        Of the intervals and verdicts, for the captions.
    clean
        The attack that is none.
    controls
        Attacks that are none of an adversary's, such as noise and a ceiling.
    threat
        Whose table it is; None does not say it.
    """

    k: int = 20
    labels: Mapping[str, str] = field(default_factory=dict)
    digits: Mapping[str, int] = field(default_factory=dict)
    intervals: bool = True
    confidence: float = 0.95
    clean: str = "none"
    controls: Collection[str] = ()
    threat: str | None = None

    @property
    def no_attacks(self) -> set[str]:
        """The rows that are never the most effective attack."""
        return {self.clean, *self.controls}

    def preface(self) -> str:
        """Return the caption's first sentence, which says the threat."""
        if self.threat is None:
            return ""
        return f"{THREATS[self.threat]}: {MEANINGS[self.threat]}. "

    def name(self, table: str) -> str:
        """Return a table's name, which tells those of several threats apart."""
        return table if self.threat in (None, "poisoning") else f"{table}_{self.threat}"


def style_of(told: Mapping[str, Any]) -> Style:
    """Return the style that a command is told.

    told : ``style`` (the configuration's ``tables``), ``attacks`` (their blocks), ``metrics``,
        ``clean`` and ``controls``
    """
    style, metrics = told["style"], told["metrics"]
    return Style(
        k=metrics["k"],
        labels=attack_labels(told["attacks"]) | style["labels"],
        digits={"chr": style["chr_digits"]},
        intervals=style["intervals"],
        confidence=metrics["confidence"],
        clean=told["clean"],
        controls=told.get("controls", ()),
    )


class Measure(NamedTuple):
    """How a number is shown: heading, factor and decimals."""

    heading: str
    factor: float = 1
    digits: int = 4


def over_runs(table: pd.DataFrame) -> str:
    """Say how many runs a table's numbers are means over, and what one run leaves open.

    Raises InputError where cells have different numbers of runs.
    """
    counts = table["runs"].dropna().unique()
    if len(counts) > 1:
        most = table["runs"].max()
        short = table[table["runs"] < most].iloc[0]
        names = " ".join(str(short[name]) for name in HEADINGS if name in table)
        raise InputError(
            f"tables: {names} has {short['runs']:g} runs where others have {most:g}; run the "
            "experiment again to complete them"
        )
    if not len(counts):
        return "mean over users"
    if counts[0] == 1:
        return "mean over users; one run: the spread between networks is unknown"
    return f"mean over users and {int(counts[0])} runs"


def mean_over_runs(table: pd.DataFrame, keys: Sequence[str], values: Sequence[str]) -> pd.DataFrame:
    """Average ``values`` over the runs and seeds, where there are such columns, of each cell.

    Raises ValueError where a cell, run and seed occurs twice.
    """
    places = [name for name in ("run", "seed") if name in table]
    if table.duplicated([*keys, *places]).any():
        raise ValueError("a cell, run and seed occurs twice")
    return table.groupby(list(keys), sort=False, dropna=False)[list(values)].mean().reset_index()


def cell(
    number: float,
    measure: Measure,
    *,
    bold: bool = False,
    bounds: Sequence[float] | None = None,
    mark: str = "",
    notes: Sequence[int] = (),
) -> Cell:
    """Return a number as it is shown; a missing one is a dash, which may have notes."""
    if np.isnan(number):
        return Cell(notes=tuple(notes))
    form = f".{measure.digits}f"
    interval = None
    if bounds is not None and not np.isnan(list(bounds)).any():
        low, high = (f"{bound * measure.factor:{form}}" for bound in bounds)
        interval = (low, high)
    return Cell(f"{number * measure.factor:{form}}", interval, bold, mark, tuple(notes))


def numbered(texts: pd.Series) -> tuple[list[tuple[int, ...]], tuple[str, ...]]:
    """Return each row's footnote numbers, from 1, and the footnotes; empty texts have none.

    texts : several notes of one row are separated by "; "
    """
    notes: dict[str, int] = {}
    of_rows = []
    for text in texts.fillna("").astype(str):
        said = [note for note in text.split("; ") if note]
        of_rows.append(tuple(notes.setdefault(note, len(notes) + 1) for note in said))
    return of_rows, tuple(notes)


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
