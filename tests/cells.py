"""A cell by hand, and the commands that work on it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import grid
from varbench.storage import write_table, write_tensors

USERS, ITEMS, LENGTH = 5, 9, 3


def run(script: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run a command by hand; a list is an option of several values."""
    line: list[object] = [sys.executable, grid.BASE / "workflow" / "scripts" / f"{script}.py"]
    for name, value in options.items():
        words = value if isinstance(value, list) else [value]
        line += [f"--{name.replace('_', '-')}", *words]
    return subprocess.run([str(word) for word in line], capture_output=True, text=True)


def write_inputs(folder: Path) -> Path:
    """Write interactions, classes, attacked items and the models of the seeds 1 and 2."""
    table = pd.DataFrame({"user": np.repeat(range(USERS), 2), "item": [0, 1] * USERS})
    table["held_out"] = [False, True] * USERS
    write_table(folder / "interactions.parquet", table)
    write_table(folder / "attacked.parquet", pd.DataFrame({"item": [3, 5]}))
    write_table(folder / "classes.parquet", pd.DataFrame({"item": range(ITEMS), "class": 0}))
    for seed in (1, 2):
        model(folder / f"{seed}.safetensors", seed)
    return folder


def model(path: Path, seed: int, items: int = ITEMS) -> None:
    """Write a model of drawn factors."""
    generator = torch.Generator().manual_seed(seed)
    counts = {"user": USERS, "user_visual": USERS, "item": items, "item_visual": items}
    write_tensors(
        path,
        {f"{k}_factors": torch.randn(n, 3, generator=generator) for k, n in counts.items()},
    )


def evaluate(
    inputs: Path, output: Path, *seeds: int, k: int = 2
) -> subprocess.CompletedProcess[str]:
    """Evaluate the models of ``write_inputs``; a folder of ``output`` for each seed."""
    outputs = ("lists.npy", "ranks.npy", "users.parquet", "items.parquet")
    return run(
        "evaluate_cell",
        length=LENGTH,
        k=k,
        source_class=0,
        models=[inputs / f"{seed}.safetensors" for seed in seeds],
        **{name: inputs / f"{name}.parquet" for name in ("interactions", "attacked", "classes")},
        **{Path(name).stem: [output / str(seed) / name for seed in seeds] for name in outputs},
    )


def train(
    inputs: Path, output: Path, *poison: str, **block: object
) -> subprocess.CompletedProcess[str]:
    """Train VBPR on ``clean.npy`` with these of ``attacked.parquet`` and ``features.npy``."""
    return run(
        "train_recommender",
        recommender=json.dumps({"method": "vbpr", **block}),
        seed=1,
        interactions=inputs / "interactions.parquet",
        clean=inputs / "clean.npy",
        **{Path(name).stem: inputs / name for name in poison},
        **{name: output / name for name in ("model", "log", "halfway")},
        device="cpu",
    )
