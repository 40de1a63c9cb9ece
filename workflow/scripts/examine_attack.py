#!/usr/bin/env python3
"""Look for signs that an attack is weaker than it looks, on a sample of its images."""

from varbench.experiment import command
from varbench.experiment.attacking import add_inputs, set_up
from varbench.experiment.device import torch_device

from collections.abc import Callable
from dataclasses import asdict

import torch

from varbench.attacks.indicators import Case, RowLosses, examine
from varbench.attacks.objectives import guided_losses
from varbench.extractors.networks import Extractor
from varbench.grouping import by_size
from varbench.images import to_unit
from varbench.registry import resolve
from varbench.storage import write_json


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(
        options, "network, attack, target_class, aims_at_class, k, batch_size, seed, images"
    )
    add_inputs(options)
    command.add_paths(options, indicators="out")
    command.add_compute(options)
    given = options.parse_args()
    told = given.options
    device = torch_device(given.device, given.threads)
    setup = set_up(given, device)
    # Images of one size: those that most of them have, spread evenly.
    rows = max(by_size(setup.images), key=len)
    count = min(told["images"], len(rows))
    rows = [rows[place * len(rows) // count] for place in range(count)]
    parameters = dict(setup.parameters)
    images = to_unit([setup.images[row] for row in rows]).to(device)
    losses: RowLosses | None = None  # the cross-entropy to the target class
    if setup.references is not None:
        parameters["references"] = setup.references.expand(len(rows), -1)
        losses = distance_to(setup.network, setup.references)
    if setup.guide is not None:
        guide = parameters["guide"] = setup.guide.of_images(rows)
        objective, temperature = parameters["objective"], parameters.get("temperature", 0.5)
        losses = of_all(guided_losses(setup.network, images, guide, objective, temperature))
    case = Case(
        attack=resolve("attack", setup.method),
        model=setup.network,
        images=images,
        targets=torch.full((len(rows),), told["target_class"], device=device),
        seeds=[setup.seeds[row] for row in rows],
        batch_size=max(len(rows), 1),  # a guide's losses are of all these images at once
        parameters=parameters,
    )
    found = examine(case, losses, aims_at_class=told["aims_at_class"])
    write_json(given.indicators, asdict(found))


def distance_to(network: Extractor, reference: torch.Tensor) -> RowLosses:
    """Return the squared distance of each image's features to a reference, (1, D)."""
    return lambda x, _: (network.features_and_logits(x)[0] - reference).square().sum(dim=1)


def of_all(losses: Callable[[torch.Tensor], torch.Tensor]) -> RowLosses:
    """Return losses that are asked for all images only."""
    return lambda x, _: losses(x)


if __name__ == "__main__":
    command.run(main)
