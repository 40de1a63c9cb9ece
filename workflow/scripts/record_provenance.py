#!/usr/bin/env python3
"""Record what made the results: commit, versions, machine, checksums of data and weights."""

from varbench.experiment import command

import hashlib
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from varbench.storage import reading, write_json

PACKAGES = (
    *("varbench", "torch", "torchvision", "numpy", "scipy", "pandas", "pyarrow", "pillow"),
    *("lpips", "safetensors", "snakemake", "altair", "vl-convert-python"),
)
CHECKOUT = Path(__file__).parents[2]


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options, "facts: more to say")
    options.add_argument("--files", type=Path, nargs="*", default=[], help="to be summed")
    command.add_paths(options, provenance="out: JSON")
    given = options.parse_args()
    record = {
        **sources(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "cores": os.cpu_count(),
        "gpu": gpu(),
        **given.options["facts"],
        "packages": {name: installed(name) for name in PACKAGES},
        "checksums_sha256": {str(path): checksum(path) for path in given.files},
    }
    write_json(given.provenance, record)


def sources() -> dict[str, str]:
    """Return the commit of this checkout, and whether its files are as committed."""
    commit = git("rev-parse", "HEAD")
    if not commit:
        return {"commit": "unknown: not a checkout of git", "sources": "unknown"}
    changed = git("status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "sources": "changed since that commit" if changed else "as committed"}


def git(*words: str) -> str:
    """Return what git says of the checkout, or nothing where there is none."""
    try:
        done = subprocess.run(
            ["git", "-C", str(CHECKOUT), *words], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def installed(name: str) -> str:
    """Return a package's version."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def gpu() -> str:
    """Return the names of the GPUs, as their driver gives them."""
    line = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        done = subprocess.run(line, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "none"
    return ", ".join(done.stdout.split("\n")).strip(", ")


def checksum(path: Path) -> str:
    """Return a file's SHA-256."""
    with reading(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    command.run(main)
