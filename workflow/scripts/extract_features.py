"""Compute the features and the predicted class of every image of a catalogue."""

import pandas as pd
from varbench.extractors.extract import read_out
from varbench.extractors.networks import build, for_inference, load_weights

from varbench.image_archive import ImageArchive
from varbench.storage import read_tensors, write_array, write_table
from varbench.workflow import command


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--network", type=command.block, required=True, help="as JSON")
    options.add_argument("--batch-size", type=int, required=True)
    command.add_paths(options, weights="of the extractor", images="archive")
    command.add_paths(options, features="out", classes="out")
    command.add_compute(options)
    given = options.parse_args()
    device = command.torch_device(given.device, given.threads)

    network = build(**given.network, seed=0)
    load_weights(network, read_tensors(given.weights))
    network = for_inference(network).to(device)
    archive = ImageArchive(given.images)
    result = read_out(network, archive.read, archive.items, given.batch_size, device)
    write_array(given.features, result.features)
    write_table(
        given.classes,
        pd.DataFrame(
            {
                "item": archive.items,
                "class": result.classes,
                "probability": result.probabilities,
            }
        ),
    )


if __name__ == "__main__":
    command.run(main)
