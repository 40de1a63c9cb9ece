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
    options.add_argument("--network", type=command.block, required=True, help="as JSON")
    command.add_paths(options, checkpoint="weights", weights="out", log="out: no epochs")
    given = options.parse_args()
    network = build(**given.network, seed=0)
    weights = read_checkpoint(given.checkpoint)
    try:
        load_weights(network, weights)
    except InputError as error:
        raise InputError(
            f"{given.checkpoint}: {error}; it should be of extractor.architecture, "
            f"{given.network['architecture']}, for {given.network['classes']} classes"
        ) from error
    write_table(given.log, pd.DataFrame({"epoch": []}))  # nothing was trained here
    write_tensors(given.weights, network.network.state_dict())


if __name__ == "__main__":
    command.run(main)
