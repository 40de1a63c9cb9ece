"""Results of an experiment that never ran, in the layout of real ones, to build a page from."""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from page_tables import (
    ATTACKS,
    DATASETS,
    DEFENSES,
    ITEMS,
    LEFT,
    LENGTH,
    PUSH,
    RECOMMENDERS,
    SIDE,
    SOURCE,
    THREATS,
    USERS,
    K,
    write_tables,
)
from varbench.image_archive import write_images
from varbench.storage import write_array, write_table

HOSTILE = "<script>alert(1)</script>"
CATEGORIES = ["sandal", "running shoe", "jersey", "brassiere", "T-shirt", "jean"]


def write(folder: Path, *, threats: int = 3, runs: int = 3, datasets: int = 2) -> dict[str, Any]:
    """Write the results and return the options of the page."""
    axes = {
        "threats": THREATS[:threats],
        "datasets": DATASETS[:datasets],
        "defenses": DEFENSES,
        "attacks": list(ATTACKS),
        "recommenders": RECOMMENDERS,
    }
    random = np.random.default_rng(7)
    _catalogues(folder, axes, random)
    write_tables(folder / "tables", axes, runs, random)
    return {
        "title": "Embedded experiment",
        "axes": axes,
        "runs": runs,
        "k": K,
        "confidence": 0.95,
        "clean": "none",
        "undefended": "T",
        "attacks": ATTACKS,
        "labels": {"mini_men": "Mini Men", "mini_women": "Mini Women"},
        "protocol": "corrected",
        "datasets": {
            name: {
                "catalogue": name,
                "source_category": CATEGORIES[2 * number],
                "target_category": CATEGORIES[2 * number + 1],
                "stands_for": f"amazon_{name.removeprefix('mini_')}",
            }
            for number, name in enumerate(axes["datasets"])
        },
        "classes": CATEGORIES,
        "network_run": {"T": "0", "AT": "0", "FAT": "0"},
        "attack_run": {d: dict.fromkeys(list(ATTACKS)[1:], "0") for d in DEFENSES},
    }


def _catalogues(folder: Path, axes: dict[str, list[str]], random: np.random.Generator) -> None:
    for number, name in enumerate(axes["datasets"]):
        source = CATEGORIES[2 * number]
        labels = [source] * SOURCE + list(random.choice(CATEGORIES, ITEMS - SOURCE))
        ids = [HOSTILE, *(f"item-{item:03d}" for item in range(1, ITEMS))]
        catalogue = folder / "catalogues" / name
        items = pd.DataFrame({"item": range(ITEMS), "id": ids, "label": labels})
        write_table(catalogue / "items.parquet", items)
        users = pd.DataFrame({"user": range(USERS), "id": [f"user-{u:03d}" for u in range(USERS)]})
        write_table(catalogue / "users.parquet", users)
        pairs = np.unique(random.integers(0, [USERS, ITEMS], (300, 2)), axis=0)
        seen = pd.DataFrame(pairs, columns=["user", "item"]).assign(held_out=False)
        write_table(catalogue / "interactions.parquet", seen)
        ramp = np.linspace(40, 215, SIDE)
        clean = [
            np.clip(
                ramp[:, None, None] * random.uniform(0.4, 1, 3)
                + ramp[None, :, None] * random.uniform(0, 0.4, 3),
                0,
                255,
            ).astype(np.uint8)
            for _ in range(ITEMS)
        ]
        write_images(catalogue / "images.zip", enumerate(clean))
        attacked = pd.DataFrame({"item": range(SOURCE)})
        write_table(folder / "datasets" / name / "attacked.parquet", attacked)
        for defense, attack in product(axes["defenses"], axes["attacks"][1:]):
            _attack(folder / "attacks" / name / defense / attack / "0", clean, defense, random)
        for threat, defense, attack, recommender in product(
            *(axes[a] for a in ("threats", "defenses", "attacks", "recommenders"))
        ):
            if (threat, attack) != ("evasion", "none"):
                where = Path(threat, name, defense, attack, recommender, "0", "0")
                _cell(folder / "cells" / where, PUSH[attack] * LEFT[defense], random)
    for number, defense in enumerate(axes["defenses"]):
        epochs = 5
        log = {
            "epoch": range(epochs),
            "loss": np.linspace(2, 0.5, epochs),
            "clean_accuracy": np.linspace(0.3, 0.95 - 0.05 * number, epochs),
            "robust_accuracy": np.linspace(0.1, 0.8 if number else 0.15, epochs),
            "seconds": 4.0,
        }
        write_table(folder / "extractors" / defense / "0.csv", pd.DataFrame(log))


def _attack(
    folder: Path, clean: list[np.ndarray], defense: str, random: np.random.Generator
) -> None:
    changed = {
        item: np.clip(clean[item] + random.integers(-8, 9, clean[item].shape), 0, 255)
        for item in range(SOURCE)
    }
    images = ((item, pixels.astype(np.uint8)) for item, pixels in changed.items())
    write_images(folder / "images.zip", images)
    after = random.random(SOURCE) < (0.9 if defense == "T" else 0.1)
    outcome = {
        "item": range(SOURCE),
        "class_before": 0,
        "class_after": after.astype(int),
        "probability_before": random.uniform(0.6, 1, SOURCE),
        "probability_after": random.uniform(0.4, 1, SOURCE),
        "target_probability_before": random.uniform(0, 0.1, SOURCE),
        "target_probability_after": random.uniform(0, 1, SOURCE),
        "success": after,
        "l_inf": 8 / 255,
        "l_2": random.uniform(0.5, 1.5, SOURCE),
        "feature_loss": random.uniform(0, 0.1, SOURCE),
    }
    write_table(folder / "outcome.parquet", pd.DataFrame(outcome))
    visual = {
        "item": range(SOURCE),
        "distance": random.uniform(0, 0.02, SOURCE),
        "distance_label": "LPIPS (vgg)",
        "is_lpips": True,
    }
    write_table(folder / "distances.parquet", pd.DataFrame(visual))


def _cell(folder: Path, push: float, random: np.random.Generator) -> None:
    lists = np.stack([random.permutation(ITEMS)[:LENGTH] for _ in range(USERS)]).astype(np.int32)
    for row in np.flatnonzero(random.random(USERS) < push):
        lists[row, :SOURCE] = range(SOURCE)
        lists[row, SOURCE:] = random.permutation(np.arange(SOURCE, ITEMS))[: LENGTH - SOURCE]
    write_array(folder / "lists.npy", lists)
    hits = (lists[:, :K] < SOURCE).sum(axis=1)
    write_table(
        folder / "users.parquet", pd.DataFrame({"user": range(USERS), "category_hits": hits})
    )


def folders(folder: Path) -> dict[str, str]:
    """Return the patterns of the folders that `write` filled."""
    cell = "{threat}/{dataset}/{defense}/{attack}/{recommender}/{run}/{seed}"
    return {
        "catalogue": f"{folder}/catalogues/{{catalogue}}",
        "dataset": f"{folder}/datasets/{{dataset}}",
        "attack": f"{folder}/attacks/{{dataset}}/{{defense}}/{{attack}}/{{run}}",
        "cell": f"{folder}/cells/{cell}",
        "training": f"{folder}/extractors/{{defense}}/{{run}}.csv",
    }
