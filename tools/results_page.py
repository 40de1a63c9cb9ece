#!/usr/bin/env python3
"""Write docs/results.md, and the README's table, from the finished embedded experiment."""

import argparse
import json
import platform
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from marked import BASE, put

from varbench.axes import WITHIN_THREAT
from varbench.costs import costs

HEAD = """\
# Results of the embedded experiment

Written by `python tools/results_page.py` from `results/tables`, after `make run` on commit {commit}
({machine}). The images are drawings, the networks are small, {images}: the tables
show that the workflow measures, not what holds on Amazon's data. The [README](../README.md) says
what `make check` holds them to; [runs.md](runs.md) how to read intervals and marks.
"""
LOGGED = """\
From the last line of each job's log. A job that was started again, for a run more, counts with its
last start only."""
ATTACKS = {"pgd_8": "PGD 8", "insa_8": "INSA 8"}
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
    table = spent(results / "logs").to_markdown(index=False)
    yield f"## Where the time goes\n\n{LOGGED}\n\n{table}"


MARKS = {"raised": "\N{UPWARDS ARROW}", "lowered": "\N{DOWNWARDS ARROW}"}


def summary(results: Path) -> str:
    """Return VBPR's CHR before and after two attacks, under each threat and defense."""
    changes = pd.read_csv(results / "tables" / "changes.csv")
    table1 = pd.read_csv(results / "tables" / "table1.csv")
    chosen = changes[changes["attack"].isin(ATTACKS) & (changes["recommender"] == "vbpr")]
    cold = pd.read_csv(results / "tables" / "table1_cold_start.csv")
    keys = list(WITHIN_THREAT)
    clean = {
        threat: table.set_index(keys)["chr_at_20"]
        for threat, table in (("poisoning", table1), ("evasion", table1), ("cold_start", cold))
    }
    chosen = chosen.assign(
        text=[
            f"{before:.2f} \N{RIGHTWARDS ARROW} {before + row.change:.2f}"
            f" {MARKS.get(row.verdict, '')}".strip()
            for row in chosen.itertuples()
            for before in [clean[row.threat][row.dataset, row.defense, "none", "vbpr"]]
        ],
        attack=chosen["attack"].map(ATTACKS),
    )
    rows = ["threat", "attack", "dataset"]
    wide = chosen.set_index([*rows, "defense"])["text"].unstack("defense")  # noqa: PD010
    order = chosen[rows].drop_duplicates().sort_values("attack", kind="stable")
    order = order.iloc[order["threat"].map(list(clean).index).argsort(kind="stable")]
    wide = wide.loc[pd.MultiIndex.from_frame(order), ["T", "AT", "FAT"]].reset_index()
    return wide.to_markdown(index=False) + "\n"


def main() -> None:
    """Write the page and the README's table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=BASE / "results")
    given = parser.parse_args()
    record = json.loads((given.results / "provenance.json").read_text(encoding="utf-8"))
    commit = record["commit"][:7]
    text = "\n\n".join(part.strip() for part in parts(given.results, commit)) + "\n"
    (BASE / "docs" / "results.md").write_text(text, encoding="utf-8")
    put(BASE / "README.md", "results", summary(given.results))


if __name__ == "__main__":
    main()
