#!/usr/bin/env python3
"""Train an extractor on labelled images, from scratch or from another extractor's weights."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from varbench.errors import InputError
from varbench.extractors.networks import build, load_weights
from varbench.image_archive import ImageArchive
from varbench.registry import resolve
from varbench.seeds import derive
from varbench.storage import read_table, read_tensors, write_table, write_tensors
from varbench.workflow import command, resuming


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--network", type=command.block, required=True, help="as JSON")
    options.add_argument("--defense", type=command.block, required=True, help="as JSON")
    options.add_argument("--validation", type=float, default=0.1, help="share of images held out")
    options.add_argument("--start-from", type=Path, help="weights to start from")
    options.add_argument("--seed", type=int, required=True)
    command.add_paths(options, images="archive", labels="item, class", weights="out", log="out")
    command.add_compute(options)
    resuming.add_options(options)
    given = options.parse_args()
    device = command.torch_device(given.device, given.threads)
    method, parameters = command.method_and_parameters(given.defense)
    inputs = [given.images, given.labels, given.start_from]
    job = resuming.job_digest(__file__, ("defense", method), given, inputs, device)
    checkpoint = resuming.Checkpoint(given.weights, job, given.checkpoint_every)

    network = build(**given.network, seed=derive("extractor", given.seed)).to(device)
    if given.start_from:
        load_weights(network, read_tensors(given.start_from))
    labels = read_table(given.labels, ["item", "class"])
    images = np.stack(ImageArchive(given.images).read(labels["item"].tolist()))
    classes = labels["class"].to_numpy()
    order = np.random.default_rng(derive("validation", given.seed)).permutation(len(labels))
    held_out, training = np.split(order, [round(given.validation * len(order))])
    if not len(held_out) or not len(training):
        raise InputError(f"{given.labels}: {len(labels)} images are too few to train on")

    reached = checkpoint.load() or {"epochs": [], "training": None}
    epochs: list[dict[str, float]] = reached["epochs"]

    def keep(training: dict[str, Any]) -> None:
        checkpoint.save(lambda: {"epochs": epochs, "training": training})

    with tqdm(desc="epochs", unit="epoch", mininterval=10, initial=len(epochs)) as progress:

        def record(epoch: dict[str, float]) -> None:
            epochs.append(epoch)
            progress.set_postfix(epoch, refresh=False)
            progress.update()

        train = partial(resolve("defense", method), network, images[training], classes[training])
        train(
            validation=(images[held_out], classes[held_out]),
            seed=given.seed,
            device=device,
            log=record,
            checkpoint=keep,
            resume=reached["training"],
            **parameters,
        )
    write_table(given.log, pd.DataFrame(epochs))
    write_tensors(given.weights, network.network.state_dict())
    checkpoint.remove()


if __name__ == "__main__":
    command.run(main)
