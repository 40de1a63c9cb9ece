#!/usr/bin/env python3
"""Rank the catalogue for every user and compute a cell's metrics, per user and attacked item.

Each seed of the cell has a model, and its own outputs at the same place of each option.
"""

from varbench.experiment import command

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from varbench.catalogues.interactions import to_matrix
from varbench.errors import InputError
from varbench.metrics import accuracy, category
from varbench.recommenders.ranking import Ranking, dot_product_scores, rank
from varbench.storage import read_table, read_tensors_as_arrays, write_array, write_table


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--length", type=int, required=True, help="of the stored lists")
    options.add_argument("--k", type=int, required=True, help="list length of CHR, HR and nDCG")
    options.add_argument("--source-class", type=int, required=True, help="index of the category")
    command.add_paths(options, interactions="of the catalogue", attacked="items that are attacked")
    command.add_paths(options, classes="of the clean catalogue as the cell's network predicts them")
    of_each_seed = {
        "models": "trained",
        "lists": "out",
        "ranks": "out: of each attacked item for each user",
        "users": "out",
        "items": "out",
    }
    for name, text in of_each_seed.items():
        options.add_argument(f"--{name}", type=Path, required=True, nargs="+", help=text)
    given = options.parse_args()
    if not 1 <= given.k <= given.length:
        raise InputError(
            f"--k {given.k}: lists are of {given.length} items; give 1 to {given.length}"
        )

    classes = read_table(given.classes, ["item", "class"])
    seen = classes.loc[classes["class"] == given.source_class, "item"].to_numpy()
    interactions = to_matrix(read_table(given.interactions), items=len(classes))
    attacked = read_table(given.attacked, ["item"])["item"].to_numpy()
    for path, lists, ranks, users, items in zip(
        given.models, given.lists, given.ranks, given.users, given.items, strict=True
    ):
        model = read_tensors_as_arrays(path)
        found = tuple(len(model.get(f"{kind}_factors", ())) for kind in ("user", "item"))
        there = interactions.train.shape
        if found != there:
            raise InputError(
                f"{path}: factors of {found[0]} users and {found[1]} items where there are "
                f"{there[0]} and {there[1]}; delete it and run again"
            )
        ranking = rank(
            dot_product_scores(model),
            interactions.train,
            interactions.held_out,
            attacked,
            length=given.length,
        )
        write_array(lists, ranking.lists)
        write_array(ranks, ranking.ranks)
        write_table(users, per_user(ranking, interactions.held_out, attacked, seen, given.k))
        write_table(items, per_item(ranking, attacked, given.k))


def per_user(
    ranking: Ranking,
    held_out: NDArray[np.int64],
    attacked: NDArray[np.int64],
    seen: NDArray[np.int64],
    k: int,
) -> pd.DataFrame:
    """Return each user's metrics; ``seen`` are the items in the source category's class."""
    return pd.DataFrame(
        {
            "user": np.arange(len(held_out)),
            "held_out": held_out,
            "held_out_rank": ranking.held_out_rank,
            "candidates": ranking.candidates,
            "category_hits": category.hits(ranking.lists, attacked, k),
            "category_hits_seen": category.hits(ranking.lists, seen, k),
            "category_ndcg": category.ndcg(ranking.lists, attacked, k),
            "category_share": category.share(ranking.lists, attacked, k),
            "category_share_seen": category.share(ranking.lists, seen, k),
            "hr": accuracy.hit_ratio(ranking.held_out_rank, k),
            "ndcg": accuracy.ndcg(ranking.held_out_rank, k),
            "auc": accuracy.auc(ranking.held_out_rank, ranking.candidates),
        }
    )


def per_item(ranking: Ranking, attacked: NDArray[np.int64], k: int) -> pd.DataFrame:
    """Return each attacked item's ranks over the users who do not know it."""
    ranks = np.where(ranking.ranks > 0, ranking.ranks.astype(float), np.nan)
    return pd.DataFrame(
        {
            "item": attacked,
            "mean_rank": np.nanmean(ranks, axis=0),
            "median_rank": np.nanmedian(ranks, axis=0),
            "lists": (ranks <= k).sum(axis=0),
        }
    )


if __name__ == "__main__":
    command.run(main)
