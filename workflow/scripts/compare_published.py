#!/usr/bin/env python3
"""Set the paper's tables beside ours, and decide the paper's claims on both."""

from varbench.experiment import command
from varbench.experiment.protocol import describe

from pathlib import Path

import pandas as pd

from varbench.reporting import published
from varbench.reporting.claims import claims, claims_on_ours
from varbench.storage import read_table, write_table

RESOURCES = Path(__file__).parents[2] / "resources" / "published"


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--datasets", type=command.block, required=True, help="ours: the paper's")
    options.add_argument("--protocol", type=command.block, required=True, help="as JSON")
    options.add_argument("--k", type=int, required=True)
    options.add_argument("--clean", required=True, help="name of the attack that changes nothing")
    command.add_paths(options, chr="table 1", images="table 2")
    command.add_paths(options, comparison="out", agreement="out", claims="out")
    given = options.parse_args()

    theirs = published.read(RESOURCES)
    ours = read_table(given.chr), read_table(given.images)
    comparison = published.compare(
        ours, theirs, datasets=given.datasets, k=given.k, clean=given.clean
    )
    write_table(given.comparison, comparison)
    write_table(given.agreement, published.agreement(comparison))
    decided = claims_on_ours(*ours, datasets=given.datasets, k=given.k)
    write_table(
        given.claims,
        pd.concat(
            [
                claims(*theirs).assign(tables="the paper's"),
                decided.assign(tables=f"ours, {describe(given.protocol)}"),
            ]
        ),
    )


if __name__ == "__main__":
    command.run(main)
