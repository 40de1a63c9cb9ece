"""What benchmarks/paper_noise.py draws, and what noise.py makes of trainings and of Table 1."""

import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

BASE = Path(__file__).parents[1]
sys.path.insert(0, str(BASE / "benchmarks"))

import noise  # noqa: E402
import paper_noise  # noqa: E402
from varbench.reporting import published  # noqa: E402

SMALL = paper_noise.Size(users=300, items=120, interactions=1500, source=20, level=3.0)


def test_the_source_category_is_as_large_and_as_clustered_as_it_is_said():
    data = paper_noise.draw(SMALL, width=400, seed=3)
    assert len(data.source) == SMALL.source
    assert data.train.shape == (SMALL.users, SMALL.items)
    assert data.features.min() >= 0
    assert data.features.max() == 1
    share = data.train[:, data.source].nnz / data.train.nnz
    assert share == pytest.approx(SMALL.level / noise.K, abs=0.03)
    # Each column, by its ranks; items of one category are as much alike as its share says.
    ranks = np.argsort(np.argsort(data.features, axis=0), axis=0)
    alike = np.corrcoef(ranks)
    same = alike[np.ix_(data.source, data.source)][np.triu_indices(SMALL.source, 1)].mean()
    others = np.setdiff1d(np.arange(SMALL.items), data.source)
    assert same - alike[np.ix_(data.source, others)].mean() == pytest.approx(
        paper_noise.OF_LOOKS["category"], abs=0.06
    )


def test_trainings_are_looked_at_without_being_disturbed():
    data = paper_noise.draw(SMALL, width=16, seed=0)
    looked = paper_noise.trainings(data, {}, seed=1, epochs=[1, 2, 3])
    (last,) = paper_noise.trainings(data, {}, seed=1, epochs=[3])
    assert [row["epoch"] for row in looked] == [1, 2, 3]
    assert (looked[-1]["loss"], looked[-1]["chr"]) == (last["loss"], last["chr"])


def test_spreads_are_of_the_seeds():
    rows = [("men", "corrected", 5, seed, ratio) for seed, ratio in enumerate([0.4, 0.5, 0.9])]
    rows += [("men", "corrected", 9, seed, 0.25) for seed in range(3)]
    table = pd.DataFrame(rows, columns=["dataset", "protocol", "epoch", "seed", "chr"])
    early, late = noise.spreads(table).to_dict("records")
    assert early["mean"] == pytest.approx(0.6)
    assert early["sd"] == pytest.approx(math.sqrt((0.04 + 0.01 + 0.09) / 2))
    assert early["relative"] == pytest.approx(early["sd"] / 0.6)
    assert (late["sd"], late["sd_low"], late["sd_high"]) == (0, 0, 0)


def test_intervals_of_the_spread_cover_it():
    random = np.random.default_rng(0)
    cells, seeds = 600, 10
    table = pd.DataFrame(
        {
            "dataset": np.repeat(np.arange(cells), seeds),
            "protocol": "corrected",
            "epoch": 1,
            "chr": random.normal(0.5, 0.07, cells * seeds),
        }
    )
    spread = noise.spreads(table)
    covered = (spread["sd_low"] < 0.07) & (spread["sd_high"] > 0.07)
    assert 0.92 < covered.mean() < 0.975


def test_a_second_training_is_told_from_the_first_five_times_in_a_hundred():
    random = np.random.default_rng(1)
    changes = pd.DataFrame({"change": np.subtract(*random.normal(1, 0.2, (2, 4000)))})
    assert noise.told(changes, 0.2).mean() == pytest.approx(0.05, abs=0.012)


def test_published_differences_are_against_the_same_clean_cell():
    table1, _ = published.read(BASE / "resources" / "published")
    changes = noise.differences(table1)
    assert len(changes) == 60
    cell = ["dataset", "defense", "attack", "recommender"]
    row = changes.set_index(cell).loc["amazon_men", "FAT", "cw", "amr"]
    assert row["change"] == pytest.approx(0.4378 - 0.1070)


def test_verdicts_take_each_datasets_spread_in_items_and_in_its_share_of_the_level():
    changes = pd.DataFrame(
        {
            "dataset": ["men", "men", "women", "women"],
            "recommender": "vbpr",
            "defense": "AT",
            "clean": [0.1, 1.0, 0.1, 1.0],
            "change": [0.2, -0.2, 0.2, -0.2],
            "chr_at_20": [0.3, 0.8, 0.25, 0.25],
        }
    )
    # Limits of men: 0.28 items, or 0.28 of the level; of women 1.4 items and 2.8 of the level.
    spread = pd.DataFrame(
        {
            "dataset": ["women", "men"],
            "mean": [0.5, 1.0],
            "sd": [0.5, 0.1],
            "sd_low": [0.0, 0.0],
            "sd_high": [9.0, 9.0],
        }
    )
    men, women = noise.verdicts(changes, spread).to_dict("records")
    assert (men["cells"], men["absolute"], men["relative"]) == (2, 0, 1)
    assert (women["cells"], women["absolute"], women["relative"]) == (2, 0, 0)
    assert (men["absolute_at_least"], men["relative_at_most"]) == (0, 2)
    assert (men["siblings"], women["siblings"]) == (0, 2)  # 0.98 items, and none at all


def test_siblings_are_the_attacks_of_a_defended_cell():
    ratios = {"T": [9.0, 1.0], "AT": [0.5, 0.7], "FAT": [0.3, 0.3]}
    rows = [
        {"dataset": "men", "recommender": "amr", "defense": defense, "chr_at_20": ratio}
        for defense, values in ratios.items()
        for ratio in values
    ]
    (found,) = noise.siblings(pd.DataFrame(rows)).to_dict("records")
    assert found["mean"] == pytest.approx(0.45)
    assert found["sd"] == pytest.approx(math.sqrt(0.02 / 2))
