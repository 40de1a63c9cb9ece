#!/usr/bin/env python3
"""Set the paper's tables beside ours, and decide the paper's claims on both."""

from varbench.experiment import command
from varbench.experiment.protocol import describe

from pathlib import Path

import pandas as pd

from varbench.reporting import published
from varbench.reporting.claims import claims
from varbench.reporting.standing import claims_on_ours
from varbench.storage import read_table, write_table

RESOURCES = Path(__file__).parents[2] / "resources" / "published"


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options, "stands_for, threats, protocol, k, clean")
    command.add_each(options, table1="of each threat")
    command.add_paths(options, table2="of the images")
    command.add_paths(options, comparison="out", agreement="out", claims="out")
    given = options.parse_args()
    told = given.options

    theirs = published.read(RESOURCES)
    table1 = dict(zip(told["threats"], map(read_table, given.table1), strict=True))
    table2 = read_table(given.table2)
    comparison = published.compare(
        (table1["poisoning"], table2),
        theirs,
        stands_for=told["stands_for"],
        k=told["k"],
        clean=told["clean"],
    )
    write_table(given.comparison, comparison)
    write_table(given.agreement, published.agreement(comparison))
    # Cold start has no trained item to compare the claims' clean cells with.
    decided = claims_on_ours(
        {threat: table for threat, table in table1.items() if threat != "cold_start"},
        table2,
        stands_for=told["stands_for"],
        k=told["k"],
        clean=told["clean"],
    )
    ours = f"ours, {describe(told['protocol'])}"
    write_table(
        given.claims,
        pd.concat([claims(*theirs).assign(tables="the paper's"), decided.assign(tables=ours)]),
    )


if __name__ == "__main__":
    command.run(main)
