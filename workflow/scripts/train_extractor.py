#!/usr/bin/env python3
"""Train an extractor on labelled images, from scratch or from another extractor's weights.

The images are an archive with their classes in a table, or a folder with train/CLASS and val/CLASS.
"""

from varbench.experiment import command, resuming
from varbench.experiment.device import torch_device
from varbench.experiment.launching import in_processes

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from varbench.errors import InputError
from varbench.extractors import processes
from varbench.extractors.data import Data, InMemory
from varbench.extractors.image_folder import Folder
from varbench.extractors.networks import build, load_weights
from varbench.image_archive import ImageArchive
from varbench.registry import resolve
from varbench.seeds import derive
from varbench.storage import read_table, read_tensors, write_table, write_tensors


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options, "network, defense, seed, validation, image_size")
    command.add_optional(options, image_archive="to train on", labels="item, class; of it")
    options.add_argument("--halves", type=Path, nargs=2, help="train and val of a folder")
    command.add_optional(options, start="weights to start from")
    command.add_paths(options, weights="out", training_log="out")
    command.add_compute(options)
    resuming.add_options(options)
    given = options.parse_args()
    code = resuming.code_of(given, __file__, "defense", given.options["defense"]["method"])
    given = argparse.Namespace(**vars(given) | given.options)
    given.log, given.start_from = given.training_log, given.start
    given.images = given.halves[0].parent if given.halves else given.image_archive
    method, parameters = command.method_and_parameters(given.defense)
    device = torch_device(given.device, given.threads)
    data = folder(given) if given.images.is_dir() else archive(given)
    device = in_processes(parameters.pop("processes", 1), device, given.threads)

    inputs = [given.images, given.labels, given.start_from]
    job = resuming.job_digest(given.options, code, inputs, device.type)
    checkpoint = resuming.Checkpoint(given.weights, job, given.checkpoint_every)
    network = build(**given.network, seed=derive("extractor", given.seed)).to(device)
    if given.start_from:
        load_weights(network, read_tensors(given.start_from))
    reached = checkpoint.load()
    first = processes.rank() == 0
    with tqdm(
        desc="epochs", unit="epoch", mininterval=10, disable=not first,
        initial=len(reached["epochs"]) if reached else 0,
    ) as progress:  # fmt: skip

        def record(epoch: dict[str, float]) -> None:
            progress.set_postfix(epoch, refresh=False)
            progress.update()

        epochs = resolve("defense", method)(
            network,
            data,
            seed=given.seed,
            device=device,
            log=record,
            keeper=checkpoint,
            resume=reached,
            **parameters,
        )
    if first:
        write_table(given.log, pd.DataFrame(epochs))
        write_tensors(given.weights, network.network.state_dict())
        checkpoint.remove()
    processes.leave()


def folder(given: argparse.Namespace) -> Data:
    """Return the images of a folder."""
    return Folder(
        given.images,
        classes=given.network["classes"],
        size=given.image_size,
        workers=given.threads,
    )


def archive(given: argparse.Namespace) -> Data:
    """Return the images of an archive, some of them held out."""
    if given.labels is None:
        raise InputError(f"{given.images}: the images of an archive need --labels")
    labels = read_table(given.labels, ["item", "class"])
    images = np.stack(ImageArchive(given.images).read(labels["item"].tolist()))
    classes = labels["class"].to_numpy()
    order = np.random.default_rng(derive("validation", given.seed)).permutation(len(labels))
    held_out, training = np.split(order, [round(given.validation * len(order))])
    if not len(held_out) or not len(training):
        raise InputError(f"{given.labels}: {len(labels)} images are too few to train on")
    return InMemory(
        images[training],
        classes[training],
        validation=(images[held_out], classes[held_out]),
        classes=given.network["classes"],
    )


if __name__ == "__main__":
    command.run(main)
