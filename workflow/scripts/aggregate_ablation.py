#!/usr/bin/env python3
"""Aggregate the cells of an ablation: what every protocol says of them."""

from varbench.experiment import command
from varbench.experiment.stored import images_by_network

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from varbench.axes import POISONING
from varbench.metrics.statistics import two_level
from varbench.reporting.ablation import differences
from varbench.reporting.measures import HITS, SHARES, of_images
from varbench.storage import read_table, write_table

Names = dict[str, Any]


def cells(
    variant: Names, defenses: list[str], repeats: list[Names]
) -> Iterator[tuple[Names, Names]]:
    """Yield each cell's names in the tables, and those that it has under a protocol."""
    named: dict[str, Names] = {
        axis: variant[axis] for axis in ("dataset", "attack", "recommender")
    } | {"defense": {name: name for name in defenses}}
    for names in product(*named.values()):
        cell = dict(zip(named, names, strict=True))
        there = {axis: named[axis][name] for axis, name in cell.items()}
        for repeat in repeats:
            yield cell | repeat, there | repeat


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(
        options,
        "names, variants, repeats, images (names of each attack's), cell and attack (patterns), k, "
        "clean, last_listed (defense and recommender of D15)",
    )
    command.add_paths(options, ablation="out")
    given = options.parse_args()
    told, k, clean = given.options, given.options["k"], given.options["clean"]
    attacked = images_by_network(told["images"], Path(told["attack"]))
    pictured = {names["attack"] for names in told["images"]}

    def users(names: Names) -> pd.DataFrame:
        return read_table(Path(told["cell"].format(threat=POISONING, **names)) / "users.parquet")

    def against_clean(hits: pd.Series, column: str, there: Names, variant: Names) -> Names:
        start = there | {"attack": clean}
        if variant["metrics"]["baseline"] == "last_listed":
            start["defense"] = told["last_listed"]["defense"]
            start["recommender"] = variant["recommender"][told["last_listed"]["recommender"]]
        change = hits.to_numpy(np.float64) - users(start)[column].to_numpy(np.float64)
        return {"p_value": float(two_level(change[None]).p_value())}

    def visual(there: Names, metrics: Names) -> Names:
        if there["attack"] not in pictured:  # a ceiling makes no images
            return {}
        row = of_images(attacked[there["dataset"], there["defense"]], there["attack"])
        return {name: value for name, value in row.items() if metrics.get(name, True)}

    rows = []
    for protocol, variant in told["variants"].items():
        metrics = variant["metrics"]
        column = HITS[metrics["counted"]]
        for cell, there in cells(variant, told["names"]["defense"], told["repeats"]):
            ranked = users(there)
            row = {"protocol": protocol, **cell, "chr": ranked[column].mean()}
            if metrics["category_share"]:
                row["category_share"] = ranked[SHARES[metrics["counted"]]].mean()
            if cell["attack"] != clean:
                row |= against_clean(ranked[column], column, there, variant)
                row |= visual(there, metrics)
            rows.append(row)
    table = differences(pd.DataFrame(rows), clean=clean)
    write_table(given.ablation, table.rename(columns={"chr": f"chr_at_{k}"}))


if __name__ == "__main__":
    command.run(main)
