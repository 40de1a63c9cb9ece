"""A cell by hand, and the commands that work on it."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import grid
from varbench.extractors.networks import Extractor
from varbench.image_archive import ImageArchive, write_images
from varbench.recommenders.state import initial, shapes
from varbench.storage import write_array, write_table, write_tensors

USERS, ITEMS, WIDTH, LENGTH = 5, 9, 4, 3
ATTACKED = [3, 5]

Done = subprocess.CompletedProcess[str]


def line(script: str, told: dict[str, Any], **files: object) -> list[str]:
    """Return a command line; a list is an option of several values."""
    words: list[object] = [sys.executable, grid.BASE / "workflow" / "scripts" / f"{script}.py"]
    words += ["--options", json.dumps(told)]
    for name, value in files.items():
        words += [f"--{name.replace('_', '-')}", *(value if isinstance(value, list) else [value])]
    return [str(word) for word in words]


def run(script: str, told: dict[str, Any], **files: object) -> Done:
    """Run a command by hand."""
    return subprocess.run(line(script, told, **files), capture_output=True, text=True)


def attack_images(
    folder: Path,
    network: Extractor,
    pixels: NDArray[np.uint8],
    attacked: list[int],
    told: dict[str, Any],
    name: str,
) -> list[NDArray[np.uint8]]:
    """Attack some of the images by the command, and return them as ``name``.zip holds them."""
    write_images(folder / "images.zip", enumerate(pixels))
    ids = [f"item {number}" for number in range(len(pixels))]
    write_table(folder / "ids.parquet", pd.DataFrame({"id": ids}))
    write_table(folder / "attacked.parquet", pd.DataFrame({"item": attacked}))
    write_tensors(folder / "network", network.network.state_dict())
    shape = {"architecture": network.architecture, "classes": network.classes}
    shape |= {part: getattr(network, part).flatten().tolist() for part in ("mean", "std")}
    done = run(
        "attack_images",
        {"network": shape, "target_class": 1, "seed": 0, "batch_size": 2, **told},
        weights=folder / "network",
        image_archive=folder / "images.zip",
        item_ids=folder / "ids.parquet",
        attacked=folder / "attacked.parquet",
        attacked_images=folder / f"{name}.zip",
        search=folder / "search.parquet",
        device="cpu",
    )
    assert done.returncode == 0, done.stderr
    return ImageArchive(folder / f"{name}.zip").read(attacked)


def write_inputs(folder: Path) -> Path:
    """Write what a cell reads, the models of the seeds 1 and 2 too."""
    table = pd.DataFrame({"user": np.repeat(range(USERS), 2), "item": [0, 1] * USERS})
    table["held_out"] = [False, True] * USERS
    write_table(folder / "interactions.parquet", table)
    write_table(folder / "attacked.parquet", pd.DataFrame({"item": ATTACKED}))
    write_table(folder / "classes.parquet", pd.DataFrame({"item": range(ITEMS), "class": 0}))
    features = np.random.default_rng(0).normal(size=(ITEMS, WIDTH)).astype(np.float32)
    write_array(folder / "clean.npy", features)
    write_array(folder / "attacked.npy", features[[7, 8]])
    for seed in (1, 2):
        model(folder / f"{seed}.safetensors", seed)
    return folder


def model(path: Path, seed: int, items: int = ITEMS) -> None:
    """Write a model of drawn factors."""
    import torch

    learnt = initial(shapes(USERS, items, WIDTH, 3), seed=seed).learnt()
    write_tensors(path, learnt | {"feature_scale": torch.ones(1)})


def evaluate(
    inputs: Path, output: Path, *seeds: int, attacked: bool = False, k: int = 2, **told: object
) -> Done:
    """Evaluate the models of ``write_inputs``; a folder of ``output`` for each seed."""
    made = {
        "per_user": "users.parquet",
        "per_item": "items.parquet",
        "lists": "lists.npy",
        "digest": "digest.txt",
    }
    each: dict[str, list[Path]] = {
        "model": [inputs / f"{seed}.safetensors" for seed in seeds],
        "clean_features": [inputs / "clean.npy" for _ in seeds],
        "predicted_classes": [inputs / "classes.parquet" for _ in seeds],
        **{name: [output / str(seed) / file for seed in seeds] for name, file in made.items()},
    }
    if attacked:
        each["attacked_features"] = [inputs / "attacked.npy" for _ in seeds]
    return run(
        "evaluate_cell",
        {"length": LENGTH, "k": k, "source_class": 0, **told},
        interactions=inputs / "interactions.parquet",
        attacked=inputs / "attacked.parquet",
        **each,
    )


def train(
    inputs: Path,
    output: Path,
    seeds: Iterable[int] = (1,),
    *,
    attacked: bool = False,
    told: dict[str, Any] | None = None,
    **block: object,
) -> Done:
    """Train VBPR, or another method, on what ``write_inputs`` wrote; a folder for each seed."""
    return subprocess.run(
        training(inputs, output, seeds, attacked=attacked, told=told, **block),
        capture_output=True,
        text=True,
    )


def training(
    inputs: Path,
    output: Path,
    seeds: Iterable[int] = (1,),
    *,
    attacked: bool = False,
    told: dict[str, Any] | None = None,
    **block: object,
) -> list[str]:
    """Return the command line of ``train``."""
    seeds = list(seeds)
    made = {
        "model": "model.safetensors",
        "halfway": "halfway.safetensors",
        "training_log": "training.csv",
        "digest": "digest.txt",
    }
    each: dict[str, object] = {
        "clean_features": [inputs / "clean.npy" for _ in seeds],
        **{name: [output / str(seed) / file for seed in seeds] for name, file in made.items()},
    }
    told = {"recommender": {"method": "vbpr", **block}, "seeds": seeds, **(told or {})}
    if attacked:
        each["attacked_features"] = [inputs / "attacked.npy" for _ in seeds]
    if attacked or told.get("leave_out_attacked"):
        each["attacked"] = inputs / "attacked.parquet"
    return line(
        "train_recommender",
        told,
        interactions=inputs / "interactions.parquet",
        **each,
        device="cpu",
        checkpoint_every=0,
    )
