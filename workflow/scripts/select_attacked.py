#!/usr/bin/env python3
"""List the items that are attacked: those whose image the undefended network sees as source."""

from varbench.experiment import command

import logging

from varbench.catalogues.predictions import chosen, members_of
from varbench.storage import read_table, write_table

log = logging.getLogger("select_attacked")


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options, "dataset (its name), source_class, target_class, budget, seed")
    command.add_paths(options, predicted_classes="by the undefended network")
    command.add_paths(options, interactions="of the catalogue", attacked="out")
    given = options.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    told, key = given.options, f"datasets.{given.options['dataset']}"
    classes = read_table(given.predicted_classes, ["item", "class"])
    members = members_of(
        classes, told["source_class"], f"{key}.source_category", "there is nothing to attack"
    )
    if not (classes["class"] == told["target_class"]).any():
        log.warning(
            "%s.target_category: no image of the catalogue is in class %d",
            key, told["target_class"],
        )  # fmt: skip
    interactions = read_table(given.interactions, ["item", "held_out"])
    popularity = interactions.loc[~interactions["held_out"], "item"].value_counts()
    attacked = chosen(members, popularity, told["budget"], key=key, seed=told["seed"])
    log.info("%d of %d items are attacked", len(attacked), len(members))
    write_table(given.attacked, attacked.to_frame())


if __name__ == "__main__":
    command.run(main)
