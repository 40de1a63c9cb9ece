#!/usr/bin/env python3
"""Fetch files that the registry knows, each to its place."""

import logging
from pathlib import Path

from varbench.downloads import fetch, registry
from varbench.errors import InputError
from varbench.workflow import command

log = logging.getLogger("fetch")


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--registry", type=Path, required=True, help="table of downloads")
    options.add_argument("--places", nargs="*", default=[], help="of the files; all if not given")
    given = options.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    known = registry(given.registry)
    faults = []
    for place in given.places or known:
        try:
            if place in known:
                log.info("%s: sha256 %s", place, fetch(known[place]))
            elif not Path(place).exists():
                raise InputError(f"{place}: missing, and its source is not known")
        except InputError as error:  # the others are worth having
            faults.append(str(error))
    if faults:
        raise InputError("\n       ".join(faults))


if __name__ == "__main__":
    command.run(main)
