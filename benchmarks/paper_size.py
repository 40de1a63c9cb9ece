"""Train, rank and evaluate a VBPR and an AMR cell at the paper's size, by the workflow's commands.

Interactions are drawn, Zipf over the items, and so are features: only time and memory are measured.
The defaults are Amazon Men as the paper counts it. Each command runs as the workflow would run it,
in a process of its own, whose peak of resident memory the operating system reports; more than
--limit is an error. CPU seconds tell what a command takes from what busy neighbours add.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import measured

BASE = Path(__file__).parents[1]
SCRIPTS = BASE / "workflow" / "scripts"
SOURCE_CLASS = 774  # sandal
PUBLISHED = {"vbpr": 4000, "amr": 2000}  # epochs


@dataclass(frozen=True)
class Stage:
    """What a command took."""

    name: str
    seconds: float
    cpu_seconds: float
    peak_mb: float


def draw(size: argparse.Namespace, folder: Path) -> None:
    """Write a catalogue's tables, features and classes as the workflow's earlier rules do."""
    import numpy as np
    import pandas as pd

    from varbench.catalogues.interactions import leave_one_out
    from varbench.storage import write_array, write_table

    random = np.random.default_rng(0)
    popularity = 1 / np.arange(1, size.items + 1) ** 0.7
    # Two for every user, so that nearly all have one to hold out; then whoever comes.
    users = np.concatenate(
        [*[np.arange(size.users)] * 2, random.integers(size.users, size=2 * size.interactions)]
    )
    items = random.choice(size.items, len(users), p=popularity / popularity.sum())
    table = pd.DataFrame({"user": users, "item": items}).drop_duplicates()[: size.interactions]
    assert len(table) == size.interactions
    table = table.assign(rating=5.0, timestamp=random.integers(1, 10**9, len(table)))
    table = table.sort_values(["user", "timestamp", "item"], ignore_index=True)
    table["held_out"] = leave_one_out(table, seed=0)
    write_table(folder / "interactions.parquet", table)

    attacked = np.sort(random.choice(size.items, size.attacked, replace=False))
    classes = np.full(size.items, SOURCE_CLASS + 1)
    classes[attacked] = SOURCE_CLASS
    write_table(
        folder / "classes.parquet",
        pd.DataFrame({"item": range(size.items), "class": classes, "probability": 1.0}),
    )
    write_table(folder / "attacked.parquet", pd.DataFrame({"item": attacked}))
    # Averages of rectified maps: not negative, most of them small.
    for name, rows in (("clean", size.items), ("features", size.attacked)):
        features = random.standard_exponential((rows, size.width), np.float32)
        write_array(folder / f"{name}.npy", features)


def run(name: str, script: str, **options: object) -> Stage:
    """Run a command and return what it took."""
    line = [sys.executable, str(SCRIPTS / script)]
    for option, value in options.items():
        line += [f"--{option.replace('_', '-')}", str(value)]
    taken = measured.run(line, env=os.environ | {"PYTHONPATH": str(BASE / "src")})
    if taken.returncode:
        sys.exit(f"{script} ended with {taken.returncode}")
    return Stage(name, taken.seconds, taken.cpu_seconds, taken.peak_mb)


def cell(
    name: str, epochs: int, folder: Path, precision: str, device: str, threads: int
) -> list[Stage]:
    """Train, rank and evaluate one cell; AMR starts from VBPR's state at half."""
    out = folder / name
    start = {"start": folder / "vbpr" / "halfway.safetensors"} if name == "amr" else {}
    attacked = {"attacked": folder / "attacked.parquet"}
    interactions = {"interactions": folder / "interactions.parquet"}
    features = {
        "clean_features": folder / "clean.npy",
        "attacked_features": folder / "features.npy",
    }
    recommender = {"method": name, "epochs": epochs, "precision": precision}
    metrics = {"length": 150, "k": 20, "source_class": SOURCE_CLASS}
    return [
        run(
            f"train {name}, {epochs} epochs",
            "train_recommender.py",
            options=json.dumps({"recommender": recommender, "seeds": [0]}),
            **interactions,
            **attacked,
            **start,
            **features,
            halfway=out / "halfway.safetensors",
            model=out / "model.safetensors",
            training_log=out / "training.csv",
            digest=out / "digest.txt",
            device=device,
            threads=threads,
        ),
        run(
            f"rank and evaluate, {name}",
            "evaluate_cell.py",
            options=json.dumps(metrics),
            **interactions,
            **attacked,
            **features,
            model=out / "model.safetensors",
            predicted_classes=folder / "classes.parquet",
            lists=out / "lists.npy",
            per_user=out / "users.parquet",
            per_item=out / "items.parquet",
            digest=out / "evaluated.txt",
        ),
    ]


def report_epochs(name: str, training: Stage, log: Path) -> None:
    """Print seconds an epoch and what the published number of epochs would take.

    CPU seconds are the whole command's, its start included.
    """
    column = log.read_text(encoding="utf-8").splitlines()
    place = column[0].split(",").index("seconds")
    seconds = [float(line.split(",")[place]) for line in column[1:]]
    median, cpu = statistics.median(seconds), training.cpu_seconds / len(seconds)
    hours, cpu_hours = (PUBLISHED[name] * s / 3600 for s in (median, cpu))
    print(
        f"| {name} | {median:.2f} | {cpu:.2f} | {PUBLISHED[name]} | {hours:.1f} | {cpu_hours:.1f} |"
    )


def measure(arguments: argparse.Namespace, folder: Path) -> None:
    # In a process of its own: a child's peak begins at its parent's size, so this one stays small.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as processes:
        processes.submit(draw, arguments, folder).result()
    print("| stage | seconds | CPU seconds | peak memory, MB |\n|---|---:|---:|---:|")
    stages = []
    for name, epochs in (("vbpr", arguments.epochs), ("amr", max(1, arguments.epochs // 2))):
        for stage in cell(
            name, epochs, folder, arguments.precision, arguments.device, arguments.threads
        ):
            print(
                f"| {stage.name} | {stage.seconds:.0f} | {stage.cpu_seconds:.0f} "
                f"| {stage.peak_mb:.0f} |",
                flush=True,
            )
            stages.append(stage)
    print(
        "\n| an epoch of | seconds, median | CPU seconds | published epochs | hours | CPU hours |\n"
        "|---|---:|---:|---:|---:|---:|"
    )
    for name, training in zip(PUBLISHED, stages[::2], strict=True):
        report_epochs(name, training, folder / name / "training.csv")
    peak = max(stage.peak_mb for stage in stages)
    if peak > arguments.limit:
        sys.exit(f"error: a command took {peak:.0f} MB, more than {arguments.limit}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=24_379)
    parser.add_argument("--items", type=int, default=7_371)
    parser.add_argument("--interactions", type=int, default=89_020, help="held-out ones included")
    parser.add_argument("--width", type=int, default=2_048, help="of an image's features")
    parser.add_argument("--attacked", type=int, default=191, help="items")
    parser.add_argument("--epochs", type=int, default=20, help="of VBPR; AMR trains half of them")
    parser.add_argument("--limit", type=int, default=4_000, help="MB that a command may take")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    print(
        f"{arguments.users} users, {arguments.items} items, {arguments.interactions} interactions, "
        f"features {arguments.width} wide, {arguments.attacked} attacked; {arguments.device}, "
        f"{arguments.threads} thread(s), load {os.getloadavg()[0]:.1f}\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        measure(arguments, Path(folder))


if __name__ == "__main__":
    main()
