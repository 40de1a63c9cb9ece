#!/usr/bin/env python3
"""Aggregate the values of all cells, per user and item: table 1, its changes, accuracy, ranks."""

from varbench.experiment import command

import json
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from varbench.errors import InputError
from varbench.metrics.statistics import adjusted, bootstrap_interval, paired_p_value
from varbench.reporting.measures import HITS, SHARES
from varbench.seeds import derive
from varbench.storage import read_table, write_table

NAMED_BY_K = ("hr", "ndcg", "category_ndcg", "category_share")
ACCURACY = ("hr", "ndcg", "auc")
KEYS = ["dataset", "defense", "attack", "recommender", "seed"]
CHANGES = [*KEYS, "baseline_defense", "change", "change_low", "change_high", "p_value"]


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--axes", type=command.block, required=True, help="names, as JSON")
    options.add_argument("--cell", required=True, help="folder of a cell, with {dataset} ...")
    options.add_argument("--dataset", required=True, help="folder of a dataset, with {dataset}")
    options.add_argument("--k", type=int, required=True)
    options.add_argument("--counted", choices=HITS, required=True, help="items that CHR counts")
    options.add_argument("--clean", required=True, help="name of the attack that changes nothing")
    options.add_argument("--baseline", help="defense of the clean cells; by default each its own")
    options.add_argument("--confidence", type=float, required=True)
    options.add_argument("--resamples", type=int, required=True)
    options.add_argument("--without", nargs="+", choices=["category_share"], default=[])
    options.add_argument("--seed", type=int, required=True)
    command.add_paths(options, chr="out", changes="out", accuracy="out", ranks="out")
    given = options.parse_args()

    def interval(values: NDArray[np.float64], cell: dict[str, object]) -> tuple[float, float]:
        return bootstrap_interval(
            values,
            confidence=given.confidence,
            resamples=given.resamples,
            seed=derive("bootstrap", given.seed, json.dumps(cell)),
        )

    column, share, chr_at_k = HITS[given.counted], SHARES[given.counted], f"chr_at_{given.k}"
    of_category = ["category_ndcg", share]
    hit_ratios, changes, accuracies, ranks = [], [], [], []
    for values in product(*(given.axes[key] for key in KEYS)):
        cell = dict(zip(KEYS, values, strict=True))
        folder = Path(given.cell.format(**cell))
        users = read_table(folder / "users.parquet", [column, *ACCURACY, *of_category])
        hits = users[column].to_numpy(np.float64)
        low, high = interval(hits, cell)
        row = {chr_at_k: hits.mean(), f"{chr_at_k}_low": low, f"{chr_at_k}_high": high}
        hit_ratios.append(cell | row | {"users": len(hits)})
        if cell["attack"] != given.clean:
            start = cell | {"attack": given.clean, "defense": given.baseline or cell["defense"]}
            path = Path(given.cell.format(**start)) / "users.parquet"
            before = read_table(path, [column])[column].to_numpy()
            if len(before) != len(hits):
                raise InputError(f"{path}: other users than in {folder}; delete both and run again")
            change = hits - before
            low, high = interval(change, cell)
            row = {"change": change.mean(), "change_low": low, "change_high": high}
            row |= {"baseline_defense": start["defense"], "p_value": paired_p_value(hits, before)}
            changes.append(cell | row)
        means = users[[*ACCURACY, *of_category]].rename(columns={share: "category_share"}).mean()
        accuracies.append(cell | means.to_dict())
        ranks.append(read_table(folder / "items.parquet").assign(**cell))
    for dataset in given.axes["dataset"]:
        path = Path(given.dataset.format(dataset=dataset)) / "references.parquet"
        for reference, users in read_table(path, ["recommender", *ACCURACY]).groupby("recommender"):
            accuracies.append(
                {"dataset": dataset, "recommender": reference} | users[[*ACCURACY]].mean().to_dict()
            )
    write_table(given.chr, pd.DataFrame(hit_ratios))
    tested = pd.DataFrame(changes, columns=CHANGES)
    write_table(given.changes, tested.assign(p_adjusted=adjusted(tested["p_value"])))
    write_table(
        given.accuracy,
        pd.DataFrame(accuracies)
        .drop(columns=given.without)
        .rename(columns={name: f"{name}_at_{given.k}" for name in NAMED_BY_K})
        .astype({"seed": "Int64"}),
    )
    write_table(given.ranks, before_and_after(pd.concat(ranks), given.clean))


def before_and_after(ranks: pd.DataFrame, clean: str) -> pd.DataFrame:
    """Put each attacked item's ranks beside those in the same defense's clean cell."""
    keys = ["dataset", "defense", "recommender", "seed", "item"]
    values = ["mean_rank", "median_rank", "lists"]
    before = ranks.loc[ranks["attack"] == clean, keys + values]
    after = ranks[ranks["attack"] != clean]
    merged = after.merge(before, on=keys, how="left", suffixes=("_after", "_before"))
    columns = [f"{value}_{when}" for value in values for when in ("before", "after")]
    return merged[[*KEYS, "item", *columns]]


if __name__ == "__main__":
    command.run(main)
