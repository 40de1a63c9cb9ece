#!/usr/bin/env python3
"""Aggregate the cells of an ablation: what every protocol says of them."""

from varbench.experiment import command

from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from varbench.metrics.statistics import two_level
from varbench.reporting.ablation import differences
from varbench.reporting.measures import HITS, SHARES, of_images
from varbench.storage import read_table, write_table

Names = dict[str, Any]


def cells(variant: Names, axes: Names) -> Iterator[tuple[Names, Names]]:
    """Yield each cell's names in the tables, and those that it has under a protocol."""
    named: dict[str, Names] = {
        axis: variant[axis] for axis in ("dataset", "attack", "recommender")
    } | {axis: {name: name for name in axes[axis]} for axis in ("defense", "run", "seed")}
    for names in product(*named.values()):
        cell = dict(zip(named, names, strict=True))
        yield cell, {axis: named[axis][name] for axis, name in cell.items()}


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--variants", type=command.block, required=True, help="as JSON")
    options.add_argument("--axes", type=command.block, required=True, help="names, as JSON")
    options.add_argument("--cell", required=True, help="folder of a cell, with {dataset} ...")
    options.add_argument("--visual", required=True, help="values per image, with {dataset} ...")
    options.add_argument("--k", type=int, required=True)
    options.add_argument("--clean", required=True, help="name of the attack that changes nothing")
    options.add_argument("--last-listed", type=command.block, required=True, help="D15, as JSON")
    command.add_paths(options, output="out")
    given = options.parse_args()

    attacked = cache(read_table)  # one table serves many cells

    def users(names: Names) -> pd.DataFrame:
        return read_table(Path(given.cell.format(**names)) / "users.parquet")

    def against_clean(hits: pd.Series, column: str, there: Names, variant: Names) -> Names:
        start = there | {"attack": given.clean}
        if variant["metrics"]["baseline"] == "last_listed":
            start["defense"] = given.last_listed["defense"]
            start["recommender"] = variant["recommender"][given.last_listed["recommender"]]
        change = hits.to_numpy(np.float64) - users(start)[column].to_numpy(np.float64)
        return {"p_value": float(two_level(change[None]).p_value())}

    def visual(there: Names, metrics: Names) -> Names:
        images = attacked(Path(given.visual.format(subset="ablation", **there)))
        row = of_images(images, there["attack"])
        return {name: value for name, value in row.items() if metrics.get(name, True)}

    rows = []
    for protocol, variant in given.variants.items():
        metrics = variant["metrics"]
        column = HITS[metrics["counted"]]
        for cell, there in cells(variant, given.axes):
            ranked = users(there)
            row = {"protocol": protocol, **cell, "chr": ranked[column].mean()}
            if metrics["category_share"]:
                row["category_share"] = ranked[SHARES[metrics["counted"]]].mean()
            if cell["attack"] != given.clean:
                row |= against_clean(ranked[column], column, there, variant)
                row |= visual(there, metrics)
            rows.append(row)
    table = differences(pd.DataFrame(rows), clean=given.clean)
    write_table(given.output, table.rename(columns={"chr": f"chr_at_{given.k}"}))


if __name__ == "__main__":
    command.run(main)
