#!/usr/bin/env python3
"""Aggregate the values of all cells, per user and item, into the tables of cells."""

from varbench.experiment import command
from varbench.experiment.aggregating import dataset, tables_of_cells
from varbench.experiment.stored import ACCURACY, Dataset, Places, flags_of_networks, read

from pathlib import Path
from typing import Any

from varbench.catalogues import summary
from varbench.reporting.cells import tied
from varbench.reporting.tables import OF_CELLS
from varbench.storage import read_json, read_table, write_table


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(
        options, "grid, metrics, measured (networks), baseline, folders (patterns of each kind's)"
    )
    command.add_each(options, table1="out, of each threat")
    command.add_paths(options, **dict.fromkeys(OF_CELLS, "out"))
    given = options.parse_args()
    told, grid, metrics = given.options, given.options["grid"], given.options["metrics"]
    names, baseline = grid["names"], told.get("baseline")
    places = Places(names, grid["clean"], told["folders"]["cell"], metrics["k"], metrics["counted"])
    datasets = read_datasets(told)
    shown = list(places.cells())
    cells = list(dict.fromkeys([*shown, *(places.clean_cells(baseline) if baseline else [])]))
    # What a ranking of ties would say of the attacked items is no measurement.
    reasons = tied(cells, grid["blind"])
    stored = read(places, cells, datasets).without(reasons)
    tables = tables_of_cells(
        stored,
        datasets,
        shown=set(shown),
        clean=grid["clean"],
        metrics=metrics,
        controls=grid["controls"],
        baseline=baseline,
        reasons=reasons,
    )
    table1 = tables.pop("table1")
    for threat, path in zip(names["threat"], given.table1, strict=True):
        write_table(path, table1[table1["threat"] == threat].drop(columns="threat"))
    for name, table in tables.items():
        write_table(getattr(given, name), table)


def read_datasets(told: dict[str, Any]) -> dict[str, Dataset]:
    """Read what is known of each dataset beside its cells."""
    grid, folders, metrics = told["grid"], told["folders"], told["metrics"]
    of_networks = flags_of_networks(told.get("measured", []), folders["network"])
    datasets = {}
    for name, catalogue in grid["catalogues"].items():
        of_catalogue = Path(folders["catalogue"].format(catalogue=catalogue))
        of_dataset = Path(folders["dataset"].format(dataset=name))
        warnings = summary.warnings(read_json(of_catalogue / "summary.json"))
        datasets[name] = dataset(
            read_table(of_catalogue / "interactions.parquet"),
            len(read_table(of_catalogue / "items.parquet", ["item"])),
            read_table(of_dataset / "attacked.parquet", ["item"])["item"].to_numpy(),
            read_table(of_dataset / "references.parquet", ["recommender", *ACCURACY]),
            {d: [*warnings, *of_networks.get(d, [])] for d in grid["names"]["defense"]},
            threats=grid["names"]["threat"],
            metrics=metrics,
        )
    return datasets


if __name__ == "__main__":
    command.run(main)
