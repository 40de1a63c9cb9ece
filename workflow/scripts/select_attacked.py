#!/usr/bin/env python3
"""List the items that are attacked: those whose image the undefended network sees as source."""

from varbench.experiment import command

import logging

from varbench.errors import InputError
from varbench.storage import read_table, write_table

log = logging.getLogger("select_attacked")


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--dataset", required=True, help="name, for messages")
    options.add_argument("--source-class", type=int, required=True, help="index of the category")
    options.add_argument("--target-class", type=int, required=True, help="index of the category")
    command.add_paths(options, classes="predicted classes of the catalogue", output="out")
    given = options.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    classes = read_table(given.classes, ["item", "class"])
    attacked = classes.loc[classes["class"] == given.source_class, ["item"]]
    if attacked.empty:
        common = classes["class"].value_counts().head(5).to_dict()
        raise InputError(
            f"datasets.{given.dataset}.source_category: the undefended network puts no image in "
            f"class {given.source_class} ({given.classes}); its commonest classes are {common}"
        )
    if not (classes["class"] == given.target_class).any():
        log.warning("no image of the catalogue is in the target class %d", given.target_class)
    log.info("%d items are attacked", len(attacked))
    write_table(given.output, attacked)


if __name__ == "__main__":
    command.run(main)
