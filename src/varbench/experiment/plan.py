"""What a configuration would cost: the workflow's own graph, and the benchmarks of earlier jobs.

The graph is walked from the target through the rules' inputs, as Snakemake does, without what takes
it longest in a large grid: asking of each file whether it is up to date, and keeping about each
what a job that runs needs to know.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import pandas as pd
from snakemake.io import apply_wildcards, is_callable
from snakemake.iocontainers import Wildcards
from snakemake.output_index import OutputIndex

from varbench.axes import ROW

Kind = frozenset[str]  # the names of a job that decide what it costs

# Runs and seeds of a job's names do not.
DECISIVE = (*ROW, "catalogue")


@dataclass(frozen=True)
class Job:
    """A job of the graph.

    Attributes
    ----------
    rule
        Its rule's name.
    kind
        The names that decide its cost.
    outputs
        Its files.
    threads, gpus
        What it has for itself.
    """

    rule: str
    kind: Kind
    outputs: tuple[str, ...]
    threads: int
    gpus: int


def jobs(rules: Iterable[Any], target: Any) -> Iterator[Job]:
    """Yield every job that a target needs, whether its files are there or not.

    rules : all rules of a workflow
    target : the rule without wildcards that is asked for
    """
    index = OutputIndex([rule for rule in rules if rule.products()])
    reached: set[str] = set()
    pending: list[str] = []
    yield from _job(target, {}, reached, pending)
    while pending:
        path = pending.pop()
        if path in reached:
            continue  # of a job that makes several files, or of one that many read
        reached.add(path)
        for producer in index.match(path):
            if producer.is_producer(path) and not _fetched(producer, path):
                yield from _job(producer, producer.get_wildcards(path), reached, pending)
                break


def _job(rule: Any, names: dict[str, str], reached: set[str], pending: list[str]) -> Iterator[Job]:
    """Yield a rule's job; its files are reached, and what it reads is pending."""
    outputs = tuple(apply_wildcards(path, names) for path in rule.output)
    reached.update(outputs)
    pending += inputs(rule, names)
    kind = frozenset(names[axis] for axis in DECISIVE if axis in names)
    threads, gpus = _resources(rule, Wildcards(fromdict=names))
    yield Job(rule.name, kind, outputs, threads, gpus)


def inputs(rule: Any, names: dict[str, str]) -> Iterator[str]:
    """Yield what a rule's job reads: patterns, filled, and what its functions of wildcards give."""
    for pattern in rule.input:
        found = pattern
        if is_callable(pattern):
            found, _ = rule.apply_input_function(pattern, names)
        if isinstance(found, dict):  # of `unpack`
            found = [path for paths in found.values() for path in listed(paths)]
        for path in listed(found):
            yield apply_wildcards(str(path), names)


def listed(paths: Any) -> list[Any]:
    """Return a single path as a list of it."""
    return [paths] if isinstance(paths, str | Path) else list(paths)


def _fetched(producer: Any, path: str) -> bool:
    """Say whether a file from elsewhere is there: it is never fetched again."""
    return bool(producer.name == "fetch_file") and Path(path).exists()


def _resources(rule: Any, wildcards: Any) -> tuple[int, int]:
    """Return threads and GPUs of a job."""
    values = []
    for name, default in (("_cores", 1), ("gpu", 0)):
        value: Any = default
        if name in rule.resources:
            resource = rule.resources[name]
            if resource.is_evaluable():
                resource = resource.evaluate(wildcards)
            value = resource.value
        values.append(int(value))
    return values[0], values[1]


def measured(folder: Path, rule: str) -> list[tuple[Kind, float]]:
    """Return the names and the seconds of a rule's benchmarks, wherever under ``folder``."""
    found = []
    for root in [folder, *(path.parent for path in folder.glob("*/benchmarks"))]:
        top = root / "benchmarks" / rule
        for path in [*top.rglob("*.tsv"), *top.parent.glob(f"{rule}.tsv")]:
            names = path.relative_to(top.parent).with_suffix("").parts
            found.append((frozenset(names), float(pd.read_csv(path, sep="\t")["s"].mean())))
    return found


def nearest(names: Kind, known: list[tuple[Kind, float]]) -> float | None:
    """Return the mean of the known values that share the most names; None without any."""
    if not known:
        return None
    shared = [len(names & others) for others, _ in known]
    most = max(shared)
    return mean(value for count, (_, value) in zip(shared, known, strict=True) if count == most)


def table(found: Iterable[Job], folder: Path) -> pd.DataFrame:
    """Return the plan: a row for each rule that has jobs, and the total.

    folder : of results; benchmarks in its subfolders count too

    A job's cost is the mean of the measured ones of its rule that share most of its names.
    """
    by_rule: dict[str, list[Job]] = {}
    for job in found:
        by_rule.setdefault(job.rule, []).append(job)
    rows = pd.DataFrame([_row(rule, own, folder) for rule, own in by_rule.items()])
    total = rows.drop(columns="rule").sum().to_frame().T.assign(rule="total")
    whole = ["jobs", "there", "to do", "unmeasured"]
    return pd.concat([rows, total]).astype(dict.fromkeys(whole, int))


def _row(rule: str, own: list[Job], folder: Path) -> dict[str, Any]:
    seconds = measured(folder, rule)
    sizes: list[tuple[Kind, float]] = []
    missing: list[tuple[Kind, int, int]] = []
    for job in own:
        if all(map(os.path.exists, job.outputs)):
            sizes.append((job.kind, sum(map(os.path.getsize, job.outputs))))
        else:
            missing.append((job.kind, job.threads, job.gpus))
    cpu, gpu, disk = 0.0, 0.0, 0.0
    # Jobs that differ in nothing that decides their cost are estimated once.
    for (kind, threads, gpus), count in Counter(missing).items():
        minutes = (nearest(kind, seconds) or 0) * count / 60
        cpu, gpu = cpu + minutes * threads, gpu + minutes * gpus
        disk += (nearest(kind, sizes) or 0) * count
    return {
        "rule": rule,
        "jobs": len(own),
        "there": len(sizes),
        "to do": len(missing),
        "CPU minutes": cpu,
        "GPU minutes": gpu,
        "GB there": sum(size for _, size in sizes) / 1e9,
        "GB to come": disk / 1e9,
        "unmeasured": len(missing) if not seconds else 0,
    }


def of_workflow(workflow: Any, target: str, results: Path) -> str:
    """Return the plan of a target for a terminal.

    results : its folder; benchmarks of other experiments beside it count too
    """
    folder = results if results.is_absolute() else Path(results.parts[0])
    return as_text(table(jobs(workflow.rules, workflow.get_rule(target)), folder))


def as_text(plan: pd.DataFrame) -> str:
    """Return the plan for a terminal: in hours where it takes a day and more, else in minutes."""
    if plan.iloc[-1]["CPU minutes"] >= 24 * 60:
        for device in ("CPU", "GPU"):
            plan = plan.assign(**{f"{device} minutes": plan[f"{device} minutes"] / 60})
            plan = plan.rename(columns={f"{device} minutes": f"{device} hours"})
    return (
        plan.to_string(index=False, float_format=lambda value: f"{value:.2f}")
        + "\nTimes are those of measured jobs with the most names in common, which may have had"
        "\nanother network, image size or number of epochs; unmeasured jobs count as none, and as"
        "\nno disk where nothing of their rule is there."
    )
