"""The embedded grid on two cores, beside the sum of its jobs' computing."""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import NamedTuple

import measured
from comparing import OURS, Race, Row
from subjects import Given
from varbench.costs import costs

BASE = Path(__file__).parents[2]
WORK, SUM = "the whole embedded grid", "the sum of its jobs' computing"
AIM = 1.54  # a wall time of 0.65 of the sum
WHY = (
    "wall time has all of Snakemake's own work in it. The sum is of CPU seconds, from the jobs' "
    "logs; jobs are forks of a process that has imported torch, so theirs are computing and no "
    "imports, but for the first ones and those of two threads"
)
SMALLEST = (
    *("--configfile", str(BASE / "tests" / "tiny.yaml")),
    *("--config", "runs=1", "threats=[poisoning]"),
    "grid={defenses: [T], attacks: [none, pgd_8], recommenders: [vbpr]}",
)
# The last line is often Snakemake's, that a job has failed, and not why.
ERROR = re.compile(r"^(?:[\w.]*(?:[Ee]rror|Exception)|configuration): .+", re.MULTILINE)


class Run(NamedTuple):
    """Wall seconds, CPU seconds of all processes, and those of each job by itself."""

    seconds: float
    cpu_seconds: float
    jobs: list[float]


def rows(given: Given) -> Iterator[Row]:
    options = SMALLEST if given.smallest else ()
    try:
        yield compared([run(*options) for _ in range(given.rounds)])
    except (OSError, RuntimeError) as error:
        yield Row(WORK, SUM, f"it failed: {error}"[:200], aim=AIM)


def run(*options: str) -> Run:
    """Run the grid from nothing, in a folder that is then removed.

    Raises RuntimeError with the last error that it told of, where it fails.
    """
    line = [str(snakemake()), "all", "--cores", "2", "--nocolor"]
    line += ["--snakefile", str(BASE / "Snakefile"), *options]
    with tempfile.TemporaryDirectory(prefix="varbench-grid-") as name:
        told = Path(name) / "told.txt"
        with told.open("w", encoding="utf-8") as output:
            took = measured.run(line, cwd=name, stdout=output, stderr=subprocess.STDOUT)
        if took.returncode:
            raise RuntimeError(why(told.read_text(encoding="utf-8", errors="replace")))
        return Run(took.seconds, took.cpu_seconds, computing(Path(name) / "results" / "logs"))


def snakemake() -> Path:
    """Return the command of varbench's own environment, or any: its jobs see no peers."""
    files = metadata.files("snakemake") or []
    commands = (Path(file.locate()) for file in files if file.match("bin/snakemake"))
    return next(commands, Path("snakemake"))


def why(told: str) -> str:
    """Return the last error of a log, or else its last line."""
    return (ERROR.findall(told) or told.strip().splitlines() or ["no word of why"])[-1]


def computing(logs: Path) -> list[float]:
    """Return the CPU seconds that each job's log ends with."""
    found = (costs(p.read_text(encoding="utf-8", errors="replace")) for p in logs.rglob("*.log"))
    return [cost.cpu_seconds for cost in found if cost is not None]


def compared(runs: list[Run]) -> Row:
    """Set wall time beside the sum of computing, each run its own."""
    sums = [sum(run.jobs) for run in runs]
    walls = [run.seconds for run in runs]
    wall, computed = median(walls), median(sums)
    said = (
        f"the same jobs of the same run, {len(runs[0].jobs)}: {computed:.0f} s of computing in "
        f"{wall:.0f} s, which is {wall / computed:.2f} of it; with Snakemake and imports "
        f"{median(run.cpu_seconds for run in runs):.0f} CPU seconds"
    )
    return Row(WORK, SUM, said, Race(seconds={OURS: walls, SUM: sums}).ratio(SUM), aim=AIM, why=WHY)
