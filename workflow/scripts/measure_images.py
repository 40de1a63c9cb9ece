#!/usr/bin/env python3
"""Measure what a network's attacks changed, image by image: success, features, perception.

All attacks together: the clean images pass through LPIPS' network once.
"""

from varbench.experiment import command

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from varbench.errors import InputError
from varbench.grouping import by_size, pieces
from varbench.image_archive import ImageArchive
from varbench.metrics import stand_in
from varbench.metrics.visual import feature_losses
from varbench.storage import read_array, read_table, write_table

PIECE = 16  # images of each attack that are in memory at a time
Images = Sequence[NDArray[np.uint8]]
Distances = Callable[[Images, Sequence[Images]], NDArray[np.float64]]


def lpips_distances(network: str, backbone: str, device: str, threads: int) -> Distances:
    """Return what measures LPIPS; its imports take seconds, which a stand-in saves."""
    from varbench.experiment.device import torch_device

    from varbench.extractors.checkpoints import read_checkpoint
    from varbench.images import to_unit
    from varbench.metrics.perceptual import distances, lpips_model

    model = lpips_model(
        network, read_checkpoint(Path(backbone)), device=str(torch_device(device, threads))
    )

    def measure(clean: Images, attacked: Sequence[Images]) -> NDArray[np.float64]:
        found = distances(model, to_unit(clean), [to_unit(images) for images in attacked])
        return found.double().numpy()

    return measure


def outcomes(attacks: Sequence[Path]) -> list[pd.DataFrame]:
    """Read what became of each attack's images, which are the same items in the same order."""
    tables = [
        read_table(folder / "outcome.parquet", ["item", "class_before", "success"])
        for folder in attacks
    ]
    for folder, table in zip(attacks, tables, strict=True):
        if not table["item"].equals(tables[0]["item"]):
            raise InputError(
                f"{folder}: other items than in {attacks[0]}; delete both and run again"
            )
    return tables


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--perceptual", required=True, help="backbone: vgg, squeeze or alex")
    options.add_argument("--backbone", required=True, help="file of weights, or stand-in")
    options.add_argument("--source-class", type=int, required=True)
    options.add_argument("--target-class", type=int, required=True)
    options.add_argument("--attacks", nargs="+", required=True, help="names")
    options.add_argument("--attack", required=True, help="folder of an attack, with {attack}")
    command.add_paths(options, clean_images="archive", clean_features="of the catalogue")
    command.add_paths(options, output="out")
    command.add_compute(options)
    given = options.parse_args()

    folders = [Path(given.attack.format(attack=name)) for name in given.attacks]
    tables = outcomes(folders)
    items = tables[0]["item"].to_numpy()
    clean = ImageArchive(given.clean_images).read(items.tolist())
    archives = [ImageArchive(folder / "images.zip") for folder in folders]
    is_lpips = given.backbone != "stand-in"
    measure = (
        lpips_distances(given.perceptual, given.backbone, given.device, given.threads)
        if is_lpips
        else stand_in.stand_in_distances
    )
    distance = np.empty((len(folders), len(items)))
    for rows in pieces(by_size(clean), PIECE):
        attacked = [archive.read(items[rows].tolist()) for archive in archives]
        distance[:, rows] = measure([clean[row] for row in rows], attacked)

    before = read_array(given.clean_features)[items]
    parts = [
        table[["item", "success"]].assign(
            attack=name,
            in_source_before=table["class_before"] == given.source_class,
            in_target_before=table["class_before"] == given.target_class,
            feature_loss=feature_losses(before, read_array(folder / "features.npy")),
            distance=distances,
        )
        for name, folder, table, distances in zip(
            given.attacks, folders, tables, distance, strict=True
        )
    ]
    label = f"LPIPS ({given.perceptual})" if is_lpips else stand_in.label()
    every = pd.concat(parts, ignore_index=True)
    write_table(given.output, every.assign(distance_label=label, is_lpips=is_lpips))


if __name__ == "__main__":
    command.run(main)
