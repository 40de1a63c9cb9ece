#!/usr/bin/env python3
"""Draw the figures: hit ratios, success against feature loss, and attacked images."""

from varbench.workflow import command

from pathlib import Path

import numpy as np

from varbench.image_archive import ImageArchive, resize
from varbench.reporting import figures
from varbench.reporting.labels import attack_labels
from varbench.storage import read_table, replacing

SHOWN = 4  # images of each dataset


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--labels", type=command.block, required=True, help="as JSON")
    options.add_argument("--attacks", type=command.block, required=True, help="as JSON")
    options.add_argument("--axes", type=command.block, required=True, help="names, as JSON")
    options.add_argument("--attack", required=True, help="folder of an attack, with {dataset} ...")
    options.add_argument("--clean", required=True, help="name of the attack that changes nothing")
    options.add_argument("--undefended", required=True, help="name of the defense that is none")
    options.add_argument("--k", type=int, required=True)
    options.add_argument("--confidence", type=float, required=True)
    options.add_argument("--folder", type=Path, required=True, help="out: folder of the figures")
    command.add_paths(options, chr="table 1", images="table 2")
    given = options.parse_args()
    labels = attack_labels(given.attacks) | given.labels

    drawn = {
        "chr": figures.chr_figure(
            read_table(given.chr),
            k=given.k,
            labels=labels,
            confidence=given.confidence,
            clean=given.clean,
        ),
        "success": figures.success_figure(
            read_table(given.images), labels=labels, clean=given.clean
        ),
    }
    for dataset in given.axes["dataset"]:
        images = {
            attack: _images(
                Path(given.attack.format(dataset=dataset, defense=given.undefended, attack=attack))
            )
            for attack in given.axes["attack"]
        }
        clean = images.pop(given.clean)
        shown = {labels[attack]: pixels for attack, pixels in images.items()}
        drawn[f"images_{dataset}"] = figures.examples_figure(clean, shown)
    for name, figure in drawn.items():
        for form in ("pdf", "png"):
            with replacing(given.folder / f"{name}.{form}") as temporary:
                temporary.write_bytes(figures.encoded(figure, form))


def _images(folder: Path) -> np.ndarray:
    archive = ImageArchive(folder / "images.zip")
    pixels = archive.read(archive.items[:SHOWN])
    # A figure has one size; native sizes are shown at the first image's width.
    return np.stack([resize(image, pixels[0].shape[0]) for image in pixels])


if __name__ == "__main__":
    command.run(main)
