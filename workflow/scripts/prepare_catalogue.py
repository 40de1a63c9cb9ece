#!/usr/bin/env python3
"""Read a catalogue from its source, check, filter, number and split it, and pack its images.

The options are the catalogue's block of the configuration, with the name of the catalogue
(``name``), the images' side in pixels (``image_size``, null for their own) and the ``seed``.
"""

from varbench.experiment import command

import logging

import pandas as pd

from varbench.catalogues import preparation, summary
from varbench.image_archive import write_images
from varbench.image_packing import packed
from varbench.registry import resolve
from varbench.storage import write_json, write_table

log = logging.getLogger("prepare")


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options)
    command.add_paths(
        options, user_ids="out", item_ids="out", interactions="out", image_archive="out"
    )
    command.add_paths(options, summary="out")
    given = options.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    values = given.options
    name, size, seed = values.pop("name"), values.pop("image_size", None), values.pop("seed")
    method, parameters = command.method_and_parameters(values.pop("source"))
    rules = preparation.Rules(**values)
    if method == "generated" and size:
        parameters["image_size"] = size  # drawn at that size, not scaled

    catalogue = resolve("catalogue", method)(**parameters)
    preparation.check(catalogue, rules)
    images, unusable = {}, {}
    for index, (item, image) in enumerate(packed(catalogue, size, drop=rules.drop_unreadable)):
        if isinstance(image, bytes):
            images[item] = image
        else:
            unusable[item] = "no_image" if index in catalogue.missing else "unreadable_image"
            log.warning("dropped item %r: %s", item, image)
    prepared = preparation.prepare(catalogue, unusable, rules, seed=seed)

    labels = dict(zip(catalogue.items, catalogue.labels or (), strict=False))
    write_table(
        given.user_ids, pd.DataFrame({"user": range(len(prepared.users)), "id": prepared.users})
    )
    write_table(
        given.item_ids,
        pd.DataFrame(
            {
                "item": range(len(prepared.items)),
                "id": prepared.items,
                "label": [labels.get(item) for item in prepared.items],
            }
        ),
    )
    write_table(given.interactions, prepared.interactions)
    write_images(given.image_archive, ((n, images[item]) for n, item in enumerate(prepared.items)))
    write_json(given.summary, prepared.summary)
    for line in summary.lines(name, prepared.summary):
        print(line)  # on the terminal: what was dropped decides what results mean


if __name__ == "__main__":
    command.run(main)
