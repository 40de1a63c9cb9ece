#!/usr/bin/env python3
"""Train a recommender, once for each seed, on a catalogue that may hold attacked images.

Every training has its own files, at the same place of each option. One that is there already, made
by the same command from the same files, is left as it is.
"""

from varbench.experiment import command, resuming

import argparse
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from varbench.catalogues.cold_start import without_interactions
from varbench.catalogues.features import largest, with_rows
from varbench.catalogues.interactions import some_users, to_matrix
from varbench.registry import resolve
from varbench.storage import read_array, read_table, read_tensors, write_table, write_tensors

log = logging.getLogger("train_recommender")


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
    code = resuming.code_of(given, __file__, "recommender", told["recommender"]["method"])
    checkpoints = []
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
        finished = resuming.Finished(files["digest"], job, outputs)
        if finished.there():
            log.info("%s is there", files["model"])
            continue
        finished.begin()
        checkpoints.append(train(given, told, seed, files, job))
        finished.finish()
    for checkpoint in checkpoints:
        checkpoint.remove()


def train(
    given: argparse.Namespace, told: dict[str, Any], seed: int, files: dict[str, Path], job: str
) -> resuming.Checkpoint:
    """Train once and write the results; return the checkpoint, which a killed job goes on from."""
    from varbench.experiment.device import torch_device

    import torch

    from varbench.recommenders.learnt import SCALE
    from varbench.recommenders.state import State, from_tensors

    device = torch_device(given.device, given.threads)
    method, parameters = command.method_and_parameters(told["recommender"])
    clean = read_array(files["clean_features"])
    table = read_table(given.interactions)
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
    train_on = some_users(interactions.train, told.get("share_of_users", 1), seed)
    scale = largest(clean if parameters.pop("feature_scale", "clean") == "clean" else features)

    checkpoint = resuming.Checkpoint(files["model"], job, given.checkpoint_every)
    reached = checkpoint.load() or {"epochs": [], "state": None, "halfway": {}}
    epochs: list[dict[str, float]] = reached["epochs"]
    halfway: dict[str, torch.Tensor] = reached["halfway"]
    start = from_tensors(read_tensors(files["start"])) if "start" in files else None
    half = (start.epoch if start else 0) + max(1, parameters["epochs"] // 2)

    def keep(state: State) -> None:
        if state.epoch == half:
            halfway.update({name: tensor.clone() for name, tensor in state.tensors().items()})
        checkpoint.save(lambda: {"epochs": epochs, "state": state.tensors(), "halfway": halfway})

    state = resolve("recommender", method)(
        train_on,
        features / scale,
        seed=seed,
        device=device,
        start=start,
        log=epochs.append,
        checkpoint=keep,
        resume=from_tensors(reached["state"]) if reached["state"] else None,
        **parameters,
    )
    unknown = torch.from_numpy(train_on.getnnz(axis=1) == 0)
    if told.get("share_of_users", 1) != 1:  # nor of users that were left out
        state.user_factors[unknown] = state.user_visual_factors[unknown] = 0
    if cold:
        state.item_factors[torch.from_numpy(items)] = 0  # what was never learnt counts as nothing
    write_tensors(files["halfway"], halfway)
    write_table(files["training_log"], pd.DataFrame(epochs))
    write_tensors(files["model"], state.learnt() | {SCALE: torch.tensor([float(scale)])})
    return checkpoint


if __name__ == "__main__":
    command.run(main)
