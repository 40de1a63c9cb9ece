#!/usr/bin/env python3
"""Train a recommender, once for each seed, on a catalogue that may hold attacked images.

Every training has its own files, at the same place of each option. One that is there already, made
by the same command from the same files, is left as it is. The others are trained one by one, or all
together on a GPU, which one alone leaves idle.
"""

from varbench.experiment import command, resuming

import argparse
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from varbench.catalogues.cold_start import without_interactions
from varbench.catalogues.features import largest, with_rows
from varbench.catalogues.interactions import some_users, to_matrix
from varbench.registry import resolve
from varbench.storage import read_array, read_table, read_tensors, write_table, write_tensors

if TYPE_CHECKING:
    from torch import Tensor

    from varbench.recommenders.stack import Training
    from varbench.recommenders.state import State

log = logging.getLogger("train_recommender")
STACKED = {"cuda"}  # kinds of device on which trainings run together


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
    missing = []
    for part in parts(given, dict(given.options)):
        if part.finished.there():
            log.info("%s is there", part.files["model"])
        else:
            missing.append(part)
    if missing:
        train(given, given.options, missing)


@dataclass(frozen=True)
class Part:
    """One seed of the job: its files, what it depends on, and whether it is there."""

    seed: int
    files: dict[str, Path]
    job: str
    finished: resuming.Finished


def parts(given: argparse.Namespace, told: dict[str, Any]) -> Iterator[Part]:
    code = resuming.code_of(given, __file__, "recommender", told["recommender"]["method"])
    for place, seed in enumerate(told.pop("seeds")):
        files = {
            name: paths[place]
            for name, paths in vars(given).items()
            if isinstance(paths, list) and paths
        }
        read = ["clean_features", "attacked_features", "start"]
        inputs = [given.interactions, given.attacked, *(files.get(name) for name in read)]
        job = resuming.job_digest({**told, "seed": seed}, code, inputs, given.device)
        outputs = [files[name] for name in ("model", "training_log", "halfway")]
        yield Part(seed, files, job, resuming.Finished(files["digest"], job, outputs))


def train(given: argparse.Namespace, told: dict[str, Any], missing: list[Part]) -> None:
    """Train the parts that are missing, and write their results."""
    from varbench.experiment.device import torch_device

    from varbench.recommenders.stack import stacks

    device = torch_device(given.device, given.threads)
    method, parameters = command.method_and_parameters(told["recommender"])
    parameters.pop("feature_scale", None)
    table = read_table(given.interactions)
    begun = (begin(given, told, table, part) for part in missing)
    groups: Iterable[list[Begun]] = ([one] for one in begun)  # the data of one at a time
    if device.type in STACKED:
        every = list(begun)
        groups = [[every[n] for n in places] for places in stacks([one.training for one in every])]
    checkpoints = []
    for group in groups:
        trainings = [one.training for one in group]
        states = resolve("recommender", method)(trainings, device=device, **parameters)
        for one, state in zip(group, states, strict=True):
            write(one, state)
            checkpoints.append(one.checkpoint)
    for checkpoint in checkpoints:
        checkpoint.remove()


@dataclass(frozen=True)
class Begun:
    """A part whose data are read.

    Attributes
    ----------
    scale
        What its features are divided by.
    unknown
        (users,), those of whom nothing is learnt; None where that may stay as it began.
    cold
        Items of which nothing is learnt.
    epochs, halfway
        The log, and the state after half of the epochs: both fill while it is trained.
    checkpoint
        What a killed job goes on from.
    """

    part: Part
    training: "Training"
    scale: float
    unknown: NDArray[np.bool_] | None
    cold: NDArray[np.int64]
    epochs: list[dict[str, float]]
    halfway: "dict[str, Tensor]"
    checkpoint: resuming.Checkpoint


def begin(
    given: argparse.Namespace, told: dict[str, Any], table: pd.DataFrame, part: Part
) -> Begun:
    """Read what a part is trained on, and how far it was; its results are in the making now."""
    from varbench.recommenders.stack import Training
    from varbench.recommenders.state import from_tensors

    part.finished.begin()
    files, block = part.files, told["recommender"]
    clean = read_array(files["clean_features"])
    items = np.empty(0, np.int64)
    if given.attacked:
        items = read_table(given.attacked, ["item"])["item"].to_numpy()
    features = clean
    if "attacked_features" in files:
        features = with_rows(clean, items, read_array(files["attacked_features"]))
    users = int(table["user"].max()) + 1
    cold = told.get("leave_out_attacked", False)
    if cold:
        table = without_interactions(table, items)
    interactions = to_matrix(table, items=len(clean), users=users)
    share = told.get("share_of_users", 1)
    train_on = some_users(interactions.train, share, part.seed)
    scale = largest(clean if block.get("feature_scale", "clean") == "clean" else features)

    checkpoint = resuming.Checkpoint(files["model"], part.job, given.checkpoint_every)
    reached = checkpoint.load() or {"epochs": [], "state": None, "halfway": {}}
    epochs, halfway = reached["epochs"], reached["halfway"]
    start = from_tensors(read_tensors(files["start"])) if "start" in files else None
    half = (start.epoch if start else 0) + max(1, block["epochs"] // 2)

    def keep(state: "State") -> None:
        if state.epoch == half:
            halfway.update({name: tensor.clone() for name, tensor in state.tensors().items()})
        checkpoint.save(lambda: {"epochs": epochs, "state": state.tensors(), "halfway": halfway})

    training = Training(
        train_on,
        np.divide(features, scale, dtype=np.float32),
        part.seed,
        log=epochs.append,
        start=start,
        resume=from_tensors(reached["state"]) if reached["state"] else None,
        checkpoint=keep,
    )
    unknown = None if share == 1 else train_on.getnnz(axis=1) == 0
    return Begun(
        part, training, float(scale), unknown, items if cold else items[:0], epochs, halfway,
        checkpoint,
    )  # fmt: skip


def write(done: Begun, state: "State") -> None:
    """Write a part's results."""
    import torch

    from varbench.recommenders.learnt import SCALE

    if done.unknown is not None:  # users that were left out
        unknown = torch.from_numpy(done.unknown)
        state.user_factors[unknown] = state.user_visual_factors[unknown] = 0
    state.item_factors[torch.from_numpy(done.cold)] = 0  # what was never learnt counts as nothing
    files = done.part.files
    write_tensors(files["halfway"], done.halfway)
    write_table(files["training_log"], pd.DataFrame(done.epochs))
    write_tensors(files["model"], state.learnt() | {SCALE: torch.tensor([done.scale])})
    done.part.finished.finish()


if __name__ == "__main__":
    command.run(main)
