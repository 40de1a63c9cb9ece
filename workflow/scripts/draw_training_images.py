#!/usr/bin/env python3
"""Draw the labelled images that the extractors are trained on (never the catalogue's)."""

from varbench.experiment import command

import pandas as pd

from varbench.catalogues.generated import training_images
from varbench.image_archive import write_images
from varbench.storage import write_table


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--categories", nargs="+", required=True, help="in the order of classes")
    options.add_argument("--per-category", type=int, required=True, help="images a category")
    options.add_argument("--image-size", type=int, required=True, help="side in pixels")
    options.add_argument("--seed", type=int, required=True)
    options.add_argument("--processes", type=int, default=1, help="that draw side by side")
    command.add_paths(options, images="out", labels="out")
    given = options.parse_args()
    images, labels = training_images(
        categories=given.categories,
        per_category=given.per_category,
        image_size=given.image_size,
        seed=given.seed,
        processes=given.processes,
    )
    write_images(given.images, enumerate(images))
    write_table(given.labels, pd.DataFrame({"item": range(len(labels)), "class": labels}))


if __name__ == "__main__":
    command.run(main)
