#!/usr/bin/env python3
"""Compute the metrics of one cell, per user and per attacked item, from its lists and ranks."""

import numpy as np
import pandas as pd

from varbench.errors import InputError
from varbench.metrics import accuracy, category
from varbench.storage import read_array, read_table, write_table
from varbench.workflow import command


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--k", type=int, required=True, help="list length of CHR, HR and nDCG")
    options.add_argument("--source-class", type=int, required=True, help="index of the category")
    command.add_paths(options, lists="of the cell", held_out="ranks of held-out items")
    command.add_paths(options, ranks="of the attacked items", attacked="items that are attacked")
    command.add_paths(options, classes="of the clean catalogue as the cell's network predicts them")
    command.add_paths(options, users="out", items="out")
    given = options.parse_args()

    lists, ranks = read_array(given.lists), read_array(given.ranks)
    held_out = read_table(given.held_out, ["user", "rank", "candidates"])
    attacked = read_table(given.attacked, ["item"])["item"].to_numpy()
    if len(lists) != len(held_out) or ranks.shape != (len(lists), len(attacked)):
        raise InputError(f"{given.lists}: does not belong to {given.held_out} and {given.ranks}")
    if not 1 <= given.k <= lists.shape[1]:
        longest = lists.shape[1]
        raise InputError(
            f"--k {given.k}: {given.lists} holds lists of {longest} items; give 1 to {longest}"
        )
    classes = read_table(given.classes, ["item", "class"])
    seen = classes.loc[classes["class"] == given.source_class, "item"].to_numpy()
    rank = held_out["rank"].to_numpy()
    write_table(
        given.users,
        pd.DataFrame(
            {
                "user": held_out["user"],
                "category_hits": category.hits(lists, attacked, given.k),
                "category_hits_seen": category.hits(lists, seen, given.k),
                "category_ndcg": category.ndcg(lists, attacked, given.k),
                "category_share": category.share(lists, attacked, given.k),
                "hr": accuracy.hit_ratio(rank, given.k),
                "ndcg": accuracy.ndcg(rank, given.k),
                "auc": accuracy.auc(rank, held_out["candidates"].to_numpy()),
            }
        ),
    )
    ranked = np.where(ranks > 0, ranks.astype(float), np.nan)  # 0: the user knows the item
    write_table(
        given.items,
        pd.DataFrame(
            {
                "item": attacked,
                "mean_rank": np.nanmean(ranked, axis=0),
                "median_rank": np.nanmedian(ranked, axis=0),
                "lists": (ranked <= given.k).sum(axis=0),
            }
        ),
    )


if __name__ == "__main__":
    command.run(main)
