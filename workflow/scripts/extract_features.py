#!/usr/bin/env python3
"""Compute the features and the predicted class of every image of a catalogue."""

from varbench.experiment import command
from varbench.experiment.device import torch_device

import numpy as np
import pandas as pd

from varbench.extractors.extract import read_out
from varbench.extractors.networks import build, for_inference, load_weights
from varbench.image_archive import ImageArchive
from varbench.storage import read_tensors, write_array, write_table

CHUNK = 2000


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options, "network, batch_size")
    command.add_paths(options, weights="of the extractor", image_archive="of the catalogue")
    command.add_paths(options, features="out", predicted_classes="out")
    command.add_compute(options)
    given = options.parse_args()
    device = torch_device(given.device, given.threads)

    network = build(**given.options["network"], seed=0)
    load_weights(network, read_tensors(given.weights))
    network = for_inference(network).to(device)
    archive = ImageArchive(given.image_archive)
    # Some thousand images at a time, so that a large catalogue does not fill the memory.
    parts = [
        read_out(
            network,
            archive.read(archive.items[start : start + CHUNK]),
            given.options["batch_size"],
            device,
        )
        for start in range(0, len(archive.items), CHUNK)
    ]
    write_array(given.features, np.concatenate([part.features for part in parts]))
    write_table(
        given.predicted_classes,
        pd.DataFrame(
            {
                "item": archive.items,
                "class": np.concatenate([part.classes for part in parts]),
                "probability": np.concatenate([part.probabilities for part in parts]),
            }
        ),
    )


if __name__ == "__main__":
    command.run(main)
