#!/usr/bin/env python3
"""Attack the images of the attacked items and store them."""

from varbench.experiment import command, resuming
from varbench.experiment.attacking import add_inputs, set_up
from varbench.experiment.device import torch_device

import pandas as pd

from varbench.attacks.stored import attack_stored
from varbench.image_archive import write_images
from varbench.registry import resolve
from varbench.storage import write_table


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options, "network, attack (a block), target_class, k, batch_size, seed")
    add_inputs(options)
    command.add_paths(options, attacked_images="out: archive", search="out: how each was found")
    command.add_compute(options)
    resuming.add_options(options)
    given = options.parse_args()
    told = given.options
    device = torch_device(given.device, given.threads)
    inputs = [given.weights, given.image_archive, given.item_ids, given.attacked]
    inputs += [given.target_item, given.guide, given.clean_features, given.interactions]
    code = resuming.code_of(given, __file__, "attack", told["attack"]["method"])
    job = resuming.job_digest(told, code, inputs, device.type)
    checkpoint = resuming.Checkpoint(given.attacked_images, job, given.checkpoint_every)

    setup = set_up(given, device)
    guide = setup.guide
    result = attack_stored(
        resolve("attack", setup.method),
        setup.network,
        setup.images,
        told["target_class"],
        setup.seeds,
        batch_size=told["batch_size"],
        device=device,
        parameters=setup.parameters,
        references=setup.references,
        of_image=None if guide is None else lambda rows: {"guide": guide.of_images(list(rows))},
        truncate=setup.truncate,
        reached=checkpoint.load(),
        keep=checkpoint.save,
    )
    write_images(given.attacked_images, zip(setup.items, result.pixels, strict=True))
    found = {"iterations": result.iterations, "float_class": result.float_classes}
    write_table(given.search, pd.DataFrame({"item": setup.items, **found}))
    checkpoint.remove()


if __name__ == "__main__":
    command.run(main)
