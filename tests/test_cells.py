"""Cells by hand: seeds are kept apart, and changes are taken from the right clean cell."""

import json
from itertools import product

import numpy as np
import pandas as pd
import pytest

from cells import ITEMS, evaluate, model, run, train, write_inputs
from varbench.storage import read_array, read_table, write_array, write_table


def test_seeds_of_a_cell_are_evaluated_as_if_alone(tmp_path):
    write_inputs(tmp_path)
    together, alone = tmp_path / "together", tmp_path / "alone"
    done = [evaluate(tmp_path, together, 1, 2)]
    done += [evaluate(tmp_path, alone, seed) for seed in (1, 2)]
    assert [one.returncode for one in done] == [0, 0, 0], done
    for seed in ("1", "2"):
        for name in ("users", "items"):
            both = [read_table(folder / seed / f"{name}.parquet") for folder in (together, alone)]
            pd.testing.assert_frame_equal(*both)
        for name in ("lists", "ranks"):
            both = [read_array(folder / seed / f"{name}.npy") for folder in (together, alone)]
            np.testing.assert_array_equal(*both)
    lists = [read_array(alone / seed / "lists.npy") for seed in ("1", "2")]
    assert (lists[0] != lists[1]).any()


@pytest.mark.parametrize("items", [ITEMS - 1, ITEMS + 1])
def test_a_model_of_another_catalogue_is_named(tmp_path, items):
    write_inputs(tmp_path)
    model(tmp_path / "1.safetensors", 1, items)
    done = evaluate(tmp_path, tmp_path / "out", 1)
    assert done.returncode == 1
    counts = f"factors of 5 users and {items} items where there are 5 and 9"
    assert done.stderr == f"error: {tmp_path}/1.safetensors: {counts}; delete it and run again\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("options", "baseline"), [({}, "FAT"), ({"baseline": "T"}, "T")])
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
    done = run(
        "aggregate_cells",
        axes=json.dumps(axes),
        cell=tmp_path / "{dataset}/{defense}/{attack}/{recommender}/{seed}",
        dataset=tmp_path / "{dataset}",
        k=20,
        counted="attacked",
        clean="none",
        confidence=0.95,
        resamples=200,
        seed=0,
        **{name: tmp_path / f"{name}.csv" for name in ("chr", "changes", "accuracy", "ranks")},
        **options,
    )
    assert done.returncode == 0, done.stderr
    changes = read_table(tmp_path / "changes.csv").set_index("defense")
    assert changes["baseline_defense"].to_dict() == {"T": "T", "FAT": baseline}
    for defense, start in changes["baseline_defense"].items():
        expected = hits[defense, "pgd"].mean() - hits[start, "none"].mean()
        assert changes.loc[defense, "change"] == pytest.approx(expected)


def test_a_clean_cell_is_one_whose_attack_changed_nothing(tmp_path):
    inputs = write_inputs(tmp_path)
    clean = np.random.default_rng(0).normal(size=(ITEMS, 6)).astype(np.float32)
    write_array(inputs / "clean.npy", clean)
    write_array(inputs / "features.npy", clean[[3, 5]])
    taken = {"user": np.arange(15) // 3, "item": np.arange(15) % ITEMS, "held_out": False}
    write_table(inputs / "interactions.parquet", pd.DataFrame(taken))
    models = []
    for name, poison in (("clean", ()), ("attacked", ("attacked.parquet", "features.npy"))):
        done = train(inputs, tmp_path / name, *poison, epochs=2, factors=4)
        assert done.returncode == 0, done.stderr
        models.append((tmp_path / name / "model").read_bytes())
    assert models[0] == models[1]
