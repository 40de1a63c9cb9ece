#!/usr/bin/env python3
"""Accuracy of two rankings that learn nothing about a user: by popularity, and at random."""

from varbench.experiment import command
from varbench.experiment.candidates import check_candidates

import numpy as np
import pandas as pd

from varbench.catalogues.interactions import to_matrix
from varbench.metrics import accuracy
from varbench.recommenders.ranking import rank
from varbench.seeds import derive
from varbench.storage import read_table, write_table


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options, "k (list length of HR and nDCG), seed")
    command.add_paths(options, interactions="of the catalogue", item_ids="of the catalogue")
    command.add_paths(options, references="out")
    given = options.parse_args()
    k = given.options["k"]

    items = len(read_table(given.item_ids))
    interactions = to_matrix(read_table(given.interactions), items)
    known = np.diff(interactions.train.indptr)
    everything = check_candidates(known, items, k, str(given.interactions))
    if everything:
        print(f"warning: {everything} users have at most {k} items left: their lists hold them all")
    popularity = np.asarray(interactions.train.sum(axis=0), np.float32).ravel()
    random = np.random.default_rng(derive("random ranking", given.options["seed"]))
    scores = {
        "popularity": lambda start, stop: np.broadcast_to(popularity, (stop - start, items)),
        "random": lambda start, stop: random.random((stop - start, items), np.float32),
    }
    tables = []
    for name, score in scores.items():
        result = rank(
            score, interactions.train, interactions.held_out, np.empty(0, np.int64), length=k
        )
        tables.append(
            pd.DataFrame(
                {
                    "recommender": name,
                    "user": np.arange(len(interactions.held_out)),
                    "hr": accuracy.hit_ratio(result.held_out_rank, k),
                    "ndcg": accuracy.ndcg(result.held_out_rank, k),
                    "auc": accuracy.auc(result.held_out_rank, result.candidates),
                }
            )
        )
    write_table(given.references, pd.concat(tables))


if __name__ == "__main__":
    command.run(main)
