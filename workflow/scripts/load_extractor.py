#!/usr/bin/env python3
"""Convert trained weights from a file of torch tensors into this project's format.

Options: network, image_size (null where images keep theirs), weights_key (or null).
"""

from varbench.experiment import command

import pandas as pd

from varbench.extractors.networks import build
from varbench.extractors.pretrained import load
from varbench.extractors.sizes import check_size
from varbench.storage import write_table, write_tensors


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options)
    command.add_paths(options, checkpoint="weights", weights="out", training_log="out: no epochs")
    given = options.parse_args()
    network = build(**given.options["network"])
    check_size(network, given.options.get("image_size"))
    load(network, given.checkpoint, weights_key=given.options.get("weights_key"))
    write_table(given.training_log, pd.DataFrame({"epoch": []}))  # nothing was trained here
    write_tensors(given.weights, network.network.state_dict())


if __name__ == "__main__":
    command.run(main)
