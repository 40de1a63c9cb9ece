"""Trials of recommenders' parameters: what is tried, and what it is judged by."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import cells
from varbench.catalogues.interactions import for_validation
from varbench.errors import InputError
from varbench.experiment.configuration import complete
from varbench.experiment.tuning import settings
from varbench.storage import read_table, write_array, write_table

BASE = Path(__file__).parents[1]
USERS, ITEMS = 12, 9


@given(st.integers(0, 1000))
def test_validation_takes_from_training_what_came_last(seed):
    table = interactions(np.random.default_rng(seed))
    found = for_validation(table, seed)
    pairs = set(zip(found["user"], found["item"], strict=True))
    known = table[~table["held_out"]]
    assert pairs == set(zip(known["user"], known["item"], strict=True))
    for row in found[found["held_out"]].itertuples():
        assert row.timestamp == known.loc[known["user"] == row.user, "timestamp"].max()
    assert set(found["item"][found["held_out"]]) <= set(found["item"][~found["held_out"]])


def test_every_combination_of_a_recommenders_own_parameters():
    values = {"factors": [4, 8], "epsilon": [1, 2, 3], "epochs": [5]}
    found = settings({"method": "bpr_mf", "factors": 64, "epochs": 9}, values)
    assert found == [{"factors": 4, "epochs": 5}, {"factors": 8, "epochs": 5}]


@pytest.mark.parametrize(
    ("tuning", "message"),
    [
        ({"recommenders": ["amrr"]}, r"tuning\.recommenders: unknown 'amrr'; known: vbpr, amr"),
        ({"values": {"rate": [1]}}, r"tuning\.values\.rate: no parameter of vbpr, amr"),
        ({"values": {"epochs": [0]}}, r"tuning\.values for vbpr\.epochs: 0 is less than"),
    ],
)
def test_what_cannot_be_tried_is_named(tuning, message):
    config = yaml.safe_load((BASE / "config.yaml").read_text()) | {"tuning": tuning}
    with pytest.raises(InputError, match=message):
        complete(config, BASE / "resources" / "config.schema.yaml")


def interactions(random):
    """Each user has six of the items at distinct times; the last one is the test's."""
    rows = [
        {"user": user, "item": item, "timestamp": int(time), "held_out": place == 5}
        for user in range(USERS)
        for place, (item, time) in enumerate(
            zip(random.permutation(ITEMS)[:6], sorted(random.permutation(99)[:6]), strict=True)
        )
    ]
    return pd.DataFrame(rows)


def test_the_tests_own_interactions_play_no_part(tmp_path):
    random = np.random.default_rng(0)
    table = interactions(random)
    write_array(tmp_path / "features.npy", random.random((ITEMS, 5), np.float32))
    block = {"method": "vbpr", "epochs": 2, "factors": 3, "feature_scale": "clean"}
    given = {
        "recommender": {**block, "method": "amr", "epsilon": 1},
        "start": block,
        "values": {"factors": [2, 3], "epsilon": [0.5, 1.5]},
        "k": 2,
        "seed": 0,
    }
    found = []
    for name in ("one", "other"):
        write_table(tmp_path / f"{name}.parquet", table)
        done = cells.run(
            "tune_recommender",
            given,
            interactions=tmp_path / f"{name}.parquet",
            clean_features=tmp_path / "features.npy",
            trials=tmp_path / f"{name}.csv",
            device="cpu",
        )
        assert done.returncode == 0, done.stderr
        found.append(read_table(tmp_path / f"{name}.csv"))
        known = table.groupby("user")["item"].agg(set)
        other = [min(set(range(ITEMS)) - taken) for taken in known]
        table.loc[table["held_out"], "item"] = other  # another item is held out for the test
    pd.testing.assert_frame_equal(*found)
    tried = found[0][["factors", "epsilon"]].itertuples(index=False, name=None)
    assert sorted(tried) == [(2, 0.5), (2, 1.5), (3, 0.5), (3, 1.5)]
    assert found[0]["auc"].is_monotonic_decreasing
    assert found[0]["auc"].between(0, 1).all()
    assert (found[0][["spread_factors", "spread_visual"]] > 0).all(axis=None)
