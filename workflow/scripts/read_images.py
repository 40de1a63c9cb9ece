#!/usr/bin/env python3
"""Read back what a network sees in stored attacked images, as a recommender would get them."""

from varbench.experiment import command
from varbench.experiment.device import torch_device

import pandas as pd

from varbench.extractors.extract import read_out
from varbench.extractors.networks import build, for_inference, load_weights
from varbench.extractors.outcomes import distances, outcomes
from varbench.image_archive import ImageArchive
from varbench.metrics.visual import feature_losses, feature_variance
from varbench.storage import read_array, read_table, read_tensors, write_array, write_table


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options, "network, source_class, target_class, aims_at_class, batch_size")
    command.add_paths(options, weights="of the network that reads", image_archive="clean images")
    command.add_paths(options, clean_features="of the catalogue", attacked_images="archive")
    command.add_paths(options, search="how the images were found")
    command.add_optional(options, target_item="whose features the attack aimed at")
    command.add_paths(options, attacked_features="out", outcome="out")
    command.add_compute(options)
    given = options.parse_args()
    told = given.options
    device = torch_device(given.device, given.threads)
    network = build(**told["network"], seed=0)
    load_weights(network, read_tensors(given.weights))
    network = for_inference(network).to(device)

    search = read_table(given.search, ["item", "iterations", "float_class"])
    items = search["item"].tolist()
    clean, stored = (
        ImageArchive(path).read(items) for path in (given.image_archive, given.attacked_images)
    )
    before, after = (
        read_out(network, images, told["batch_size"], device, target=told["target_class"])
        for images in (clean, stored)
    )
    reference = None
    if given.target_item:
        aim = read_table(given.target_item, ["item"])["item"].tolist()
        reference = read_out(network, ImageArchive(given.image_archive).read(aim), 1, device)
    seen = outcomes(
        before,
        after,
        source_class=told["source_class"],
        target_class=told["target_class"],
        aims_at_class=told["aims_at_class"],
        float_classes=search["float_class"],
        reference=None if reference is None else reference.features,
    )
    catalogue = read_array(given.clean_features)
    moved = feature_losses(catalogue[items], after.features)
    table = pd.concat([search, seen, distances(clean, stored)], axis=1)
    write_array(given.attacked_features, after.features)
    table = table.assign(
        feature_loss=moved, feature_loss_relative=moved / feature_variance(catalogue)
    )
    write_table(given.outcome, table)


if __name__ == "__main__":
    command.run(main)
