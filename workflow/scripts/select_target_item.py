#!/usr/bin/env python3
"""Name the item whose features an attack aims at: the most popular one of the target category."""

from varbench.experiment import command

import logging

from varbench.errors import InputError
from varbench.storage import read_table, write_table

log = logging.getLogger("select_target_item")


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--dataset", required=True, help="name, for messages")
    options.add_argument("--target-class", type=int, required=True, help="index of the category")
    command.add_paths(options, classes="predicted classes of the catalogue")
    command.add_paths(options, interactions="of the catalogue", output="out")
    given = options.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    classes = read_table(given.classes, ["item", "class"])
    members = classes.loc[classes["class"] == given.target_class, "item"]
    if members.empty:
        raise InputError(
            f"datasets.{given.dataset}.target_category: the undefended network puts no image in "
            f"class {given.target_class} ({given.classes}), so it has no most popular item; "
            "attacks with target_item need one"
        )
    interactions = read_table(given.interactions, ["item", "held_out"])
    training = interactions.loc[~interactions["held_out"], "item"]
    counts = training.value_counts().reindex(members, fill_value=0)
    item, count = counts.idxmax(), counts.max()  # of equals the first
    log.info("item %d, %d interactions in training", item, count)
    write_table(given.output, members[members == item].to_frame())


if __name__ == "__main__":
    command.run(main)
