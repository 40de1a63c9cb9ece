"""What the tables are made from: the stored values of every cell, by run and seed."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from varbench import axes
from varbench.metrics.beyond_accuracy import coverage, gini, hits_by_k, mean_popularity, novelty
from varbench.reporting.cells import Cell, by_run
from varbench.reporting.measures import HITS, NDCGS, SHARES
from varbench.storage import read_array, read_table

ACCURACY = ("hr", "ndcg", "auc")
# What is said of the attacked items: in a cell, and of each of them.
OF_ITEMS = ("category_ndcg", "category_share")
RANKED = ("mean_rank", "median_rank", "lists", "mean_score", "mean_z")


@dataclass
class Stored:
    """Values of cells by run and seed, as the summaries take them.

    Attributes
    ----------
    hits
        (R, S, U) counted items in each user's top K.
    curves
        (R, S, L) CHR at every K.
    items
        A row a run, seed and attacked item.
    measured
        A row a run and seed: accuracy and what lies beyond it.
    """

    hits: Mapping[Cell, NDArray[np.float64]]
    curves: Mapping[Cell, NDArray[np.float64]]
    items: Mapping[Cell, pd.DataFrame]
    measured: Mapping[Cell, pd.DataFrame]

    def without(self, cells: Collection[Cell]) -> "Stored":
        """Return the same without what some cells say of the attacked items.

        That is NaN then, and their accuracy on held-out items stays.
        """

        def empty(values: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.full_like(values, np.nan)

        def blank(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
            return table.assign(**dict.fromkeys(columns, np.nan))

        return Stored(
            {c: empty(of) if c in cells else of for c, of in self.hits.items()},
            {c: empty(of) if c in cells else of for c, of in self.curves.items()},
            {c: blank(of, *RANKED) if c in cells else of for c, of in self.items.items()},
            {c: blank(of, *OF_ITEMS) if c in cells else of for c, of in self.measured.items()},
        )


@dataclass(frozen=True)
class Dataset:
    """What is known of a dataset beside its cells.

    Attributes
    ----------
    popularity
        (items,) training interactions of each item.
    counted
        (M,) items that CHR counts at every K.
    by_chance
        By threat, CHR of a random ranking.
    references
        Mean accuracy of each recommender that learns nothing, a row each.
    doubts
        By defense, what makes numbers doubtful, in words.
    """

    popularity: NDArray[np.int64]
    counted: NDArray[np.int64]
    by_chance: Mapping[str, float]
    references: pd.DataFrame
    doubts: Mapping[str, Sequence[str]]


@dataclass
class _Reading:
    hits: dict[Cell, dict[tuple[int, int], Any]] = field(default_factory=dict)
    curves: dict[Cell, dict[tuple[int, int], Any]] = field(default_factory=dict)
    items: dict[Cell, list[pd.DataFrame]] = field(default_factory=dict)
    measured: dict[Cell, list[dict[str, Any]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Places:
    """Where cells are, and what of them counts.

    Attributes
    ----------
    names
        For each axis of ``axes.CELL`` its names.
    clean
        The attack that changes nothing.
    cell
        Pattern of a cell's folder.
    k, counted
        Length of the lists' beginning, and which items CHR counts: attacked, or seen.
    """

    names: Mapping[str, Sequence[str]]
    clean: str
    cell: str
    k: int
    counted: str

    def cells(self, **restricted: Sequence[str]) -> Iterator[Cell]:
        """Yield every cell of the tables, evasion's clean one too."""
        names = {**self.names, **restricted}
        for values in product(*(names[axis] for axis in axes.ROW)):
            yield Cell(*values)

    def clean_cells(self, baseline: Mapping[str, str]) -> Iterator[Cell]:
        """Yield the clean cells that everything is tested against, in the tables or not (D15)."""
        return self.cells(**{axis: [name] for axis, name in baseline.items()}, attack=[self.clean])

    def repeats(self) -> list[tuple[int, int]]:
        """Return run and seed of every training."""
        return [(int(r), int(s)) for r, s in product(*(self.names[a] for a in axes.REPEATED))]

    def folder(self, cell: Cell, run: int, seed: int) -> Path:
        """Return where a cell's values are."""
        computed = axes.computed(cell._asdict(), self.clean)
        return Path(self.cell.format(**computed, run=run, seed=seed))


