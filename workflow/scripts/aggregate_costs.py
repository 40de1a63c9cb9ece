#!/usr/bin/env python3
"""Sum up what the jobs cost: time, memory and gradient evaluations by stage and attack."""

from varbench.experiment import command

from pathlib import Path

from varbench.reporting.page.cost import summed
from varbench.storage import write_table


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options, "attacks (names), searches (files), logs (their folder)")
    command.add_paths(options, costs="out: CSV")
    given = options.parse_args()
    told = given.options
    searches = [Path(path) for path in told["searches"]]
    table = summed(Path(told["logs"]), attacks=told["attacks"], searches=searches)
    write_table(given.costs, table)


if __name__ == "__main__":
    command.run(main)
