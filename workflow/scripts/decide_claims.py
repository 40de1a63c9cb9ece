#!/usr/bin/env python3
"""Decide the paper's claims on its own tables and on an ablation's cells, under each protocol."""

from varbench.experiment import command

from pathlib import Path

import pandas as pd

from varbench.reporting import published
from varbench.reporting.claims import claims, claims_on_ours
from varbench.storage import read_table, write_table

RESOURCES = Path(__file__).parents[2] / "resources" / "published"


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--datasets", type=command.block, required=True, help="ours: the paper's")
    options.add_argument("--k", type=int, required=True)
    command.add_paths(options, ablation="table of cells", output="out")
    given = options.parse_args()

    cells = read_table(given.ablation)
    # A distance that is not LPIPS decides nothing about LPIPS.
    is_lpips = cells["distance_label"].str.startswith("LPIPS", na=False)
    cells["lpips"] = cells["perceptual_distance"].where(is_lpips)
    decided = [claims(*published.read(RESOURCES)).assign(tables="the paper's")]
    decided += [
        claims_on_ours(
            table,
            table[table["success_rate"].notna()].drop_duplicates(["dataset", "defense", "attack"]),
            datasets=given.datasets,
            k=given.k,
        ).assign(tables=f"ours, {protocol}")
        for protocol, table in cells.groupby("protocol", sort=False)
    ]
    write_table(given.output, pd.concat(decided))


if __name__ == "__main__":
    command.run(main)
