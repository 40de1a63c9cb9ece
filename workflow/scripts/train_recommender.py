#!/usr/bin/env python3
"""Train a recommender, once for each seed, on a catalogue that may hold attacked images.

Every training has its own files, at the same place of each option. One that is there already, made
by the same command from the same files, is left as it is. The others are trained one by one, or all
together on a GPU, which one alone leaves idle.
"""

from varbench.experiment import command, resuming
from varbench.experiment.parts import Part, missing_parts
from varbench.experiment.resuming import Checkpoint

import argparse
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from varbench.storage import read_array, read_table, read_tensors, write_table, write_tensors

if TYPE_CHECKING:
    from varbench.experiment.recommending import Learner


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options, "recommender (a block), seeds, leave_out_attacked, share_of_users")
    command.add_paths(options, interactions="of the catalogue")
    command.add_each(options, clean_features="of the catalogue")
    command.add_optional(options, attacked="items that are attacked")
    command.add_each(options, attacked_features="of the attacked items")
    command.add_each(options, start="state to start from")
    command.add_each(
        options, model="out", training_log="out", digest="out: of what it is made from"
    )
    command.add_each(options, halfway="out: state after half of the epochs")
    command.add_compute(options)
    resuming.add_options(options)
    given = options.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    told = dict(given.options)
    seeds = told.pop("seeds")
    missing = missing_parts(
        given,
        [{**told, "seed": seed} for seed in seeds],
        resuming.code_of(given, __file__, "recommender", told["recommender"]["method"]),
        shared=[given.interactions, given.attacked],
        read=["clean_features", "attacked_features", "start"],
        made=["model", "training_log", "halfway"],
        device=given.device,
    )
    if missing:  # else torch need not be imported
        train(given, missing)


def train(given: argparse.Namespace, parts: list[Part]) -> None:
    """Train the parts that are missing, and write their results."""
    from varbench.experiment import recommending
    from varbench.experiment.device import torch_device

    device = torch_device(given.device, given.threads)
    table = read_table(given.interactions)
    checkpoints = []

    def learners() -> "Iterator[Learner]":
        for part in parts:
            checkpoint = Checkpoint(part.files["model"], part.job, given.checkpoint_every)
            checkpoints.append(checkpoint)
            yield learner(given, table, part, checkpoint)

    block = given.options["recommender"]
    for place, trained, state in recommending.train(learners(), block, device):
        part = parts[place]
        write_tensors(part.files["halfway"], trained.halfway)
        write_table(part.files["training_log"], pd.DataFrame(trained.epochs))
        write_tensors(part.files["model"], trained.learnt(state))
        part.finished.finish()
    # Not earlier: of a job that fails Snakemake takes back all outputs, finished ones too.
    for checkpoint in checkpoints:
        checkpoint.remove()


def learner(
    given: argparse.Namespace,
    table: pd.DataFrame,
    part: Part,
    checkpoint: Checkpoint,
) -> "Learner":
    """Read what a part is trained on, and how far it was; its results are in the making now."""
    from varbench.experiment import recommending

    from varbench.recommenders.state import from_tensors

    part.finished.begin()
    files, told = part.files, part.told
    items, attacked = np.empty(0, np.int64), None
    if given.attacked:
        items = read_table(given.attacked, ["item"])["item"].to_numpy()
    if "attacked_features" in files:
        attacked = read_array(files["attacked_features"])
    return recommending.learner(
        table,
        read_array(files["clean_features"]),
        items,
        attacked,
        recommender=told["recommender"],
        seed=told["seed"],
        reached=checkpoint.load(),
        keep=checkpoint.save,
        start=from_tensors(read_tensors(files["start"])) if "start" in files else None,
        leave_out_attacked=told.get("leave_out_attacked", False),
        share_of_users=told.get("share_of_users", 1),
    )


if __name__ == "__main__":
    command.run(main)
