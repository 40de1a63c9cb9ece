#!/usr/bin/env python3
"""Name the item whose features an attack aims at: the most popular one of the target category."""

from varbench.experiment import command

import logging

from varbench.catalogues.predictions import members_of
from varbench.storage import read_table, write_table

log = logging.getLogger("select_target_item")


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options, "dataset (its name), target_class, target")
    command.add_paths(options, predicted_classes="by the undefended network")
    command.add_paths(options, interactions="of the catalogue", target_item="out")
    given = options.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    members = members_of(
        read_table(given.predicted_classes, ["item", "class"]),
        given.options["target_class"],
        given.options["target"],
        f"datasets.{given.options['dataset']}.target_category",
        "it has no most popular item, which attacks with target_item need",
    )
    interactions = read_table(given.interactions, ["item", "held_out"])
    training = interactions.loc[~interactions["held_out"], "item"]
    counts = training.value_counts().reindex(members, fill_value=0)
    item, count = counts.idxmax(), counts.max()  # of equals the first
    log.info("item %d, %d interactions in training", item, count)
    write_table(given.target_item, members[members == item].to_frame())


if __name__ == "__main__":
    command.run(main)
