#!/usr/bin/env python3
"""Measure what an attack changed, image by image: success, feature loss, perceptual distance."""

from varbench.workflow import command

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from varbench.image_archive import ImageArchive
from varbench.metrics import stand_in
from varbench.metrics.visual import feature_losses
from varbench.storage import read_array, read_table, write_table

Images = Sequence[NDArray[np.uint8]]


def lpips_distances(
    network: str, backbone: str, clean: Images, attacked: Images, device: str, threads: int
) -> NDArray[np.float64]:
    """Return LPIPS of each image, (N,); its imports take seconds, which a stand-in saves."""
    from varbench.workflow.device import torch_device

    from varbench.extractors.checkpoints import read_checkpoint
    from varbench.images import by_size, to_unit
    from varbench.metrics.perceptual import distances, lpips_model

    weights = None if backbone == "download" else read_checkpoint(Path(backbone))
    model = lpips_model(network, weights, device=str(torch_device(device, threads)))
    result = np.empty(len(clean))
    for rows in by_size(clean):
        before, after = (to_unit([images[row] for row in rows]) for images in (clean, attacked))
        result[rows] = distances(model, before, [after])[0].numpy()
    return result


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--perceptual", required=True, help="backbone: vgg, squeeze or alex")
    options.add_argument("--backbone", required=True, help="weights file, download or stand-in")
    options.add_argument("--target-class", type=int, required=True)
    command.add_paths(options, clean_images="archive", clean_features="of the catalogue")
    command.add_paths(options, attacked_images="archive", features="of the attacked images")
    command.add_paths(options, outcome="of the attack", output="out")
    command.add_compute(options)
    given = options.parse_args()

    outcome = read_table(given.outcome, ["item", "class_before", "success"])
    items = outcome["item"].tolist()
    clean = ImageArchive(given.clean_images).read(items)
    attacked = ImageArchive(given.attacked_images).read(items)
    is_lpips = given.backbone != "stand-in"
    if is_lpips:
        distance = lpips_distances(
            given.perceptual, given.backbone, clean, attacked, given.device, given.threads
        )
    else:
        distance = stand_in.stand_in_distances(clean, attacked)
    write_table(
        given.output,
        outcome[["item", "success"]].assign(
            in_target_before=outcome["class_before"] == given.target_class,
            feature_loss=feature_losses(
                read_array(given.clean_features)[items], read_array(given.features)
            ),
            distance=distance,
            distance_label=f"LPIPS ({given.perceptual})" if is_lpips else stand_in.label(),
            is_lpips=is_lpips,
        ),
    )


if __name__ == "__main__":
    command.run(main)
