"""Where a page finds images and lists, and what it reads there."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from varbench import axes
from varbench.reporting.page.options import Options
from varbench.storage import read_array, read_table

Cell = Mapping[str, str]  # threat, dataset, defense, attack, recommender


@dataclass(frozen=True)
class Archives:
    """Folders as patterns with {names}: of catalogues, datasets, attacks and cells.

    Attributes
    ----------
    catalogue
        With {catalogue}; holds items, users, interactions and images.
    dataset
        With {dataset}; holds the attacked items.
    attack
        With {dataset}, {defense}, {attack} and {run}; holds images, outcome and distances.
    cell
        With {threat}, {dataset}, {defense}, {attack}, {recommender}, {run} and {seed}.
    """

    options: Options
    catalogue: str
    dataset: str
    attack: str
    cell: str

    def catalogue_of(self, dataset: str) -> Path:
        """Return the folder of a dataset's catalogue."""
        return Path(self.catalogue.format(catalogue=self.options.datasets[dataset]["catalogue"]))

    def attacked(self, dataset: str) -> list[int]:
        """Return the attacked items of a dataset."""
        path = Path(self.dataset.format(dataset=dataset)) / "attacked.parquet"
        items: list[int] = read_table(path, ["item"])["item"].tolist()
        return items

    def attack_of(self, dataset: str, defense: str, attack: str) -> Path:
        """Return the folder of an attack, of the run that is shown."""
        run = self.options.attack_run[defense][attack]
        return Path(self.attack.format(dataset=dataset, defense=defense, attack=attack, run=run))

    def lists(self, cell: Cell) -> NDArray[np.int32]:
        """Return the top-K lists of a cell's first run, (users, K), best first, -1 padded."""
        lists: NDArray[np.int32] = read_array(self._cell(cell) / "lists.npy")
        return lists[:, : self.options.k]

    def hits(self, cell: Cell) -> NDArray[np.float64]:
        """Return how many attacked items each user has in the top K, (users,)."""
        table = read_table(self._cell(cell) / "users.parquet", ["category_hits"])
        return table["category_hits"].to_numpy(np.float64)

    def _cell(self, cell: Cell) -> Path:
        computed = axes.computed(cell, self.options.clean)
        return Path(self.cell.format(**computed, run="0", seed="0"))


def extra_tables(options: Options, catalogue: str, training: str) -> dict[str, pd.DataFrame]:
    """Return the tables that pictures need beside those of files, where they have rows.

    training: the networks' logs (defense and a log's columns); categories: of each dataset's
    categories its items, its training interactions and its role.

    catalogue : a folder, with {catalogue}
    training : a file, with {defense} and {run}; a network whose weights were given has none
    """
    found = {"training": _logs(options, training), "categories": _categories(options, catalogue)}
    return {name: table for name, table in found.items() if len(table)}


def _logs(options: Options, training: str) -> pd.DataFrame:
    logs = [
        read_table(path).assign(defense=defense)
        for defense, run in options.network_run.items()
        for path in [Path(training.format(defense=defense, run=run))]
        if path.exists()
    ]
    return pd.concat(logs, ignore_index=True) if logs else pd.DataFrame()


def _categories(options: Options, catalogue: str) -> pd.DataFrame:
    parts = []
    for dataset, spec in options.datasets.items():
        folder = Path(catalogue.format(catalogue=spec["catalogue"]))
        items = read_table(folder / "items.parquet", ["item"])
        if "label" not in items:
            continue
        seen = read_table(folder / "interactions.parquet", ["item", "held_out"])
        of_item = seen[~seen["held_out"]]["item"].value_counts()
        items["interactions"] = items["item"].map(of_item).fillna(0).astype(int)
        counts = items.groupby("label")["interactions"].agg(["size", "sum"]).reset_index()
        counts.columns = pd.Index(["category", "items", "interactions"])
        roles = {spec["source_category"]: "source", spec["target_category"]: "target"}
        role = counts["category"].map(roles).fillna("other")
        parts.append(counts.assign(role=role, dataset=dataset))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
