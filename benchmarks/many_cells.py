"""Time and memory of planning a large grid: `snakemake -n` and `snakemake plan`, nothing run.

The default is 4 datasets x 5 defenses x 20 attacks x 4 recommenders in 5 runs, 8,000 cells under
each of three threats. More than --seconds, --plan-seconds or --limit is an error. Nothing exists
yet, so each job of the grid is planned.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

import measured
from varbench.axes import THREATS

BASE = Path(__file__).parents[1]


def overlay(runs: int, threats: list[str]) -> dict[str, Any]:
    """Return a configuration that makes the embedded experiment's grid larger."""
    generated = {"method": "generated", "unpopular": "sandal", "popular": "running shoe"}
    pushed = {"source_category": "sandal", "target_category": "running shoe"}
    shops = [f"shop_{n}" for n in range(4)]
    return {
        "catalogues": {name: {"source": {**generated, "seed": n}} for n, name in enumerate(shops)},
        "datasets": {name: {"catalogue": name, **pushed} for name in shops},
        "defenses": {
            f"AT_{epsilon}": {
                "method": "adversarial", "starts_from": "T", "epochs": 4, "epsilon": epsilon,
                "batch_size": 32, "learning_rate": 0.05,
            }
            for epsilon in (2, 4)
        },
        "attacks": {f"pgd_{n}": {"method": "pgd", "epsilon": n} for n in range(10, 21)},
        "recommenders": {
            "vbpr_wide": {"method": "vbpr", "epochs": 30, "factors": 128},
            "amr_wide": {
                "method": "amr", "epochs": 15, "factors": 128, "starts_from": "vbpr_wide"
            },
        },
        "grid": {"datasets": shops},
        "runs": runs,
        "threats": threats,
    }  # fmt: skip


def measure(folder: Path, *arguments: str) -> tuple[str, measured.Taken]:
    """Run Snakemake; return what it said and what it took."""
    line = [sys.executable, "-m", "snakemake", "--cores", "8", "--nocolor", *arguments]
    line += ["--snakefile", str(BASE / "Snakefile"), "--configfile", "overlay.yaml"]
    with (folder / "output.txt").open("w", encoding="utf-8") as output:
        taken = measured.run(line, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
    said = (folder / "output.txt").read_text(encoding="utf-8")
    if taken.returncode:
        sys.exit(said[-2000:])
    return said, taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="cells are 1,600 times as many")
    parser.add_argument("--threats", nargs="+", default=list(THREATS))
    parser.add_argument("--seconds", type=float, default=60, help="that the dry run may take")
    parser.add_argument("--plan-seconds", type=float, default=10, help="that the plan may take")
    parser.add_argument("--limit", type=float, default=2_000, help="MB that it may take")
    given = parser.parse_args()
    print("| command | jobs | seconds | CPU seconds | peak memory, MB |\n|---|---:|---:|---:|---:|")
    exceeded: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "overlay.yaml").write_text(
            yaml.safe_dump(overlay(given.runs, given.threats)), encoding="utf-8"
        )
        for command, arguments, most in (
            ("snakemake -n", ["-n", "all"], given.seconds),
            ("snakemake plan", ["plan"], given.plan_seconds),
        ):
            said, (_, seconds, cpu, peak) = measure(folder, *arguments)
            jobs = max(map(int, re.findall(r"^ *total +(\d+)", said, re.MULTILINE)))
            print(f"| {command} | {jobs} | {seconds:.1f} | {cpu:.1f} | {peak:.0f} |", flush=True)
            if seconds > most or peak > given.limit:
                exceeded.append(f"{command} took more than {most:g} seconds or {given.limit:g} MB")
    if exceeded:
        sys.exit(f"error: {'; '.join(exceeded)}")


if __name__ == "__main__":
    main()
