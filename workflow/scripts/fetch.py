#!/usr/bin/env python3
"""Bring a file of the registry of downloads to its place, and verify it."""

from varbench.experiment import command

import logging
from pathlib import Path

from varbench.downloads import fetch, registry
from varbench.errors import InputError

log = logging.getLogger("fetch")

REGISTRY = Path(__file__).parents[2] / "resources" / "downloads.yaml"


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--place", required=True, help="of the file, as the registry has it")
    options.add_argument("--registry", type=Path, default=REGISTRY, help="of downloads")
    given = options.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    known = registry(given.registry)
    if given.place not in known:
        raise InputError(f"{given.place}: not in {given.registry}; known: {', '.join(known)}")
    download = known[given.place]
    log.info("%s (licence: %s)", download.what, download.licence or f"see {download.page}")
    log.info("%s: sha256 %s", download.place, fetch(download))


if __name__ == "__main__":
    command.run(main)
