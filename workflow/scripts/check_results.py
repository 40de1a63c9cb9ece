#!/usr/bin/env python3
"""Check the finished tables of the embedded experiment against what the experiment must show."""

from varbench.experiment import command

import sys
from pathlib import Path

from varbench.reporting.checks import every
from varbench.storage import read_table

TABLES = (*("extractors", "table1_evasion", "table1_cold_start", "table2", "changes", "accuracy"),)


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--tables", type=Path, required=True, help="folder of the tables")
    folder = options.parse_args().tables
    checks = every({name: read_table(folder / f"{name}.csv") for name in TABLES})
    failed = [text for passed, text in checks if not passed]
    for passed, text in checks:
        print("ok    " if passed else "FAILED", text)
    print(f"{len(checks) - len(failed)} passed, {len(failed)} failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    command.run(main)
