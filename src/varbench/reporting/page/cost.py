"""What each stage cost, from the last lines of its jobs' logs."""

from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from varbench.costs import costs
from varbench.storage import read_table, reading

COLUMNS = ("stage", "attack", "seconds", "cpu_seconds", "peak_mb")


def summed(
    folder: Path, *, attacks: Collection[str], searches: Sequence[Path] = ()
) -> pd.DataFrame:
    """Sum up the costs of all jobs by stage and, where the path names one, attack.

    folder : of logs; a stage's are in a file STAGE.log or below a folder STAGE. A log that does not
        end with a job's costs, such as a job's that is still running, is left out.
    attacks : names
    searches : of attacks, ATTACK/RUN/search.parquet, whose ``iterations`` are gradient evaluations
        of an image

    Returns stage, attack, jobs, seconds, cpu_seconds, peak_mb (the largest job's) and
    gradient_evaluations (over all images).
    """
    rows = []
    for path in sorted(folder.rglob("*.log")):
        with reading(path):
            found = costs(path.read_text(encoding="utf-8", errors="replace"))
        if found is not None:
            parts = path.relative_to(folder).with_suffix("").parts
            attack = next((part for part in parts[1:] if part in attacks), "")
            rows.append((parts[0], attack, found.seconds, found.cpu_seconds, found.memory_mb))
    groups = pd.DataFrame(rows, columns=list(COLUMNS)).groupby(["stage", "attack"], sort=False)
    table = groups.agg(
        jobs=("seconds", "size"),
        seconds=("seconds", "sum"),
        cpu_seconds=("cpu_seconds", "sum"),
        peak_mb=("peak_mb", "max"),
    ).reset_index()
    steps: dict[str, int] = {}
    for path in searches:
        attack = path.parent.parent.name
        used = int(read_table(path, ["iterations"])["iterations"].sum())
        steps[attack] = steps.get(attack, 0) + used
    of_attack = table["stage"].eq("attack_images")
    table["gradient_evaluations"] = table["attack"].map(steps).where(of_attack)
    return table
