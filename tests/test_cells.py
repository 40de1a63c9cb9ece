"""Cells by hand: seeds are kept apart, and changes are taken from the right clean cell."""

import json
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import grid
from varbench.storage import read_array, read_table, write_table, write_tensors

SCRIPTS = grid.BASE / "workflow" / "scripts"
USERS, ITEMS = 5, 9


def run(script: str, *options: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, SCRIPTS / script, *map(str, options)]
    return subprocess.run(line, capture_output=True, text=True, check=check)


@pytest.fixture
def shop(tmp_path):
    """Interactions, classes and attacked items, and the models of two seeds."""
    table = pd.DataFrame({"user": np.repeat(range(USERS), 2), "item": [0, 1] * USERS})
    table["held_out"] = [False, True] * USERS
    write_table(tmp_path / "interactions.parquet", table)
    write_table(tmp_path / "attacked.parquet", pd.DataFrame({"item": [3, 5]}))
    write_table(tmp_path / "classes.parquet", pd.DataFrame({"item": range(ITEMS), "class": 0}))
    for seed in (1, 2):
        model(tmp_path / f"{seed}.safetensors", seed)
    return tmp_path


def model(path: Path, seed: int, items: int = ITEMS) -> None:
    generator = torch.Generator().manual_seed(seed)
    counts = {"user": USERS, "user_visual": USERS, "item": items, "item_visual": items}
    write_tensors(
        path,
        {f"{k}_factors": torch.randn(n, 3, generator=generator) for k, n in counts.items()},
    )


def evaluate(
    shop: Path, *seeds: int, folder: str, check: bool = True
) -> subprocess.CompletedProcess[str]:
    options: list[object] = ["--length", 4, "--k", 2, "--source-class", 0]
    for name in ("interactions", "attacked", "classes"):
        options += [f"--{name}", shop / f"{name}.parquet"]
    options += ["--models", *(shop / f"{seed}.safetensors" for seed in seeds)]
    for name, suffix in (("lists", "npy"), ("ranks", "npy"), ("users", "parquet")):
        options += [f"--{name}", *(shop / folder / f"{s}_{name}.{suffix}" for s in seeds)]
    options += ["--items", *(shop / folder / f"{seed}_items.parquet" for seed in seeds)]
    return run("evaluate_cell.py", *options, check=check)


def test_seeds_of_a_cell_are_evaluated_as_if_alone(shop):
    evaluate(shop, 1, 2, folder="together")
    for seed in (1, 2):
        evaluate(shop, seed, folder="alone")
        for name in ("users", "items"):
            both = [read_table(shop / f / f"{seed}_{name}.parquet") for f in ("together", "alone")]
            pd.testing.assert_frame_equal(*both)
        for name in ("lists", "ranks"):
            both = [read_array(shop / f / f"{seed}_{name}.npy") for f in ("together", "alone")]
            np.testing.assert_array_equal(*both)
    lists = [read_array(shop / "alone" / f"{seed}_lists.npy") for seed in (1, 2)]
    assert (lists[0] != lists[1]).any()


@pytest.mark.parametrize("items", [ITEMS - 1, ITEMS + 1])
def test_a_model_of_another_catalogue_is_named(shop, items):
    model(shop / "1.safetensors", 1, items)
    done = evaluate(shop, 1, folder="out", check=False)
    assert done.returncode == 1
    counts = f"factors of 5 users and {items} items where there are 5 and 9"
    assert done.stderr == f"error: {shop}/1.safetensors: {counts}; delete it and run again\n"
    assert not (shop / "out").exists()


@pytest.mark.parametrize(("options", "baseline"), [([], "FAT"), (["--baseline", "T"], "T")])
def test_changes_are_taken_from_the_baseline(tmp_path, options, baseline):
    axes = {
        "dataset": ["d"], "defense": ["T", "FAT"], "attack": ["none", "pgd"],
        "recommender": ["vbpr"], "seed": [0],
    }  # fmt: skip
    random, hits = np.random.default_rng(0), {}
    for defense, attack in product(axes["defense"], axes["attack"]):
        hits[defense, attack] = random.poisson(2, 30)
        folder = tmp_path / f"d/{defense}/{attack}/vbpr/0"
        others = dict.fromkeys(
            ("category_hits_seen", "category_ndcg", "category_share", "hr", "ndcg", "auc"), 0.5
        )
        users = pd.DataFrame({"category_hits": hits[defense, attack], **others})
        write_table(folder / "users.parquet", users)
        ranks = pd.DataFrame({"item": [0], "mean_rank": [1.0], "median_rank": [1.0], "lists": [1]})
        write_table(folder / "items.parquet", ranks)
    reference = pd.DataFrame({"recommender": ["random"], "hr": [0.0], "ndcg": [0.0], "auc": [0.5]})
    write_table(tmp_path / "d/references.parquet", reference)
    outputs = [(f"--{name}", tmp_path / f"{name}.csv") for name in ("chr", "accuracy", "ranks")]
    run(
        "aggregate_cells.py", "--axes", json.dumps(axes),
        "--cell", tmp_path / "{dataset}/{defense}/{attack}/{recommender}/{seed}",
        "--dataset", tmp_path / "{dataset}", "--k", 20, "--counted", "attacked", "--clean", "none",
        "--confidence", 0.95, "--resamples", 200, "--seed", 0,
        "--changes", tmp_path / "changes.csv", *options,
        *(word for pair in outputs for word in pair),
    )  # fmt: skip
    changes = read_table(tmp_path / "changes.csv").set_index("defense")
    assert changes["baseline_defense"].to_dict() == {"T": "T", "FAT": baseline}
    for defense, start in changes["baseline_defense"].items():
        expected = hits[defense, "pgd"].mean() - hits[start, "none"].mean()
        assert changes.loc[defense, "change"] == pytest.approx(expected)
