#!/usr/bin/env python3
"""Aggregate the values of all attacked images into table 2."""

from varbench.experiment import command
from varbench.experiment.stored import images_by_network

from pathlib import Path

from varbench.reporting.flags import flags, merged, of_transfers
from varbench.reporting.measures import table2
from varbench.storage import read_json, write_table

OPTIONAL = ("source_share", "success_rate_not_target")


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options, "images (names of each attack's), metrics, attack (a pattern)")
    command.add_paths(options, table2="out")
    given = options.parse_args()
    told, metrics = given.options, given.options["metrics"]
    images = images_by_network(told["images"], Path(told["attack"]))
    found = [
        (names, read_json(Path(told["attack"].format(**names)) / "indicators.json"))
        for names in told.get("examined", [])
    ]
    table = table2(
        images,
        list(dict.fromkeys(names["attack"] for names in told["images"])),
        merged(flags(found), of_transfers(images, told.get("transfers", {}))),
        confidence=metrics["confidence"],
        without=[name for name in OPTIONAL if not metrics[name]],
    )
    write_table(given.table2, table)


if __name__ == "__main__":
    command.run(main)