def read(places: Places, cells: Sequence[Cell], datasets: Mapping[str, Dataset]) -> Stored:
    """Read the values of cells, of evasion's clean one those of poisoning's.

    Raises InputError where a file is missing or lacks a column, or runs differ in their users.
    """
    found = _Reading()
    for cell, (run, seed) in product(cells, places.repeats()):
        folder = places.folder(cell, run, seed)
        columns = [of[places.counted] for of in (HITS, NDCGS, SHARES)]
        users = read_table(folder / "users.parquet", [*columns, *ACCURACY])
        lists = read_array(folder / "lists.npy")
        place, repeat = (run, seed), {"run": run, "seed": seed}
        hits, ndcg, share = (users[column].to_numpy(np.float64) for column in columns)
        found.hits.setdefault(cell, {})[place] = hits
        curve = hits_by_k(lists, datasets[cell.dataset].counted)
        found.curves.setdefault(cell, {})[place] = curve
        items = read_table(folder / "items.parquet").assign(**repeat)
        found.items.setdefault(cell, []).append(items)
        means = {name: float(users[name].mean()) for name in ACCURACY}
        means |= {"category_ndcg": ndcg.mean(), "category_share": np.nanmean(share)}
        means |= beyond(lists, datasets[cell.dataset].popularity, places.k)
        found.measured.setdefault(cell, []).append({**repeat, **means})
    return Stored(
        by_run(found.hits),
        by_run(found.curves),
        {cell: pd.concat(parts, ignore_index=True) for cell, parts in found.items.items()},
        {cell: pd.DataFrame(rows) for cell, rows in found.measured.items()},
    )


def beyond(lists: NDArray[Any], popularity: NDArray[Any], k: int) -> dict[str, float]:
    """Return what lists show beyond hits."""
    return {
        "coverage": coverage(lists, len(popularity), k),
        "gini": gini(lists, len(popularity), k),
        "novelty": novelty(lists, popularity, k),
        "popularity": mean_popularity(lists, popularity, k),
    }


def flags_of_networks(networks: Sequence[Mapping[str, Any]], pattern: str) -> dict[str, list[str]]:
    """Read why networks are doubtful, by their defense: a text for each that is, with its run.

    networks : names of those that were measured
    pattern : of a network's files
    """
    found: dict[str, list[str]] = {}
    for names in networks:
        defense, run = names["defense"], names["run"]
        table = read_table(Path(f"{pattern}_accuracy.csv".format(**names)), ["flags"])
        who = defense if run == axes.SHARED else f"run {run} of {defense}"
        texts = [text for text in table["flags"].dropna() if text]
        found.setdefault(defense, []).extend(f"{who}: {text}" for text in texts)
    return found


def images_by_network(
    images: Sequence[Mapping[str, Any]], attack: Path
) -> dict[tuple[str, str], pd.DataFrame]:
    """Read what became of every attacked image, by dataset and the defense of the network.

    images : of each attack's images dataset, defense, attack and run, and under ``crafted`` the
        names of the attack that made them
    attack : pattern of an attack's folder

    How an image did before it was stored is known of the network that it was made on only.
    """
    parts: dict[tuple[str, str], list[pd.DataFrame]] = {}
    for names in images:
        table = read_table(Path(str(attack).format(**names)) / "outcome.parquet", ["item"])
        made = Path(str(attack).format(**names["crafted"]))
        distances = read_table(made / "distances.parquet", ["item", "distance"])
        table = table.merge(distances, on="item", validate="one_to_one")
        if names["crafted"]["defense"] != names["defense"]:
            table["success_float"] = np.nan
        run = 0 if names["run"] == axes.SHARED else int(names["run"])
        network = (names["dataset"], names["defense"])
        parts.setdefault(network, []).append(table.assign(attack=names["attack"], run=run))
    return {network: pd.concat(tables, ignore_index=True) for network, tables in parts.items()}
