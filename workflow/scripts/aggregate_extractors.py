#!/usr/bin/env python3
"""Say how each extractor sees each catalogue: accuracy against known categories, classes seen."""

from varbench.experiment import command

from itertools import product
from pathlib import Path

import pandas as pd

from varbench.storage import read_table, write_table


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--axes", type=command.block, required=True, help="names, as JSON")
    options.add_argument("--catalogue", required=True, help="folder, with {catalogue}")
    options.add_argument("--features", required=True, help="folder, with {catalogue}, {defense}")
    command.add_paths(options, classes="class names", output="out")
    given = options.parse_args()
    names = given.classes.read_text(encoding="utf-8").splitlines()
    rows = []
    for catalogue, defense in product(given.axes["catalogue"], given.axes["defense"]):
        items = read_table(Path(given.catalogue.format(catalogue=catalogue)) / "items.parquet")
        folder = Path(given.features.format(catalogue=catalogue, defense=defense))
        seen = read_table(folder / "classes.parquet", ["class", "probability"])
        predicted = seen["class"].map(dict(enumerate(names)))
        known = items["label"].isin(names)  # labels of another vocabulary cannot be compared
        rows.append(
            {
                "catalogue": catalogue,
                "defense": defense,
                "items": len(items),
                "labelled": int(known.sum()),
                "accuracy": (predicted == items["label"])[known].mean(),
                "mean_probability": seen["probability"].mean(),
                "classes": predicted.nunique(),
            }
        )
    write_table(given.output, pd.DataFrame(rows))


if __name__ == "__main__":
    command.run(main)
