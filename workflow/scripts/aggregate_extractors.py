#!/usr/bin/env python3
"""Say how each extractor sees each catalogue: accuracy against known categories, classes seen."""

from varbench.experiment import command
from varbench.experiment.classes import read_names

from pathlib import Path

import pandas as pd

from varbench.storage import read_table, write_table


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options, "networks (catalogue, defense, run), the patterns of folders")
    command.add_paths(options, class_names="a name a line", extractors="out")
    given = options.parse_args()
    told, folders = given.options, given.options["folders"]
    names = read_names(given.class_names)
    rows = []
    for network in told["networks"]:
        items = read_table(Path(folders["catalogue"].format(**network)) / "items.parquet")
        folder = Path(folders["features"].format(**network))
        seen = read_table(folder / "classes.parquet", ["class", "probability"])
        predicted = seen["class"].map(dict(enumerate(names)))
        known = items["label"].isin(names)  # labels of another vocabulary cannot be compared
        rows.append(
            {
                **network,
                "items": len(items),
                "labelled": int(known.sum()),
                "accuracy": (predicted == items["label"])[known].mean(),
                "mean_probability": seen["probability"].mean(),
                "classes": predicted.nunique(),
            }
        )
    table = pd.DataFrame(rows)
    if told.get("measured"):
        held_out = [
            read_table(Path(f"{folders['network']}_accuracy.csv".format(**network))).assign(
                **network
            )
            for network in told["measured"]
        ]
        table = table.merge(pd.concat(held_out), on=["defense", "run"], how="left")
    write_table(given.extractors, table)


if __name__ == "__main__":
    command.run(main)
