#!/usr/bin/env python3
"""Train an extractor on labelled images, from scratch or from another extractor's weights.

The images are an archive with their classes in a table, or a folder with train/CLASS and val/CLASS.
Options: network, defense, seed, validation (the share of an archive that is held out), image_size
(of what the network will see; null where images keep theirs), training_size (of a folder's crops).
"""

from varbench.experiment import command, resuming
from varbench.experiment.device import torch_device
from varbench.experiment.launching import in_processes
from varbench.experiment.training_images import open_images

from pathlib import Path

import pandas as pd
from tqdm import tqdm

from varbench.extractors import processes
from varbench.extractors.networks import build, load_weights
from varbench.extractors.sizes import check_size
from varbench.registry import resolve
from varbench.seeds import derive
from varbench.storage import read_tensors, write_table, write_tensors


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options)
    command.add_optional(options, image_archive="to train on", labels="item, class; of it")
    options.add_argument(
        "--halves", type=Path, nargs=2, help="in its place: train, val of a folder"
    )
    command.add_optional(options, start="weights to start from")
    command.add_paths(options, weights="out", training_log="out")
    command.add_compute(options)
    resuming.add_options(options)
    given = options.parse_args()
    chosen = given.options
    method, parameters = command.method_and_parameters(chosen["defense"])
    device = torch_device(given.device, given.threads)
    images = given.halves[0].parent if given.halves else given.image_archive
    data = open_images(images, given.labels, chosen, workers=given.threads)
    device = in_processes(parameters.pop("processes", 1), device, given.threads)

    code = resuming.code_of(given, __file__, "defense", method)
    inputs = [images, given.labels, given.start]
    job = resuming.job_digest(chosen, code, inputs, device.type)
    checkpoint = resuming.Checkpoint(given.weights, job, given.checkpoint_every)
    network = build(**chosen["network"], seed=derive("extractor", chosen["seed"])).to(device)
    check_size(network, chosen.get("image_size"))
    check_size(network, max(data.size), "training_images.image_size")
    if given.start:
        load_weights(network, read_tensors(given.start))
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
            seed=chosen["seed"],
            device=device,
            log=record,
            keeper=checkpoint,
            resume=reached,
            **parameters,
        )
    if first:
        write_table(given.training_log, pd.DataFrame(epochs))
        write_tensors(given.weights, network.network.state_dict())
        checkpoint.remove()
    processes.leave()


if __name__ == "__main__":
    command.run(main)
