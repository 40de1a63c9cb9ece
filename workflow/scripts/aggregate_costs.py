#!/usr/bin/env python3
"""Sum up what the jobs cost: time, memory and gradient evaluations by stage and attack."""

from varbench.experiment import command

from pathlib import Path

from varbench.reporting.page.cost import costs
from varbench.storage import write_table


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--attacks", nargs="+", required=True, help="names")
    options.add_argument("--outcomes", type=Path, nargs="*", default=[], help="of attacks")
    command.add_paths(options, benchmarks="folder of Snakemake's benchmarks", output="out: CSV")
    given = options.parse_args()
    table = costs(given.benchmarks, attacks=given.attacks, outcomes=given.outcomes)
    write_table(given.output, table)


if __name__ == "__main__":
    command.run(main)
