#!/usr/bin/env python3
"""Write docs/results.md from the finished tables of the embedded experiment."""

import argparse
import platform
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from varbench.experiment.costs import costs

BASE = Path(__file__).parents[1]
HEAD = """\
# Results of the embedded experiment

Written by `python tools/results_page.py` from `results/tables`, after `make run` on commit {commit}
({machine}). The images are drawings, the networks are small, {images}: the tables
show that the workflow measures, not what holds on Amazon's data. The [README](../README.md) says
what `make check` holds them to; [runs.md](runs.md) how to read intervals and marks.
"""
TABLES = {
    "table1": "Poisoning",
    "table1_evasion": "Evasion",
    "table1_cold_start": "Cold start",
    "table2": "The images",
}


def spent(logs: Path) -> pd.DataFrame:
    """Return what each rule has cost, from its jobs' logs."""
    rows = []
    for path in logs.rglob("*.log"):
        found = costs(path.read_text(encoding="utf-8", errors="replace"))
        if found is not None:
            rule = path.relative_to(logs).parts[0].removesuffix(".log")
            rows.append((rule, found.seconds, found.cpu_seconds, found.memory_mb))
    table = pd.DataFrame(rows, columns=["rule", "seconds", "CPU seconds", "MB"])
    groups = table.groupby("rule")
    summed = groups[["seconds", "CPU seconds"]].sum().round(0).astype(int)
    summed.insert(0, "jobs", groups.size())
    summed["memory, MB"] = groups["MB"].max().round(0).astype(int)
    return summed.sort_values("CPU seconds", ascending=False).reset_index()


def parts(results: Path, commit: str) -> Iterator[str]:
    """Yield the page's sections."""
    images = pd.read_csv(results / "tables" / "table2.csv").groupby("dataset")["images"].first()
    counts = ", ".join(f"{count} attacked images in {name}" for name, count in images.items())
    yield HEAD.format(commit=commit, machine=platform.processor() or "x86-64", images=counts)
    for name, title in TABLES.items():
        yield f"## {title}\n\n{(results / 'tables' / f'{name}.md').read_text(encoding='utf-8')}"
    yield "## Where the time goes\n\nFrom the last line of each job's log.\n\n" + spent(
        results / "logs"
    ).to_markdown(index=False)


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=BASE / "results")
    given = parser.parse_args()
    line = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(
        line, cwd=BASE, capture_output=True, text=True, check=True
    ).stdout.strip()
    text = "\n\n".join(part.strip() for part in parts(given.results, commit)) + "\n"
    (BASE / "docs" / "results.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
