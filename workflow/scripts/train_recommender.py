#!/usr/bin/env python3
"""Train a recommender on the poisoned catalogue of a cell."""

from varbench.experiment import command, resuming
from varbench.experiment.device import torch_device

from pathlib import Path

import numpy as np
import pandas as pd
from torch import Tensor

from varbench.catalogues.features import poison
from varbench.catalogues.interactions import to_matrix
from varbench.recommenders.state import State, from_tensors, ranking_factors
from varbench.registry import resolve
from varbench.storage import read_array, read_table, read_tensors, write_table, write_tensors


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--recommender", type=command.block, required=True, help="as JSON")
    options.add_argument("--seed", type=int, required=True)
    options.add_argument("--start", type=Path, help="state to start from")
    command.add_paths(options, halfway="out: state after half of the epochs")
    command.add_paths(options, interactions="of the catalogue", clean="features of the catalogue")
    options.add_argument("--attacked", type=Path, help="items that are attacked, if any")
    options.add_argument("--features", type=Path, help="of the attacked items")
    command.add_paths(options, model="out", log="out")
    command.add_compute(options)
    resuming.add_options(options)
    given = options.parse_args()
    device = torch_device(given.device, given.threads)
    method, parameters = command.method_and_parameters(given.recommender)
    inputs = [given.interactions, given.clean, given.attacked, given.features, given.start]
    job = resuming.job_digest(__file__, ("recommender", method), given, inputs, device)
    checkpoint = resuming.Checkpoint(given.model, job, given.checkpoint_every)

    clean = read_array(given.clean)
    items, attacked = np.empty(0, np.int64), clean[:0]
    if given.attacked:
        items = read_table(given.attacked, ["item"])["item"].to_numpy()
        attacked = read_array(given.features)
    interactions = to_matrix(read_table(given.interactions), items=len(clean))
    features = poison(clean, items, attacked, scale=parameters.pop("feature_scale", "clean"))

    reached = checkpoint.load() or {"epochs": [], "state": None, "halfway": {}}
    epochs: list[dict[str, float]] = reached["epochs"]
    halfway: dict[str, Tensor] = reached["halfway"]

    start = from_tensors(read_tensors(given.start)) if given.start else None
    half = (start.epoch if start else 0) + max(1, parameters["epochs"] // 2)

    def keep(state: State) -> None:
        if state.epoch == half:
            halfway.update({name: tensor.clone() for name, tensor in state.tensors().items()})
        checkpoint.save(lambda: {"epochs": epochs, "state": state.tensors(), "halfway": halfway})

    state = resolve("recommender", method)(
        interactions.train,
        features,
        seed=given.seed,
        device=device,
        start=start,
        log=epochs.append,
        checkpoint=keep,
        resume=from_tensors(reached["state"]) if reached["state"] else None,
        **parameters,
    )
    write_tensors(given.halfway, halfway)
    write_table(given.log, pd.DataFrame(epochs))
    write_tensors(given.model, ranking_factors(state, features))
    checkpoint.remove()


if __name__ == "__main__":
    command.run(main)
