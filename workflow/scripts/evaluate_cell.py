#!/usr/bin/env python3
"""Rank a catalogue for every user and compute a cell's metrics, per user and attacked item.

Each run and seed of the cell has a model, and its own files at the same place of each option. Those
that are there already, made by the same command from the same files, are left as they are.
"""

from varbench.experiment import command, resuming
from varbench.experiment.evaluating import Values, evaluate
from varbench.experiment.parts import Part, missing_parts

import argparse
import logging

import pandas as pd

from varbench.catalogues.features import with_rows
from varbench.errors import InputError
from varbench.recommenders import learnt
from varbench.storage import (
    read_array,
    read_table,
    read_tensors_as_arrays,
    write_array,
    write_table,
)


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
    missing = missing_parts(
        given,
        [told] * len(given.model),
        resuming.code_of(given, __file__),
        shared=[given.interactions, given.attacked],
        read=["model", "clean_features", "attacked_features", "predicted_classes"],
        made=["per_user", "per_item", "lists"],
    )
    for part in missing:
        part.finished.begin()
        write(part, evaluated(given, part, read_table(given.interactions)))
        part.finished.finish()


def write(part: Part, values: Values) -> None:
    """Write what is stored of a cell."""
    write_array(part.files["lists"], values.lists)
    write_table(part.files["per_user"], values.per_user)
    write_table(part.files["per_item"], values.per_item)


def evaluated(given: argparse.Namespace, part: Part, interactions: pd.DataFrame) -> Values:
    """Read what else a part is evaluated on, and evaluate it."""
    files, told = part.files, part.told
    attacked = read_table(given.attacked, ["item"])["item"].to_numpy()
    features = read_array(files["clean_features"])
    if "attacked_features" in files:
        features = with_rows(features, attacked, read_array(files["attacked_features"]))
    classes = read_table(files["predicted_classes"], ["item", "class"])
    seen = classes.loc[classes["class"] == told["source_class"], "item"].to_numpy()
    model = read_tensors_as_arrays(files["model"])
    users, (items, width) = int(interactions["user"].max()) + 1, features.shape
    try:
        learnt.check(model, users=users, items=items, features=width)
    except InputError as error:
        raise InputError(f"{files['model']}: {error}") from error
    return evaluate(
        model,
        interactions,
        features,
        attacked,
        seen,
        k=told["k"],
        length=told["length"],
        leave_out_attacked=told.get("leave_out_attacked", False),
    )


if __name__ == "__main__":
    command.run(main)
