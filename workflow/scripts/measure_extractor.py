#!/usr/bin/env python3
"""Measure an extractor on labelled images: clean and robust accuracy, classes, agreement.

Options: network, epsilons (in 255ths), steps (of PGD, at least 20), seed (of the random starts),
batch_size, validation (the share that training kept out, measured alone; all if not given),
defended (whether it should be robust).
"""

from varbench.experiment import command
from varbench.experiment.device import torch_device
from varbench.experiment.training_images import held_out_images

from pathlib import Path

import pandas as pd
from tqdm import tqdm

from varbench.extractors import robustness
from varbench.extractors.networks import Extractor, build, for_inference, load_weights
from varbench.storage import read_tensors, write_table


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options)
    command.add_paths(options, weights="of the network", undefended="weights to compare with")
    command.add_paths(options, image_archive="that training had", labels="item, class; of it")
    command.add_paths(options, accuracy="out: a row")
    command.add_compute(options)
    given = options.parse_args()
    chosen = given.options
    device = torch_device(given.device, given.threads)
    images, labels = held_out_images(given.image_archive, given.labels, chosen)

    def network(weights: Path) -> Extractor:
        built = build(**chosen["network"])
        load_weights(built, read_tensors(weights))
        return for_inference(built).to(device)

    with tqdm(total=len(images), unit="image", mininterval=10) as progress:
        found = robustness.measure(
            network(given.weights),
            images,
            labels,
            epsilons=chosen["epsilons"],
            steps=chosen["steps"],
            seed=chosen["seed"],
            batch_size=chosen["batch_size"],
            device=device,
            progress=progress.update,
        )
    other = robustness.predict(network(given.undefended), images, chosen["batch_size"], device)
    row = robustness.row(found, labels, other, defended=chosen["defended"])
    write_table(given.accuracy, pd.DataFrame([row]))


if __name__ == "__main__":
    command.run(main)
