#!/usr/bin/env python3
"""Read a catalogue from its source, check, filter, number and split it, and pack its images."""

from varbench.experiment import command

import logging
from collections.abc import Iterator

import pandas as pd

from varbench.catalogues import interactions
from varbench.catalogues.raw import RawCatalogue
from varbench.errors import InputError
from varbench.image_archive import decode, encode, is_plain_rgb, resize, write_images
from varbench.registry import resolve
from varbench.storage import write_json, write_table

log = logging.getLogger("prepare")

SMALLEST = 32  # pixels of an image's side: networks halve it up to five times


def packed(catalogue: RawCatalogue, size: int | None, drop: bool) -> Iterator[tuple[str, bytes]]:
    """Yield (raw id, encoded image) of every item whose image can be read."""
    for index, item in enumerate(catalogue.items):
        image = catalogue.read_image(index)
        try:
            pixels = decode(image) if isinstance(image, bytes) else image
            if size is None and min(pixels.shape[:2]) < SMALLEST:
                raise InputError(
                    f"{pixels.shape[1]} x {pixels.shape[0]} pixels are too few for a network at "
                    f"their own size; {SMALLEST} are needed, or a number as extractor.image_size"
                )
        except InputError as error:
            message = f"{catalogue.where('item', index)}: {error}"
            if not drop:
                raise InputError(f"{message}; drop_unreadable leaves such items out") from error
            log.warning("dropped item %r: %s", item, message)
            continue
        if isinstance(image, bytes) and is_plain_rgb(image, size):
            yield item, image  # as it came: nothing is encoded twice
        else:
            yield item, encode(resize(pixels, size))


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options, "catalogue")
    command.add_paths(
        options,
        item_ids="out",
        user_ids="out",
        interactions="out",
        image_archive="out",
        summary="out",
    )
    given = options.parse_args()
    import argparse

    given = argparse.Namespace(**{"image_size": None, "expected": {}} | vars(given) | given.options)
    given.items, given.users, given.images = given.item_ids, given.user_ids, given.image_archive
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    method, parameters = command.method_and_parameters(given.source)
    if method == "generated" and given.image_size:
        parameters["image_size"] = given.image_size  # drawn at that size, not scaled
    catalogue = resolve("catalogue", method)(**parameters)
    interactions.check(catalogue)
    # Images first: an item that is dropped must not count in the core.
    images = dict(packed(catalogue, given.image_size, given.drop_unreadable))
    table = catalogue.interactions
    usable = table[table["item"].isin(images.keys())]
    unique = interactions.deduplicate(usable)
    core_filter, held_out = interactions.k_core, "last"
    if given.split == "single_pass":
        core_filter, held_out = interactions.single_pass, "last_row"
        unique = unique.assign(row=range(len(unique)))
        if "test" in table:
            held_out = "own"  # the very split that was published
    core = core_filter(unique, users=given.core_users, items=given.core_items)
    numbered, users, items = interactions.number(core, list(images))
    if len(users) < given.min_users:
        raise InputError(
            f"{catalogue.where('interaction', 0)}: the core filter leaves {len(users)} users and "
            f"{given.min_users} are needed; lower core_users or core_items of the catalogue"
        )
    kept = {"users": len(users), "items": len(items), "interactions": len(numbered)}
    strict = given.expected.pop("strict", False)
    for what, count in given.expected.items():
        if kept[what] != count:
            message = f"{kept[what]} {what} are left where {count} are expected"
            if strict:
                raise InputError(f"{catalogue.where('interaction', 0)}: {message}")
            log.warning("%s", message)
    numbered["held_out"] = interactions.leave_one_out(numbered, given.seed, held_out)
    numbered = numbered.drop(columns=["test", "row"], errors="ignore")

    write_table(given.users, pd.DataFrame({"user": range(len(users)), "id": users}))
    labels = dict(zip(catalogue.items, catalogue.labels or (), strict=False))
    write_table(
        given.items,
        pd.DataFrame(
            {"item": range(len(items)), "id": items, "label": [labels.get(item) for item in items]}
        ),
    )
    write_table(given.interactions, numbered)
    write_images(given.images, ((n, images[item]) for n, item in enumerate(items)))
    summary = {
        "read": {"items": len(catalogue.items), "interactions": len(table)},
        "dropped_images": len(catalogue.items) - len(images),
        "duplicate_interactions": len(usable) - len(unique),
        "kept": kept,
        "held_out": int(numbered["held_out"].sum()),
        "expected": given.expected,
    }
    write_json(given.summary, summary)
    log.info("%s", summary)


if __name__ == "__main__":
    command.run(main)
