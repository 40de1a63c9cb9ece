"""The cells of the grid and their values by run and seed, as summaries take them.

A summary takes a mapping of cells to arrays (R, S, ...): runs, seeds within a run, and what a cell
is measured by, such as its users. Whoever calls it has read them; the clean cell under evasion is
poisoning's, and the caller puts it in that place.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from varbench.axes import COLD_START
from varbench.errors import InputError


class Cell(NamedTuple):
    """One combination of the grid's axes, run and seed apart."""

    threat: str
    dataset: str
    defense: str
    attack: str
    recommender: str

    def __str__(self) -> str:
        """Return the names, as errors give them."""
        return " ".join(self)


TIED = (
    "this model sees no image and has learnt nothing of items without interactions: all attacked "
    "items score the same, and only the order of their numbers would decide"
)
Place = tuple[int, int]  # run, seed
Values = Mapping[Cell, NDArray[Any]]  # (R, S, ...) each


def by_run(parts: Mapping[Cell, Mapping[Place, NDArray[Any]]]) -> dict[Cell, NDArray[Any]]:
    """Return each cell's values as one array, (R, S, ...), from one array a run and seed.

    Raises InputError where cells have other runs and seeds than the others, as an interrupted grid
    leaves them, or a run other users or items than the first: it names the cells.
    """
    check_runs({cell: of_cell.keys() for cell, of_cell in parts.items()})
    result = {}
    for cell, of_cell in parts.items():
        runs, seeds = (sorted({place[axis] for place in of_cell}) for axis in (0, 1))
        arrays = {run: [of_cell[run, seed] for seed in seeds] for run in runs}
        sizes = {array.shape for row in arrays.values() for array in row}
        if len(sizes) > 1:
            raise InputError(
                f"cells: {cell}: its runs differ in their users or items "
                f"({', '.join(map(str, sorted(sizes)))}); delete its folders and run again"
            )
        result[cell] = np.array(list(arrays.values()))
    return result


def check_runs(places: Mapping[Cell, Collection[Place]]) -> None:
    """Raise InputError unless all cells have the same runs and seeds; it names what is missing."""
    every = {place for of_cell in places.values() for place in of_cell}
    every = {(run, seed) for run, _ in every for _, seed in every}
    missing = [
        f"{cell} run {run} seed {seed}"
        for cell, of_cell in places.items()
        for run, seed in sorted(every - set(of_cell))
    ]
    if missing:
        shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if missing[5:] else "")
        raise InputError(
            f"cells: {len(missing)} of {len(places) * len(every)} are missing: {shown}; "
            "run the experiment again to complete them, tables need the same runs of every cell"
        )


def tied(cells: Collection[Cell], blind: Collection[str]) -> dict[Cell, str]:
    """Return the cells that measure nothing of the attacked items, and why.

    blind : recommenders that see no image. Under cold start such a recommender has neither q nor a
        feature of an attacked item: their ranks are those of their ids.
    """
    return {c: TIED for c in cells if c.threat == COLD_START and c.recommender in blind}


def of_runs(values: NDArray[Any]) -> NDArray[np.float64]:
    """Average the seeds within each run, (R, S, ...) -> (R, ...): the run is the unit."""
    means: NDArray[np.float64] = values.mean(axis=1, dtype=np.float64)
    return means


def clean_of(cell: Cell, clean: str, baseline: Mapping[str, str] | None = None) -> Cell:
    """Return the clean cell that a cell's change is taken from.

    baseline : its ``defense`` and ``recommender``; by default the cell's own (D15)
    """
    return cell._replace(attack=clean, **(baseline or {}))


def paired(
    values: Values, clean: str, baseline: Mapping[str, str] | None = None
) -> dict[Cell, tuple[NDArray[Any], NDArray[Any]]]:
    """Return every attacked cell's values and its clean cell's.

    Raises InputError where the clean cell is missing, or has other users or runs.
    """
    pairs = {}
    for cell, after in values.items():
        if cell.attack == clean:
            continue
        start = clean_of(cell, clean, baseline)
        if start not in values:
            raise InputError(f"cells: {start} is missing, which {cell} is compared with")
        if values[start].shape != after.shape:
            raise InputError(
                f"cells: {start} has other users or runs than {cell} "
                f"({values[start].shape} and {after.shape}); delete both and run again"
            )
        pairs[cell] = after, values[start]
    return pairs


def groups(cells: Collection[Cell]) -> dict[Cell, list[Cell]]:
    """Return the cells that differ in their attack only, by one of them without its attack."""
    grouped: dict[Cell, list[Cell]] = {}
    for cell in cells:
        grouped.setdefault(cell._replace(attack=""), []).append(cell)
    return grouped


def rows(values: Mapping[Cell, Mapping[Any, Any]]) -> pd.DataFrame:
    """Return a row for each cell, its names before its numbers."""
    return pd.DataFrame([cell._asdict() | dict(row) for cell, row in values.items()])
