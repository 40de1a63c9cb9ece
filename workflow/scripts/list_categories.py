#!/usr/bin/env python3
"""List which categories a network sees in a catalogue, and propose pairs for an experiment.

Popularity is the number of training interactions of an item.
"""

from varbench.experiment import command
from varbench.experiment.classes import read_names

import pandas as pd
from tabulate import tabulate

from varbench.catalogues.categories import describe, propose
from varbench.errors import InputError
from varbench.storage import read_table, write_table

SHOWN = 40  # categories on the terminal; the file has all


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options, "name (of the catalogue), least (items of a proposed category)")
    command.add_paths(options, item_ids="of the catalogue", interactions="of the catalogue")
    command.add_paths(options, predicted_classes="of the catalogue", class_names="one a line")
    command.add_paths(options, categories="out: all categories", pairs="out: proposed pairs")
    given = options.parse_args()
    name, least = given.options["name"], given.options["least"]
    items = read_table(given.item_ids, ["item", "label"])
    classes = read_table(given.predicted_classes, ["item", "class"]).sort_values("item")
    try:
        names = read_names(given.class_names)
        described = describe(
            items,
            read_table(given.interactions, ["item", "held_out"]),
            classes["class"].to_numpy(),
            names,
        )
    except InputError as error:
        raise InputError(f"{given.class_names}, {given.predicted_classes}: {error}") from error
    pairs = propose(described, least=least)
    write_table(given.categories, described)
    write_table(given.pairs, pairs)
    print(f"{name}: {len(items)} items in {len(described)} categories\n")
    print(_drawn(described.head(SHOWN)))
    if len(described) > SHOWN:
        print(f"... and {len(described) - SHOWN} more in {given.categories}")
    if pairs.empty:
        print(f"\nNo pair to propose: fewer than two categories have {least} items.")
    else:
        print("\nAn unpopular source and a popular target, as source_category, target_category:\n")
        print(_drawn(pairs))


def _drawn(table: pd.DataFrame) -> str:
    """Return a table as text."""
    header = [name.replace("_", " ") for name in table.columns]
    rows = table.to_numpy(object).tolist()
    text: str = tabulate(rows, header, floatfmt=".1f", maxcolwidths=[40] * len(header))
    return text


if __name__ == "__main__":
    command.run(main)
