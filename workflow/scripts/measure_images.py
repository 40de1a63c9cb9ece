#!/usr/bin/env python3
"""Measure how far the eye sees attacked images from the clean ones."""

from varbench.experiment import command

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from varbench.grouping import by_size, pieces
from varbench.image_archive import ImageArchive
from varbench.metrics import stand_in
from varbench.storage import write_table

PIECE = 16  # images that are in memory at a time
Images = Sequence[NDArray[np.uint8]]
Distances = Callable[[Images, Sequence[Images]], NDArray[np.float64]]


def lpips_distances(network: str, backbone: Path, device: str, threads: int) -> Distances:
    """Return what measures LPIPS; its imports take seconds, which a stand-in saves."""
    from varbench.experiment.device import torch_device

    from varbench.extractors.checkpoints import read_checkpoint
    from varbench.images import to_unit
    from varbench.metrics.perceptual import distances, lpips_model

    model = lpips_model(
        network, read_checkpoint(backbone), device=str(torch_device(device, threads))
    )

    def measure(clean: Images, attacked: Sequence[Images]) -> NDArray[np.float64]:
        found = distances(model, to_unit(clean), [to_unit(images) for images in attacked])
        return found.double().numpy()

    return measure


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options, "network (of LPIPS: vgg, squeeze or alex; none for the stand-in)")
    command.add_paths(options, image_archive="clean images", attacked_images="archive")
    command.add_optional(options, backbone="weights of LPIPS' network")
    command.add_paths(options, distances="out")
    command.add_compute(options)
    given = options.parse_args()

    clean, attacked = ImageArchive(given.image_archive), ImageArchive(given.attacked_images)
    items = np.asarray(attacked.items)
    measure: Distances = stand_in.stand_in_distances
    label = stand_in.label()
    if given.backbone:
        network = given.options["network"]
        measure = lpips_distances(network, given.backbone, given.device, given.threads)
        label = f"LPIPS ({network})"
    images = clean.read(items.tolist())
    distance, changed = np.empty(len(items)), 0
    for rows in pieces(by_size(images), PIECE):
        seen = attacked.read(items[rows].tolist())
        distance[rows] = measure([images[row] for row in rows], [seen])[0]
        changed += sum(
            not np.array_equal(images[row], s) for row, s in zip(rows, seen, strict=True)
        )
    if not changed:
        print(f"warning: {given.attacked_images}: all stored images equal the clean ones")
    table = pd.DataFrame({"item": items, "distance": distance})
    write_table(given.distances, table.assign(distance_label=label, is_lpips=bool(given.backbone)))


if __name__ == "__main__":
    command.run(main)
