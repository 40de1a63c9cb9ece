#!/usr/bin/env python3
"""Draw some images of a dataset, clean and attacked."""

from varbench.experiment import command

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from varbench.image_archive import ImageArchive, resize
from varbench.reporting import figures
from varbench.reporting.labels import attack_labels
from varbench.storage import read_table

SHOWN = 4  # images


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--dataset", required=True, help="its name")
    options.add_argument("--labels", type=command.block, required=True, help="as JSON")
    options.add_argument("--attacks", type=command.block, required=True, help="as JSON")
    options.add_argument("--images", type=Path, nargs="+", required=True, help="of each attack")
    options.add_argument("--folder", type=Path, required=True, help="out: folder of the figure")
    command.add_paths(options, catalogue="archive", attacked="items that are attacked")
    given = options.parse_args()
    labels = attack_labels(given.attacks) | given.labels

    items = read_table(given.attacked, ["item"])["item"].tolist()[:SHOWN]
    attacked = {
        labels[attack]: _pixels(path, items)
        for attack, path in zip(given.attacks, given.images, strict=True)
    }
    figure = figures.examples_figure(_pixels(given.catalogue, items), attacked)
    figures.write(given.folder, f"images_{given.dataset}", figure)


def _pixels(archive: Path, items: list[int]) -> NDArray[np.uint8]:
    pixels = ImageArchive(archive).read(items)
    # A figure has one size; native sizes are shown at the first image's width.
    return np.stack([resize(image, pixels[0].shape[0]) for image in pixels])


if __name__ == "__main__":
    command.run(main)
