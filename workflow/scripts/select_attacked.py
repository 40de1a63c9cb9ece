#!/usr/bin/env python3
"""List the items that are attacked: those whose image the undefended network sees as source."""

from varbench.experiment import command

from varbench.catalogues.predictions import chosen, members_of
from varbench.storage import read_table, write_table

FEW = 10  # attacked images, under which shares of them say little


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options, "dataset (its name), source_class, target_class, budget, seed")
    command.add_paths(options, predicted_classes="by the undefended network")
    command.add_paths(options, interactions="of the catalogue", attacked="out")
    given = options.parse_args()
    told, key = given.options, f"datasets.{given.options['dataset']}"
    source, target = told["categories"]["source"], told["categories"]["target"]
    classes = read_table(given.predicted_classes, ["item", "class"])
    members = members_of(
        classes,
        told["source_class"],
        source,
        f"{key}.source_category",
        "there is nothing to attack",
    )
    if not (classes["class"] == told["target_class"]).any():
        print(f"warning: {key}.target_category: no image of the catalogue is seen as {target!r}")
    interactions = read_table(given.interactions, ["item", "held_out"])
    popularity = interactions.loc[~interactions["held_out"], "item"].value_counts()
    attacked = chosen(members, popularity, told["budget"], key=key, seed=told["seed"])
    print(
        f"{told['dataset']}: {len(attacked)} of the {len(members)} items seen as {source!r} are "
        f"attacked and pushed towards {target!r}"
    )
    if len(attacked) < FEW:
        print(f"warning: {key}: {len(attacked)} attacked images say little; fewer than {FEW}")
    if len(attacked) == len(classes):
        print(f"warning: {key}: every item is attacked, so no attack can raise CHR")
    write_table(given.attacked, attacked.to_frame())


if __name__ == "__main__":
    command.run(main)
