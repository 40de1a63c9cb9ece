#!/usr/bin/env python3
"""Say what a configuration would cost: jobs, hours and disk, from the benchmarks of earlier jobs.

A job's cost is the mean of the measured ones of its rule that share most of its names (attack,
defense, recommender, ...). What has never been measured is counted, and named as missing.
"""

from varbench.experiment import command

from collections import Counter
from itertools import product
from pathlib import Path
from statistics import mean
from typing import Any

import pandas as pd

Names = frozenset[str]  # that a job has along the axes of its rule

# The axes that decide what a job costs, in this order; a seed does not.
DECISIVE = ("attack", "defense", "recommender", "dataset", "catalogue")


def measured(folder: Path, rule: str) -> list[tuple[Names, float]]:
    """Return the names and the seconds of a rule's benchmarks, wherever under ``folder``."""
    found = []
    for root in [folder, *(path.parent for path in folder.glob("*/benchmarks"))]:
        top = root / "benchmarks" / rule
        for path in [*top.rglob("*.tsv"), *top.parent.glob(f"{rule}.tsv")]:
            names = path.relative_to(top.parent).with_suffix("").parts
            found.append((frozenset(names), float(pd.read_csv(path, sep="\t")["s"].mean())))
    return found


def nearest(names: Names, known: list[tuple[Names, float]]) -> float | None:
    """Return the mean of the known values that share the most names; None without any."""
    if not known:
        return None
    shared = [len(names & others) for others, _ in known]
    most = max(shared)
    return mean(value for count, (_, value) in zip(shared, known, strict=True) if count == most)


def row(rule: str, spec: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a rule's line of the plan."""
    axes: dict[str, list[Any]] = spec["axes"]
    jobs = [
        {axis: str(name) for axis, name in zip(axes, names, strict=True)}
        for names in product(*axes.values())
    ]
    seconds = measured(folder, rule)
    sizes: list[tuple[Names, float]] = []
    missing: list[Names] = []
    for job in jobs:
        outputs = [Path(pattern.format(**job)) for pattern in spec["outputs"]]
        if all(path.exists() for path in outputs):
            sizes.append((frozenset(job.values()), sum(path.stat().st_size for path in outputs)))
        else:
            missing.append(frozenset(job[axis] for axis in DECISIVE if axis in job))
    # Jobs that differ in nothing that decides their cost are estimated once.
    hours, disk = 0.0, 0.0
    for kind, count in Counter(missing).items():
        # The processes of a job work side by side, each with its own threads and GPU.
        processes = max((spec["processes"].get(name, 1) for name in kind), default=1)
        hours += (nearest(kind, seconds) or 0) * count * processes / 3600
        disk += (nearest(kind, sizes) or 0) * count
    return {
        "rule": rule,
        "jobs": len(jobs),
        "there": len(sizes),
        "to do": len(missing),
        "CPU hours": hours * spec["threads"],
        "GPU hours": hours * spec["gpu"],
        "GB there": sum(size for _, size in sizes) / 1e9,
        "GB to come": disk / 1e9,
        "unmeasured": len(missing) if not seconds else 0,
    }


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--rules", type=command.block, required=True, help="as JSON")
    command.add_paths(options, folder="of results, its subfolders' benchmarks count too")
    given = options.parse_args()
    rows = [row(rule, spec, given.folder) for rule, spec in given.rules.items()]
    table = pd.DataFrame([line for line in rows if line["jobs"]])
    total = table.drop(columns="rule").sum().to_frame().T.assign(rule="total")
    whole = ["jobs", "there", "to do", "unmeasured"]
    table = pd.concat([table, total]).astype(dict.fromkeys(whole, int))
    print(table.to_string(index=False, float_format=lambda value: f"{value:.2f}"))
    print(
        "Hours are those of measured jobs with the most names in common; unmeasured jobs count as"
        " none, and as no disk where nothing of their rule is there."
    )


if __name__ == "__main__":
    command.run(main)
