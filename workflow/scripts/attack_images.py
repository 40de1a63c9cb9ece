#!/usr/bin/env python3
"""Attack the images of the attacked items and store them."""

from varbench.experiment import command, resuming
from varbench.experiment.device import torch_device

import argparse

import numpy as np
import pandas as pd
import torch

from varbench.attacks.guide import Guide
from varbench.attacks.stored import attack_stored
from varbench.catalogues.interactions import to_matrix
from varbench.errors import InputError
from varbench.extractors.extract import read_out
from varbench.extractors.networks import build, for_inference, load_weights
from varbench.image_archive import ImageArchive, write_images
from varbench.registry import resolve
from varbench.seeds import derive
from varbench.storage import (
    read_array,
    read_table,
    read_tensors,
    read_tensors_as_arrays,
    write_table,
)


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options, "network, attack (a block), target_class, k, batch_size, seed")
    command.add_paths(options, weights="of the extractor", image_archive="of the catalogue")
    command.add_paths(options, item_ids="of the catalogue", attacked="items that are attacked")
    command.add_optional(
        options,
        target_item="whose features some attacks aim at",
        guide="recommender that some attacks know",
        clean_features="that it ranks by",
        interactions="that its lists leave out",
    )
    command.add_paths(options, attacked_images="out: archive", search="out: how each was found")
    command.add_compute(options)
    resuming.add_options(options)
    given = options.parse_args()
    told = given.options
    device = torch_device(given.device, given.threads)
    method, parameters = command.method_and_parameters(told["attack"])
    inputs = [given.weights, given.image_archive, given.item_ids, given.attacked]
    inputs += [given.target_item, given.guide, given.clean_features, given.interactions]
    code = resuming.code_of(given, __file__, "attack", method)
    job = resuming.job_digest(told, code, inputs, device.type)
    checkpoint = resuming.Checkpoint(given.attacked_images, job, given.checkpoint_every)

    network = build(**told["network"], seed=0)
    load_weights(network, read_tensors(given.weights))
    network = for_inference(network).to(device)
    items = read_table(given.attacked, ["item"])["item"].tolist()
    archive = ImageArchive(given.image_archive)
    # A random start belongs to the item, so that it is the same in every batch and catalogue order.
    ids = read_table(given.item_ids, ["id"])["id"].iloc[items]
    seeds = [derive("attack", told["seed"], item) for item in ids]

    truncate = parameters.pop("saving", "round") == "truncate"
    if "normalised" in (parameters.pop("epsilon_space", None), parameters.get("variable")):
        parameters["scale"] = told["network"]["std"]
    references = None
    if parameters.pop("target_item", None):
        if given.target_item is None:
            raise InputError("--target-item: this attack aims at an item; give its table")
        aim = read_table(given.target_item, ["item"])["item"].tolist()
        references = torch.from_numpy(read_out(network, archive.read(aim), 1, device).features)
        references = references.to(device)
    guide = guide_in(given, items)
    result = attack_stored(
        resolve("attack", method),
        network,
        archive.read(items),
        told["target_class"],
        seeds,
        batch_size=told["batch_size"],
        device=device,
        parameters=parameters,
        references=references,
        of_image=None if guide is None else lambda rows: {"guide": guide.of_images(list(rows))},
        truncate=truncate,
        reached=checkpoint.load(),
        keep=checkpoint.save,
    )
    write_images(given.attacked_images, zip(items, result.pixels, strict=True))
    write_table(
        given.search,
        pd.DataFrame(
            {
                "item": items,
                "iterations": result.iterations,
                "float_class": result.float_classes,
            }
        ),
    )
    checkpoint.remove()


def guide_in(given: argparse.Namespace, items: list[int]) -> Guide | None:
    """Read the recommender that the attack knows, if it knows one."""
    if given.guide is None:
        return None
    from varbench.experiment.guides import guide_of

    features = read_array(given.clean_features)
    train = to_matrix(read_table(given.interactions), len(features)).train
    model = read_tensors_as_arrays(given.guide)
    return guide_of(model, features, train, np.asarray(items), given.options["k"])


if __name__ == "__main__":
    command.run(main)
