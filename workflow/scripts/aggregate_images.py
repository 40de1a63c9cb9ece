#!/usr/bin/env python3
"""Aggregate the per-image values of all attacks into table 2."""

from varbench.experiment import command

from itertools import product
from pathlib import Path

import pandas as pd

from varbench.reporting.measures import of_images
from varbench.storage import read_table, write_table

OPTIONAL = ("source_share", "success_rate_not_target")
NETWORK = ["dataset", "defense"]


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--axes", type=command.block, required=True, help="names, as JSON")
    options.add_argument("--visual", required=True, help="values per image, with {dataset} ...")
    options.add_argument("--without", nargs="+", choices=OPTIONAL, default=[], help="columns")
    command.add_paths(options, output="out")
    given = options.parse_args()
    rows = []
    for values in product(*(given.axes[key] for key in NETWORK)):
        network = dict(zip(NETWORK, values, strict=True))
        images = read_table(Path(given.visual.format(subset="grid", **network)))
        # A distance that is not LPIPS never stands under that name.
        column = "lpips" if images["is_lpips"].all() else "perceptual_stand_in"
        for attack in given.axes["attack"]:
            row = of_images(images, attack)
            distances = {"lpips": float("nan"), "perceptual_stand_in": float("nan")}
            distances[column] = row.pop("perceptual_distance")
            label = {"perceptual_label": row.pop("distance_label")}
            rows.append(network | {"attack": attack} | row | distances | label)
    write_table(given.output, pd.DataFrame(rows).drop(columns=given.without))


if __name__ == "__main__":
    command.run(main)
