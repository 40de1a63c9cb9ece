#!/usr/bin/env python3
"""Decide the paper's claims on its own tables and on an ablation's cells, under each protocol."""

from varbench.experiment import command

from pathlib import Path

import pandas as pd

from varbench.reporting import published
from varbench.reporting.ablation import as_tables
from varbench.reporting.claims import claims
from varbench.reporting.standing import claims_on_ours
from varbench.storage import read_table, write_table

RESOURCES = Path(__file__).parents[2] / "resources" / "published"


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options, "stands_for, k, clean")
    command.add_paths(options, ablation="table of cells", claims="out")
    given = options.parse_args()
    told = given.options
    decided = [claims(*published.read(RESOURCES)).assign(tables="the paper's")]
    for protocol, cells in read_table(given.ablation).groupby("protocol", sort=False):
        table1, table2 = as_tables(cells, told["k"])
        found = claims_on_ours(
            {"poisoning": table1},
            table2,
            stands_for=told["stands_for"],
            k=told["k"],
            clean=told["clean"],
        )
        decided.append(found.assign(tables=f"ours, {protocol}"))
    write_table(given.claims, pd.concat(decided))


if __name__ == "__main__":
    command.run(main)
