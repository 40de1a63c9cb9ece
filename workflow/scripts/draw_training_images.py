#!/usr/bin/env python3
"""Draw the labelled images that the extractors are trained on (never the catalogue's)."""

from varbench.experiment import command

import pandas as pd

from varbench.catalogues.generated import training_images
from varbench.image_archive import write_images
from varbench.storage import write_table


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(
        options, "categories (in the order of classes), per_category, image_size, seed"
    )
    options.add_argument("--processes", type=int, default=1, help="that draw side by side")
    command.add_paths(options, image_archive="out", labels="out")
    given = options.parse_args()
    images, labels = training_images(**given.options, processes=given.processes)
    write_images(given.image_archive, enumerate(images))
    write_table(given.labels, pd.DataFrame({"item": range(len(labels)), "class": labels}))


if __name__ == "__main__":
    command.run(main)
