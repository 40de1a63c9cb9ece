#!/usr/bin/env python3
"""Aggregate the cells of an ablation: every protocol's hit ratio and visual measures."""

from varbench.workflow import command

from itertools import product
from pathlib import Path

import pandas as pd

from varbench.reporting.ablation import differences
from varbench.storage import read_table, write_table

MEASURES = ("success", "feature_loss", "distance")
HITS = {"attacked": "category_hits", "seen": "category_hits_seen"}


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--variants", type=command.block, required=True, help="as JSON")
    options.add_argument("--axes", type=command.block, required=True, help="names, as JSON")
    options.add_argument("--cell", required=True, help="folder of a cell, with {dataset} ...")
    options.add_argument("--attack", required=True, help="folder of an attack, with {dataset} ...")
    options.add_argument("--k", type=int, required=True)
    options.add_argument("--clean", required=True, help="name of the attack that changes nothing")
    command.add_paths(options, output="out")
    given = options.parse_args()

    rows = []
    for protocol, variant in given.variants.items():
        axes = {axis: variant[axis] for axis in ("dataset", "attack", "recommender")}
        axes["defense"] = {name: name for name in given.axes["defense"]}
        axes["seed"] = {seed: seed for seed in given.axes["seed"]}
        for names in product(*axes.values()):
            cell = dict(zip(axes, names, strict=True))
            there = {axis: axes[axis][name] for axis, name in cell.items()}
            hits = HITS[variant["counted"]]
            users = read_table(Path(given.cell.format(**there)) / "users.parquet", [hits])
            row = {"protocol": protocol, **cell, "chr": users[hits].mean()}
            if cell["attack"] != given.clean:
                visual = read_table(Path(given.attack.format(**there)) / "visual.parquet")
                means = {name: visual[name].mean() for name in MEASURES}
                row |= {**means, "distance_label": visual["distance_label"].iloc[0]}
            rows.append(row)
    table = differences(pd.DataFrame(rows), clean=given.clean)
    write_table(given.output, table.rename(columns={"chr": f"chr_at_{given.k}"}))


if __name__ == "__main__":
    command.run(main)
