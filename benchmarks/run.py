"""Measure varbench beside its peers: the same work, shown to be the same, turn by turn.

Each subject runs in a process of its own (not with --smallest), one thread. A peer that is not
installed, or fails, gets a row that says so. Ratios are the peer's processor time over varbench's:
above 1, varbench is the faster. `make benchmark` makes the environment and calls this; each
subject's section of BENCHMARKS.md is then that of its last run, so `--only` makes one of them anew.
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
from pathlib import Path

import sections
from comparing import Row, table
from peers import SUBJECTS
from peers_environment import PINS, pins
from subjects import Given

BASE = Path(__file__).parents[1]
SHARED = BASE.parent / "shared" / "data"
OWN = ("torch", "torchvision", "numpy", "scipy", "pandas", "lpips")


Measured = tuple[list[Row], list[str]]  # and the distributions that took part


def measure(subject: str, given: Given) -> Measured:
    """Measure one subject, in this process."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    with contextlib.redirect_stdout(sys.stderr):  # some peers print
        rows = list(importlib.import_module(f"peers.{subject}").rows(given))
    return rows, sections.loaded(names())


def apart(subject: str, given: Given) -> Measured:
    """Measure one subject in a process of its own: what it imports or breaks is its own."""
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(1, mp_context=context) as processes:
            return processes.submit(measure, subject, given).result()
    except BrokenProcessPool:
        return [Row(subject, "all of them", "its process was killed")], []
    except ImportError as error:  # of a peer that is there, and lacks what it needs itself
        return [Row(subject, "all of them", f"an import failed: {error}")], []


def names() -> list[str]:
    """Return the distributions whose versions are told."""
    return [*OWN, *(pin.partition("==")[0] for pin in pins(PINS.read_text(encoding="utf-8")))]


def machine() -> str:
    """Describe processor, cores and load."""
    name = platform.processor() or "unknown processor"
    info = Path("/proc/cpuinfo")
    if info.exists():
        said = (line.partition(":") for line in info.read_text(encoding="utf-8").splitlines())
        of = {key.strip(): value.strip() for key, _, value in said}
        name = of.get("model name", name)
        if "cpu family" in of:  # names of virtual processors leave out which generation it is
            name += f" (family {of['cpu family']}, model {of['model']})"
    return f"{name}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


def commit() -> str:
    """Name the commit, and whether anything but what is written here differs from it."""
    git = ["git", "-C", str(BASE)]
    line = [*git, "describe", "--always", "--abbrev=7", "--exclude=*"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    changed = [*git, "diff", "--quiet", "HEAD", "--", ".", ":!BENCHMARKS.md", ":!docs/growth.svg"]
    clean = subprocess.run(changed, check=False).returncode == 0
    return (done.stdout.strip() or "unknown") + ("" if clean else ", changed")


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
    parser.add_argument(
        "--page", type=Path, help="write each subject's section of this page, BENCHMARKS.md"
    )
    told = parser.parse_args()
    if told.page:  # before an hour's work, not after it
        text = told.page.read_text(encoding="utf-8")
        for subject in told.only:
            sections.with_part(text, subject, "")
    rounds = told.rounds or (1 if told.smallest else 3)
    given = Given(told.smallest, rounds, told.weights, told.images)
    began, rows = time.perf_counter(), []
    print(f"Commit {commit()}. {machine()}.", flush=True)
    print(f"\n{sections.said(sections.versions(names()))}.\n", flush=True)
    for subject in told.only:
        print(f"measuring {subject}", file=sys.stderr, flush=True)
        where, before = f"Commit {commit()}, {machine()} before it", time.perf_counter()
        # A process each takes seconds to import torch, which the smallest size would spend mostly.
        found, used = measure(subject, given) if told.smallest else apart(subject, given)
        for row in found:
            print(f"  {row.peer}: {row.ratio or row.agreement}", file=sys.stderr, flush=True)
        if told.page:
            took = f"{(time.perf_counter() - before) / 60:.0f} minutes"
            with_what = sections.said(sections.versions(used)) or "nothing measured"
            text = f"{where}, {took}; {with_what}.\n\n{table(found)}"
            if any(row.seconds for row in found):
                import growth_plot  # here: its imports are not what a subject is measured with

                text += f"\n\n{growth_plot.shown(found, told.page, subject)}"
            sections.write(told.page, subject, text)
        rows += found
    print(table(rows))
    print(f"\n{(time.perf_counter() - began) / 60:.1f} minutes.")


if __name__ == "__main__":
    main()
