#!/usr/bin/env python3
"""Rank a catalogue for every user and compute a cell's metrics, per user and attacked item.

Each run and seed of the cell has a model, and its own files at the same place of each option. Those
that are there already, made by the same command from the same files, are left as they are.
"""

from varbench.experiment import command, resuming

import argparse
import logging
from pathlib import Path
from typing import Any

import numpy as np

from varbench.catalogues.cold_start import without_interactions
from varbench.catalogues.features import with_rows
from varbench.catalogues.interactions import to_matrix
from varbench.errors import InputError
from varbench.metrics.cells import per_user
from varbench.metrics.promotion import per_item
from varbench.recommenders import learnt
from varbench.recommenders.ranking import dot_product_scores, rank
from varbench.storage import (
    read_array,
    read_table,
    read_tensors_as_arrays,
    write_array,
    write_table,
)

log = logging.getLogger("evaluate_cell")


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options, "k, length (of lists), source_class, leave_out_attacked")
    command.add_paths(options, interactions="of the catalogue", attacked="items that are attacked")
    command.add_each(options, model="what was learnt", clean_features="of the catalogue")
    command.add_each(options, attacked_features="of the attacked items, if they are not clean")
    command.add_each(options, predicted_classes="of the clean catalogue, by the cell's network")
    command.add_each(options, per_user="out", per_item="out", lists="out", digest="out")
    resuming.add_options(options)
    given = options.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    told = given.options
    if not 1 <= told["k"] <= told["length"]:
        raise InputError(f"k {told['k']}: lists are of {told['length']} items; give at most that")
    code = resuming.code_of(given, __file__)
    for place in range(len(given.model)):
        files = {
            name: paths[place]
            for name, paths in vars(given).items()
            if isinstance(paths, list) and paths
        }
        read = ["model", "clean_features", "attacked_features", "predicted_classes"]
        inputs = [given.interactions, given.attacked, *(files.get(name) for name in read)]
        outputs = [files[name] for name in ("per_user", "per_item", "lists")]
        job = resuming.job_digest(told, code, inputs)
        finished = resuming.Finished(files["digest"], job, outputs)
        if finished.there():
            log.info("%s is there", files["per_user"])
            continue
        finished.begin()
        evaluate(given, told, files)
        finished.finish()


def evaluate(given: argparse.Namespace, told: dict[str, Any], files: dict[str, Path]) -> None:
    """Rank once and write what came of it."""
    features = read_array(files["clean_features"])
    attacked = read_table(given.attacked, ["item"])["item"].to_numpy()
    if "attacked_features" in files:
        features = with_rows(features, attacked, read_array(files["attacked_features"]))
    classes = read_table(files["predicted_classes"], ["item", "class"])
    seen = classes.loc[classes["class"] == told["source_class"], "item"].to_numpy()
    table = read_table(given.interactions)
    users = int(table["user"].max()) + 1
    if told.get("leave_out_attacked"):
        table = without_interactions(table, attacked)
    interactions = to_matrix(table, items=len(features), users=users)
    model = read_tensors_as_arrays(files["model"])
    try:
        learnt.check(model, users=users, items=len(features), features=features.shape[1])
    except InputError as error:
        raise InputError(f"{files['model']}: {error}") from error
    ranking = rank(
        dot_product_scores(learnt.ranking_factors(model, features)),
        interactions.train,
        interactions.held_out,
        attacked,
        length=told["length"],
    )
    write_array(files["lists"], ranking.lists.astype(np.int32, copy=False))
    write_table(
        files["per_user"], per_user(ranking, interactions.held_out, attacked, seen, told["k"])
    )
    write_table(files["per_item"], per_item(ranking, attacked, told["k"]))


if __name__ == "__main__":
    command.run(main)
