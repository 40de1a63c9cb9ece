#!/usr/bin/env python3
"""Convert trained weights from a file of torch tensors into this project's format."""

from varbench.experiment import command

import pandas as pd

from varbench.errors import InputError
from varbench.extractors.checkpoints import read_checkpoint
from varbench.extractors.networks import build, load_weights
from varbench.storage import write_table, write_tensors


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options, "network")
    command.add_paths(options, checkpoint="weights", weights="out", training_log="out: no epochs")
    given = options.parse_args()
    network_of = given.options["network"]
    network = build(**network_of, seed=0)
    weights = read_checkpoint(given.checkpoint)
    try:
        load_weights(network, weights)
    except InputError as error:
        raise InputError(
            f"{given.checkpoint}: {error}; it should be of extractor.architecture, "
            f"{network_of['architecture']}, for {network_of['classes']} classes"
        ) from error
    write_table(given.training_log, pd.DataFrame({"epoch": []}))  # nothing was trained here
    write_tensors(given.weights, network.network.state_dict())


if __name__ == "__main__":
    command.run(main)
