#!/usr/bin/env python3
"""Rank the catalogue for every user: top lists, held-out ranks, ranks of the attacked items."""

import numpy as np
import pandas as pd

from varbench.catalogues.interactions import to_matrix
from varbench.recommenders.ranking import dot_product_scores, rank
from varbench.storage import read_table, read_tensors_as_arrays, write_array, write_table
from varbench.workflow import command


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--length", type=int, required=True, help="of the stored lists")
    command.add_paths(options, model="of the cell", interactions="of the catalogue")
    command.add_paths(options, attacked="items that are attacked")
    command.add_paths(options, lists="out", held_out="out", ranks="out")
    given = options.parse_args()

    model = read_tensors_as_arrays(given.model)
    interactions = to_matrix(read_table(given.interactions), items=len(model["item_factors"]))
    attacked = read_table(given.attacked, ["item"])["item"].to_numpy()
    ranking = rank(
        dot_product_scores(model),
        interactions.train,
        interactions.held_out,
        attacked,
        length=given.length,
    )
    write_array(given.lists, ranking.lists)
    write_array(given.ranks, ranking.ranks)
    write_table(
        given.held_out,
        pd.DataFrame(
            {
                "user": np.arange(len(interactions.held_out)),
                "item": interactions.held_out,
                "rank": ranking.held_out_rank,
                "candidates": ranking.candidates,
            }
        ),
    )


if __name__ == "__main__":
    command.run(main)
