#!/usr/bin/env python3
"""Give the attacked items the clean features of items of the target category: a ceiling."""

from varbench.experiment import command

import numpy as np

from varbench.catalogues.lending import lenders
from varbench.catalogues.predictions import members_of
from varbench.storage import read_array, read_table, write_array, write_table


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options, "dataset (its name), target_class, target")
    command.add_paths(options, clean_features="of the catalogue", interactions="of the catalogue")
    command.add_paths(options, predicted_classes="by the undefended network")
    command.add_paths(options, attacked="items that are attacked")
    command.add_paths(options, attacked_features="out", lenders="out: whose features")
    given = options.parse_args()
    features = read_array(given.clean_features)
    interactions = read_table(given.interactions, ["item", "held_out"])
    training = interactions.loc[~interactions["held_out"], "item"]
    members = members_of(
        read_table(given.predicted_classes, ["item", "class"]),
        given.options["target_class"],
        given.options["target"],
        f"datasets.{given.options['dataset']}.target_category",
        "a ceiling has nobody's features to give and must go from attacks",
    )
    popularity = np.bincount(training, minlength=len(features)).astype(np.int64)
    attacked = read_table(given.attacked, ["item"])
    chosen = lenders(members.to_numpy().astype(np.int64), popularity, len(attacked))
    write_array(given.attacked_features, features[chosen])
    write_table(given.lenders, attacked.assign(lender=chosen))


if __name__ == "__main__":
    command.run(main)
