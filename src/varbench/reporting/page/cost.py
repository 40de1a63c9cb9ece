"""What each stage cost, from the measurements that Snakemake takes of its jobs."""

from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from varbench.storage import read_table, reading

COLUMNS = {"s": "seconds", "cpu_time": "cpu_seconds", "max_rss": "peak_mb"}


def costs(folder: Path, *, attacks: Collection[str], outcomes: Sequence[Path] = ()) -> pd.DataFrame:
    """Sum up the benchmarks of all jobs by stage and, where the path names one, attack.

    folder : of benchmarks; a stage's are in a file STAGE.tsv or below a folder STAGE
    attacks : names
    outcomes : of attacks, ATTACK/RUN/outcome.parquet, whose ``iterations`` are gradient
        evaluations of an image

    Returns stage, attack, jobs, seconds, cpu_seconds, peak_mb (the largest job's) and
    gradient_evaluations (over all images).
    """
    rows = []
    for path in sorted(folder.rglob("*.tsv")):
        with reading(path):
            measured = pd.read_csv(path, sep="\t", na_values="-")[list(COLUMNS)]
        parts = path.relative_to(folder).with_suffix("").parts
        attack = next((part for part in parts[1:] if part in attacks), "")
        rows.append(measured.rename(columns=COLUMNS).assign(stage=parts[0], attack=attack))
    if not rows:
        return pd.DataFrame(columns=["stage", "attack", "jobs", *COLUMNS.values()])
    groups = pd.concat(rows).groupby(["stage", "attack"], sort=False)
    table = groups.agg(
        jobs=("seconds", "size"),
        seconds=("seconds", "sum"),
        cpu_seconds=("cpu_seconds", "sum"),
        peak_mb=("peak_mb", "max"),
    ).reset_index()
    steps: dict[str, int] = {}
    for path in outcomes:
        attack = path.parent.parent.name
        used = int(read_table(path, ["iterations"])["iterations"].sum())
        steps[attack] = steps.get(attack, 0) + used
    of_attack = table["stage"].eq("attack_images")
    table["gradient_evaluations"] = table["attack"].map(steps).where(of_attack)
    return table
