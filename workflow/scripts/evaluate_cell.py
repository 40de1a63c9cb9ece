#!/usr/bin/env python3
"""Rank the catalogue for every user and compute a cell's metrics, per user and attacked item."""

import numpy as np
import pandas as pd

from varbench.catalogues.interactions import to_matrix
from varbench.errors import InputError
from varbench.metrics import accuracy, category
from varbench.recommenders.ranking import dot_product_scores, rank
from varbench.storage import read_table, read_tensors_as_arrays, write_array, write_table
from varbench.workflow import command


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--length", type=int, required=True, help="of the stored lists")
    options.add_argument("--k", type=int, required=True, help="list length of CHR, HR and nDCG")
    options.add_argument("--source-class", type=int, required=True, help="index of the category")
    command.add_paths(options, model="of the cell", interactions="of the catalogue")
    command.add_paths(options, attacked="items that are attacked")
    command.add_paths(options, classes="of the clean catalogue as the cell's network predicts them")
    command.add_paths(options, lists="out", ranks="out: of each attacked item for each user")
    command.add_paths(options, users="out", items="out")
    given = options.parse_args()
    if not 1 <= given.k <= given.length:
        raise InputError(
            f"--k {given.k}: lists are of {given.length} items; give 1 to {given.length}"
        )

    model = read_tensors_as_arrays(given.model)
    interactions = to_matrix(read_table(given.interactions), items=len(model["item_factors"]))
    attacked = read_table(given.attacked, ["item"])["item"].to_numpy()
    classes = read_table(given.classes, ["item", "class"])
    seen = classes.loc[classes["class"] == given.source_class, "item"].to_numpy()
    ranking = rank(
        dot_product_scores(model),
        interactions.train,
        interactions.held_out,
        attacked,
        length=given.length,
    )
    write_array(given.lists, ranking.lists)
    write_array(given.ranks, ranking.ranks)
    held_out_rank = ranking.held_out_rank
    write_table(
        given.users,
        pd.DataFrame(
            {
                "user": np.arange(len(interactions.held_out)),
                "held_out": interactions.held_out,
                "held_out_rank": held_out_rank,
                "candidates": ranking.candidates,
                "category_hits": category.hits(ranking.lists, attacked, given.k),
                "category_hits_seen": category.hits(ranking.lists, seen, given.k),
                "category_ndcg": category.ndcg(ranking.lists, attacked, given.k),
                "category_share": category.share(ranking.lists, attacked, given.k),
                "hr": accuracy.hit_ratio(held_out_rank, given.k),
                "ndcg": accuracy.ndcg(held_out_rank, given.k),
                "auc": accuracy.auc(held_out_rank, ranking.candidates),
            }
        ),
    )
    # 0: the user knows the item.
    ranks = np.where(ranking.ranks > 0, ranking.ranks.astype(float), np.nan)
    write_table(
        given.items,
        pd.DataFrame(
            {
                "item": attacked,
                "mean_rank": np.nanmean(ranks, axis=0),
                "median_rank": np.nanmedian(ranks, axis=0),
                "lists": (ranks <= given.k).sum(axis=0),
            }
        ),
    )


if __name__ == "__main__":
    command.run(main)
