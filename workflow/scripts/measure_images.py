#!/usr/bin/env python3
"""Measure what an attack changed, image by image: success, feature loss, perceptual distance."""

from pathlib import Path

import numpy as np
import torch

from varbench.extractors.checkpoints import read_checkpoint
from varbench.image_archive import ImageArchive
from varbench.images import by_size, to_unit
from varbench.metrics.visual import (
    PerceptualDistance,
    distances,
    feature_losses,
    lpips_distance,
    stand_in_distance,
)
from varbench.storage import read_array, read_table, write_table
from varbench.workflow import command


def perceptual(network: str, backbone: str, device: torch.device) -> PerceptualDistance:
    """Return the distance that the configuration asks for."""
    if backbone == "stand-in":
        return stand_in_distance(network, device=str(device))
    weights = None if backbone == "download" else read_checkpoint(Path(backbone))
    return lpips_distance(network, weights, device=str(device))


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
    device = command.torch_device(given.device, given.threads)

    outcome = read_table(given.outcome, ["item", "class_before", "success"])
    items = outcome["item"].tolist()
    metric = perceptual(given.perceptual, given.backbone, device)
    clean = ImageArchive(given.clean_images).read(items)
    attacked = ImageArchive(given.attacked_images).read(items)
    distance = np.empty(len(items))
    for rows in by_size(clean):
        before, after = (to_unit([images[row] for row in rows]) for images in (clean, attacked))
        distance[rows] = distances(metric, before, [after])[0].numpy()
    write_table(
        given.output,
        outcome[["item", "success"]].assign(
            in_target_before=outcome["class_before"] == given.target_class,
            feature_loss=feature_losses(
                read_array(given.clean_features)[items], read_array(given.features)
            ),
            distance=distance,
            distance_label=metric.label,
            is_lpips=metric.is_lpips,
        ),
    )


if __name__ == "__main__":
    command.run(main)
