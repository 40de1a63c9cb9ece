#!/usr/bin/env python3
"""Aggregate the per-user and per-item values of all cells into table 1, accuracy and ranks."""

import json
from itertools import product
from pathlib import Path

import pandas as pd

from varbench.metrics.statistics import bootstrap_interval
from varbench.seeds import derive
from varbench.storage import read_table, write_table
from varbench.workflow import command

HITS = {"attacked": "category_hits", "seen": "category_hits_seen"}
ACCURACY = ("hr", "ndcg", "auc")
OF_CATEGORY = ["category_ndcg", "category_share"]
KEYS = ["dataset", "defense", "attack", "recommender", "seed"]


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--axes", type=command.block, required=True, help="names, as JSON")
    options.add_argument("--cell", required=True, help="folder of a cell, with {dataset} ...")
    options.add_argument("--dataset", required=True, help="folder of a dataset, with {dataset}")
    options.add_argument("--k", type=int, required=True)
    options.add_argument("--counted", choices=HITS, required=True, help="items that CHR counts")
    options.add_argument("--clean", required=True, help="name of the attack that changes nothing")
    options.add_argument("--confidence", type=float, required=True)
    options.add_argument("--resamples", type=int, required=True)
    options.add_argument("--seed", type=int, required=True)
    command.add_paths(options, chr="out", accuracy="out", ranks="out")
    given = options.parse_args()

    hit_ratios, accuracies, ranks = [], [], []
    for values in product(*(given.axes[key] for key in KEYS)):
        cell = dict(zip(KEYS, values, strict=True))
        folder = Path(given.cell.format(**cell))
        users = read_table(folder / "users.parquet", [HITS[given.counted], *ACCURACY, *OF_CATEGORY])
        hits = users[HITS[given.counted]].to_numpy()
        low, high = bootstrap_interval(
            hits,
            confidence=given.confidence,
            resamples=given.resamples,
            seed=derive("bootstrap", given.seed, json.dumps(cell)),
        )
        hit_ratios.append(
            cell
            | {
                f"chr_at_{given.k}": hits.mean(),
                f"chr_at_{given.k}_low": low,
                f"chr_at_{given.k}_high": high,
                "users": len(hits),
            }
        )
        accuracies.append(cell | users[[*ACCURACY, *OF_CATEGORY]].mean().to_dict())
        ranks.append(read_table(folder / "items.parquet").assign(**cell))
    for dataset in given.axes["dataset"]:
        path = Path(given.dataset.format(dataset=dataset)) / "references.parquet"
        for reference, users in read_table(path, ["recommender", *ACCURACY]).groupby("recommender"):
            accuracies.append(
                {"dataset": dataset, "recommender": reference} | users[[*ACCURACY]].mean().to_dict()
            )
    write_table(given.chr, pd.DataFrame(hit_ratios))
    write_table(
        given.accuracy,
        pd.DataFrame(accuracies)
        .rename(columns={name: f"{name}_at_{given.k}" for name in ("hr", "ndcg", *OF_CATEGORY)})
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
