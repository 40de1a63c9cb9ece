#!/usr/bin/env python3
"""Aggregate the per-image values of all attacks into table 2."""

from varbench.workflow import command

from itertools import product
from pathlib import Path

import pandas as pd

from varbench.metrics.visual import success_rates
from varbench.storage import read_table, write_table

KEYS = ["dataset", "defense", "attack"]
OPTIONAL = ("source_share", "success_rate_not_target")


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--axes", type=command.block, required=True, help="names, as JSON")
    options.add_argument("--visual", required=True, help="values per image, with {dataset} ...")
    options.add_argument("--without", nargs="+", choices=OPTIONAL, default=[], help="columns")
    command.add_paths(options, output="out")
    given = options.parse_args()
    rows = []
    for values in product(*(given.axes[key] for key in KEYS)):
        cell = dict(zip(KEYS, values, strict=True))
        images = read_table(Path(given.visual.format(subset="grid", **cell)))
        images = images[images["attack"] == cell["attack"]]
        # A distance that is not LPIPS never stands under that name.
        column = "lpips" if images["is_lpips"].all() else "perceptual_stand_in"
        rate, not_target = success_rates(
            images["success"].to_numpy(), images["in_target_before"].to_numpy()
        )
        rows.append(
            cell
            | {
                "images": len(images),
                "success_rate": rate,
                "success_rate_not_target": not_target,
                "source_share": images["in_source_before"].mean(),
                "feature_loss": images["feature_loss"].mean(),
                "lpips": float("nan"),
                "perceptual_stand_in": float("nan"),
                column: images["distance"].mean(),
                "perceptual_label": images["distance_label"].iloc[0],
            }
        )
    write_table(given.output, pd.DataFrame(rows).drop(columns=given.without))


if __name__ == "__main__":
    command.run(main)
