#!/usr/bin/env python3
"""Aggregate the per-image values of all attacks into table 2."""

from varbench.workflow import command

from itertools import product
from pathlib import Path

import pandas as pd

from varbench.metrics.visual import success_rates
from varbench.storage import read_table, write_table

KEYS = ["dataset", "defense", "attack"]


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--axes", type=command.block, required=True, help="names, as JSON")
    options.add_argument("--attack", required=True, help="folder of an attack, with {dataset} ...")
    command.add_paths(options, output="out")
    given = options.parse_args()
    rows = []
    for values in product(*(given.axes[key] for key in KEYS)):
        cell = dict(zip(KEYS, values, strict=True))
        images = read_table(Path(given.attack.format(**cell)) / "visual.parquet")
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
                "feature_loss": images["feature_loss"].mean(),
                "lpips": float("nan"),
                "perceptual_stand_in": float("nan"),
                column: images["distance"].mean(),
                "perceptual_label": images["distance_label"].iloc[0],
            }
        )
    write_table(given.output, pd.DataFrame(rows))


if __name__ == "__main__":
    command.run(main)
