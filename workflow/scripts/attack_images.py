#!/usr/bin/env python3
"""Attack the images of the source category, store them, and read back what the network sees."""

from varbench.experiment import command, resuming
from varbench.experiment.device import torch_device

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from varbench.errors import InputError
from varbench.extractors.extract import read_out
from varbench.extractors.networks import Extractor, build, for_inference, load_weights
from varbench.grouping import by_size, pieces
from varbench.image_archive import ImageArchive, write_images
from varbench.images import through_normalisation, to_bytes, to_unit
from varbench.registry import resolve
from varbench.seeds import derive
from varbench.storage import read_table, read_tensors, write_array, write_table

# Images are attacked piece by piece, and a finished piece survives a killed job. A piece is a
# batch, but several where the attack refills its batch, which runs empty at the end of a piece:
# such an attack writes checkpoints itself.
PIECE = 8


def target_features(
    network: Extractor, images: ImageArchive, target_item: Path | None, device: torch.device
) -> Tensor:
    """Return what the network makes of the target item's clean image, (1, D)."""
    if target_item is None:
        raise InputError("--target-item: this attack aims at an item; give the table that names it")
    items = read_table(target_item, ["item"])["item"].tolist()
    features = read_out(network, images.read(items[:1]), 1, device).features
    return torch.from_numpy(features).to(device)


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--network", type=command.block, required=True, help="as JSON")
    options.add_argument("--attack", type=command.block, required=True, help="as JSON")
    options.add_argument("--target-class", type=int, required=True)
    options.add_argument("--batch-size", type=int, required=True)
    options.add_argument("--seed", type=int, required=True)
    command.add_paths(options, weights="of the extractor", images="archive", ids="of items")
    command.add_paths(options, attacked="items that are attacked")
    options.add_argument("--target-item", type=Path, help="whose features some attacks aim at")
    command.add_paths(options, attacked_images="out", features="out", outcome="out")
    command.add_compute(options)
    resuming.add_options(options)
    given = options.parse_args()
    device = torch_device(given.device, given.threads)
    method, parameters = command.method_and_parameters(given.attack)
    inputs = [given.weights, given.images, given.ids, given.attacked, given.target_item]
    job = resuming.job_digest(__file__, ("attack", method), given, inputs, device)
    checkpoint = resuming.Checkpoint(given.attacked_images, job, given.checkpoint_every)

    network = build(**given.network, seed=0)
    load_weights(network, read_tensors(given.weights))
    network = for_inference(network).to(device)
    items = read_table(given.attacked, ["item"])["item"].tolist()
    archive = ImageArchive(given.images)
    clean = archive.read(items)
    # A random start belongs to the item, so that it is the same in every batch and catalogue order.
    ids = read_table(given.ids, ["id"])["id"].iloc[items]
    seeds = [derive("attack", given.seed, item) for item in ids]

    parameters.pop("crafted_on", None)
    truncate = parameters.pop("saving", "round") == "truncate"
    if "normalised" in (parameters.pop("epsilon_space", None), parameters.get("variable")):
        parameters["scale"] = given.network["std"]
    reference = None
    if parameters.pop("target_item", None):
        reference = target_features(network, archive, given.target_item, device)
    attack = resolve("attack", method)
    resumes = "resume" in inspect.signature(attack).parameters
    parts = pieces(by_size(clean), given.batch_size * (PIECE if resumes else 1))
    reached = checkpoint.load() or {"done": [], "within": None}
    done: list[tuple[torch.Tensor, torch.Tensor]] = reached["done"]

    def keep(state: Callable[[], Any] = lambda: None) -> None:
        checkpoint.save(lambda: {"done": done, "within": state()})

    within = reached["within"]
    for rows in parts[len(done) :]:
        if resumes:
            parameters |= {"checkpoint": keep, "resume": within}
        images = to_unit([clean[row] for row in rows]).to(device)
        if reference is not None:
            parameters["references"] = reference.expand(len(rows), -1)
        result = attack(
            network,
            images,
            torch.full((len(rows),), given.target_class, device=device),
            seeds=[seeds[row] for row in rows],
            batch_size=given.batch_size,
            **parameters,
        )
        found = result.images
        if truncate:
            found = through_normalisation(found, network.mean, network.std)
        pixels = to_bytes(found, truncate=truncate)
        done.append((torch.from_numpy(pixels), result.iterations.cpu()))
        within = None
        keep()
    attacked: dict[int, np.ndarray] = {}
    iterations = np.zeros(len(items), np.int64)
    for rows, (stored_pixels, used) in zip(parts, done, strict=True):
        attacked.update(zip(rows, stored_pixels.numpy(), strict=True))
        iterations[rows] = used.numpy()
    write_images(given.attacked_images, ((items[row], attacked[row]) for row in sorted(attacked)))

    # Everything below is measured on the stored images, as a recommender would get them.
    stored = ImageArchive(given.attacked_images).read(items)
    before, after = (
        read_out(network, images, given.batch_size, device, target=given.target_class)
        for images in (clean, stored)
    )
    change = [(a.astype(np.float64) - b) / 255 for a, b in zip(stored, clean, strict=True)]
    write_array(given.features, after.features)
    outcome = pd.DataFrame(
        {
            "item": items,
            "class_before": before.classes,
            "class_after": after.classes,
            "probability_before": before.probabilities,
            "probability_after": after.probabilities,
            "target_probability_before": before.target_probabilities,
            "target_probability_after": after.target_probabilities,
            "success": after.classes == given.target_class,
            "l_inf": [np.abs(delta).max() for delta in change],
            "l_2": [np.sqrt((delta**2).sum()) for delta in change],
            "iterations": iterations,
        }
    )
    if reference is not None:
        for when, seen in (("before", before), ("after", after)):
            away = seen.features - reference.cpu().numpy()
            outcome[f"reference_distance_{when}"] = np.linalg.norm(away, axis=1)
    write_table(given.outcome, outcome)
    checkpoint.remove()


if __name__ == "__main__":
    command.run(main)
