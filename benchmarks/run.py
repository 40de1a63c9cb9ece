"""Measure varbench beside its peers: the same work, shown to be the same, turn by turn.

Each subject runs in a process of its own (not with --smallest), one thread. A peer that is not
installed, or fails, gets a row that says so. Ratios are the peer's processor time over varbench's:
above 1, varbench is the faster. `make benchmark` makes the environment and calls this.
"""

import one_thread  # noqa: F401, I001 (before all that computes)

import argparse
import contextlib
import importlib
import multiprocessing
import os
import platform
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib import metadata
from pathlib import Path

from comparing import Row, table
from peers import SUBJECTS
from peers_environment import PINS, pins
from subjects import Given

BASE = Path(__file__).parents[1]
SHARED = BASE.parent / "shared" / "data"
OWN = ("torch", "torchvision", "numpy", "scipy", "pandas", "lpips")


def measure(subject: str, given: Given) -> list[Row]:
    """Measure one subject, in this process."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    with contextlib.redirect_stdout(sys.stderr):  # some peers print
        return list(importlib.import_module(f"peers.{subject}").rows(given))


def apart(subject: str, given: Given) -> list[Row]:
    """Measure one subject in a process of its own: what it imports or breaks is its own."""
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(1, mp_context=context) as processes:
            return processes.submit(measure, subject, given).result()
    except BrokenProcessPool:
        return [Row(subject, "all of them", "its process was killed")]


def versions() -> str:
    """Name what takes part, with versions, and what is missing."""
    names = [*OWN, *(pin.partition("==")[0] for pin in pins(PINS.read_text(encoding="utf-8")))]
    said = []
    for name in names:
        try:
            said.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            said.append(f"{name} missing")
    return ", ".join(said)


def machine() -> str:
    """Describe processor, cores and load."""
    name = platform.processor() or "unknown processor"
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8").splitlines()
        name = next((x.partition(": ")[2] for x in lines if x.startswith("model name")), name)
    return f"{name}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the beginning"


def commit() -> str:
    line = ["git", "-C", str(BASE), "describe", "--always", "--dirty", "--abbrev=7", "--exclude=*"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smallest", action="store_true", help="all at sizes that prove nothing")
    parser.add_argument("--only", nargs="+", choices=SUBJECTS, default=list(SUBJECTS))
    parser.add_argument("--rounds", type=int, help="turns of each side (3; 1 with --smallest)")
    parser.add_argument(
        "--weights", type=Path, default=SHARED / "weights" / "squeezenet1_1.pt",
        help="SqueezeNet 1.1's ImageNet weights; drawn where there are none",
    )  # fmt: skip
    parser.add_argument(
        "--images", type=Path, default=SHARED / "clothing" / "images",
        help="folder of photographs; drawn where there is none",
    )  # fmt: skip
    told = parser.parse_args()
    rounds = told.rounds or (1 if told.smallest else 3)
    given = Given(told.smallest, rounds, told.weights, told.images)
    began, rows = time.perf_counter(), []
    print(f"Commit {commit()}. {machine()}.\n\n{versions()}.\n", flush=True)
    for subject in told.only:
        print(f"measuring {subject}", file=sys.stderr, flush=True)
        # A process each takes seconds to import torch, which the smallest size would spend mostly.
        found = measure(subject, given) if told.smallest else apart(subject, given)
        for row in found:
            print(f"  {row.peer}: {row.ratio or row.agreement}", file=sys.stderr, flush=True)
        rows += found
    print(table(rows))
    print(f"\n{(time.perf_counter() - began) / 60:.1f} minutes.")


if __name__ == "__main__":
    main()
