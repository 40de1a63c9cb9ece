#!/usr/bin/env python3
"""Aggregate the values of all cells, per user and item, into the tables of cells."""

from varbench.experiment import command
from varbench.experiment.stored import Places, read

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from varbench.axes import COLD_START
from varbench.catalogues import summary
from varbench.catalogues.interactions import to_matrix
from varbench.metrics.category import random_hits
from varbench.reporting.cells import tied
from varbench.reporting.changes import changes
from varbench.reporting.items import item_ranks, promotion, stacked
from varbench.reporting.summaries import accuracy, chr_by_k, runs, table1
from varbench.storage import read_json, read_table, write_table


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(
        options,
        "grid, metrics, baseline, folders (patterns of a cell's, a dataset's, a catalogue's)",
    )
    command.add_each(options, table1="out, of each threat")
    command.add_paths(options, runs="out", changes="out", accuracy="out", item_ranks="out")
    command.add_paths(options, promotion="out", chr_by_k="out")
    given = options.parse_args()
    told, metrics, grid = given.options, given.options["metrics"], given.options["grid"]
    folders, names = told["folders"], grid["names"]
    k, clean, confidence = metrics["k"], grid["clean"], metrics["confidence"]
    places = Places(names, clean, folders["cell"], k, metrics["counted"])
    baseline = told.get("baseline")

    popularity, counted, by_chance, references = {}, {}, {}, []
    for dataset, catalogue in grid["catalogues"].items():
        folder = Path(folders["catalogue"].format(catalogue=catalogue))
        items = len(read_table(folder / "items.parquet", ["item"]))
        train = to_matrix(read_table(folder / "interactions.parquet"), items).train
        folder = Path(folders["dataset"].format(dataset=dataset))
        popularity[dataset] = np.asarray(train.sum(axis=0), np.int64).ravel()
        attacked = read_table(folder / "attacked.parquet", ["item"])["item"].to_numpy()
        # What each network sees for itself is no set of the dataset: these numbers are empty then.
        counted[dataset] = attacked if metrics["counted"] == "attacked" else attacked[:0]
        for threat in names["threat"]:
            known = train.tolil()
            if threat == COLD_START:
                known[:, attacked] = 0
            chance = random_hits(known.tocsr(), counted[dataset], k)
            by_chance[threat, dataset] = float(chance.mean())
        table = read_table(folder / "references.parquet", ["recommender", "hr", "ndcg", "auc"])
        means = table.groupby("recommender")[["hr", "ndcg", "auc"]].mean().reset_index()
        references.append(means.assign(dataset=dataset))

    cells = list(places.cells())
    if baseline:
        there = places.cells(**{axis: [name] for axis, name in baseline.items()}, attack=[clean])
        cells += [cell for cell in there if cell not in cells]
    # What a ranking of ties would say of the attacked items is no measurement.
    reasons = tied(cells, grid["blind"])
    stored = read(places, cells, popularity, counted).without(reasons)
    tested = changes(
        stored.hits,
        stacked(stored.items, "mean_rank"),
        clean=clean,
        baseline=baseline,
        confidence=confidence,
        margin=metrics["equivalence_margin"],
        correction=metrics["correction"],
        reasons=reasons,
    )
    shown = {cell: values for cell, values in stored.hits.items() if cell in {*places.cells()}}
    table = table1(
        shown,
        tested,
        {cell: by_chance[cell.threat, cell.dataset] for cell in shown},
        k=k,
        clean=clean,
        controls=grid["controls"],
        flags=doubts(told),
        confidence=confidence,
        reasons=reasons,
    )
    for threat, path in zip(names["threat"], given.table1, strict=True):
        write_table(path, table[table["threat"] == threat].drop(columns="threat"))
    write_table(given.runs, runs(shown, k=k, confidence=confidence))
    write_table(given.changes, tested)
    without = [] if metrics["category_share"] else ["category_share"]
    measured = {cell: rows for cell, rows in stored.measured.items() if cell in shown}
    write_table(given.accuracy, accuracy(measured, pd.concat(references), k=k, without=without))
    write_table(given.item_ranks, item_ranks(stored.items, clean=clean))
    write_table(given.promotion, promotion(stored.items, popularity, clean=clean))
    write_table(given.chr_by_k, chr_by_k({c: v for c, v in stored.curves.items() if c in shown}))


def doubts(told: dict[str, Any]) -> dict[tuple[str, str], list[str]]:
    """Return what makes the cells of a dataset and defense doubtful, in words."""
    grid, folders = told["grid"], told["folders"]
    of_defense: dict[str, list[str]] = {}
    for network in told.get("measured", []):
        table = read_table(Path(f"{folders['network']}_accuracy.csv".format(**network)), ["flags"])
        said = table["flags"].dropna().tolist()
        of_defense.setdefault(network["defense"], []).extend(
            f"run {network['run']} of {network['defense']}: {text}" for text in said if text
        )
    found = {}
    for dataset, catalogue in grid["catalogues"].items():
        folder = Path(folders["catalogue"].format(catalogue=catalogue))
        of_catalogue = summary.warnings(read_json(folder / "summary.json"))
        for defense in grid["names"]["defense"]:
            found[dataset, defense] = [*of_catalogue, *of_defense.get(defense, [])]
    return found


if __name__ == "__main__":
    command.run(main)
