"""What an attack's commands set up: the network, the images, and all that the attack is given."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from varbench.attacks.guide import Guide
from varbench.catalogues.interactions import to_matrix
from varbench.errors import InputError
from varbench.experiment import command
from varbench.experiment.guides import guide_of
from varbench.extractors.extract import read_out
from varbench.extractors.networks import Extractor, build, for_inference, load_weights
from varbench.image_archive import ImageArchive
from varbench.precisions import PRECISIONS
from varbench.seeds import derive
from varbench.storage import read_array, read_table, read_tensors, read_tensors_as_arrays


def add_inputs(options: argparse.ArgumentParser) -> None:
    """Add the options that name an attack's files."""
    command.add_paths(options, weights="of the extractor", image_archive="of the catalogue")
    command.add_paths(options, item_ids="of the catalogue", attacked="items that are attacked")
    command.add_optional(
        options,
        target_item="whose features some attacks aim at",
        guide="recommender that some attacks know",
        clean_features="that it ranks by",
        interactions="that its lists leave out",
    )


@dataclass(frozen=True)
class Setup:
    """An attack that is ready to run.

    Attributes
    ----------
    method, parameters
        The attack's name, and its own parameters.
    truncate
        Whether stored pixels are cut off instead of rounded (D2).
    network
        In evaluation mode, on its device, with gradients in the precision that was asked for.
    items, images, seeds
        Of each attacked item its number, its clean image (H, W, 3) and its seed.
    references
        (1, D) features that the attack aims at, if any.
    guide
        The recommender that it knows, of all items, if any.
    """

    method: str
    parameters: Mapping[str, Any]
    truncate: bool
    network: Extractor
    items: list[int]
    images: Sequence[NDArray[np.uint8]]
    seeds: list[int]
    references: torch.Tensor | None
    guide: Guide | None


def set_up(given: argparse.Namespace, device: torch.device) -> Setup:
    """Read what the options of ``add_inputs`` name, for the attack of ``given.options``."""
    told = given.options
    method, parameters = command.method_and_parameters(told["attack"])
    network = build(**told["network"], seed=0)
    load_weights(network, read_tensors(given.weights))
    network = for_inference(network).to(device)
    network.gradient_dtype = PRECISIONS[parameters.pop("precision", "fp32")]
    items = read_table(given.attacked, ["item"])["item"].tolist()
    archive = ImageArchive(given.image_archive)
    # A random start belongs to the item, so that it is the same in every batch and catalogue order.
    ids = read_table(given.item_ids, ["id"])["id"].iloc[items]
    truncate = parameters.pop("saving", "round") == "truncate"
    if "normalised" in (parameters.pop("epsilon_space", None), parameters.get("variable")):
        parameters["scale"] = told["network"]["std"]
    references = None
    if parameters.pop("target_item", None):
        if given.target_item is None:
            raise InputError("--target-item: this attack aims at an item; give its table")
        aim = read_table(given.target_item, ["item"])["item"].tolist()
        features = read_out(network, archive.read(aim), 1, device).features
        references = torch.from_numpy(features).to(device)
    return Setup(
        method=method,
        parameters=parameters,
        truncate=truncate,
        network=network,
        items=items,
        images=archive.read(items),
        seeds=[derive("attack", told["seed"], item) for item in ids],
        references=references,
        guide=_guide(given, items) if given.guide else None,
    )


def _guide(given: argparse.Namespace, items: list[int]) -> Guide:
    features = read_array(given.clean_features)
    train = to_matrix(read_table(given.interactions), len(features)).train
    model = read_tensors_as_arrays(given.guide)
    return guide_of(model, features, train, np.asarray(items), given.options["k"])
