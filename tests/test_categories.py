"""Categories that a network sees in a catalogue, and the pairs that are proposed."""

import numpy as np
import pandas as pd
import pytest

import cells
from varbench.catalogues.categories import describe, propose
from varbench.errors import InputError
from varbench.storage import read_table, write_table

NAMES = ["boot", "Sandal", "sock", "hat"]
CLASSES = np.array([1, 1, 1, 3, 0, 0])
ITEMS = pd.DataFrame({"item": range(6), "label": ["sandal", "sandal", "hat", None, "SANDAL", None]})
# Items 0, 1, ... 5 have 1, 0, 2, 0, 5 and 4 interactions in training; one more is held out.
LOG = pd.DataFrame({"item": np.repeat([0, 2, 4, 5, 3], [1, 2, 5, 4, 1])})
LOG["held_out"] = LOG["item"] == 3


def test_each_class_that_is_seen_is_a_row():
    table = describe(ITEMS, LOG, CLASSES, NAMES).set_index("category")
    assert table.index.tolist() == ["Sandal", "boot", "hat"]
    assert table["items"].tolist() == [3, 2, 1]
    assert table["interactions"].tolist() == [3, 9, 0]
    assert table["mean_popularity"].tolist() == [1, 4.5, 0]
    assert table["median_popularity"].tolist() == [1, 4.5, 0]
    assert table["named_so"].tolist() == [3, 0, 1]
    assert table["own_labels"].tolist() == ["sandal 2, hat 1", "SANDAL 1", ""]


def test_a_source_without_labels():
    table = describe(ITEMS.assign(label=None), LOG, CLASSES, NAMES)
    assert set(table["named_so"]) == {0}
    assert set(table["own_labels"]) == {""}


def test_classes_of_another_network_or_catalogue_are_named():
    with pytest.raises(InputError, match="class 3 has no name: 2 names are given"):
        describe(ITEMS, LOG, CLASSES, NAMES[:2])
    with pytest.raises(InputError, match="5 predicted classes for 6 items"):
        describe(ITEMS, LOG, CLASSES[:5], NAMES)


def described(**popularity: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "class": range(len(popularity)),
            "category": list(popularity),
            "items": 20,
            "mean_popularity": list(popularity.values()),
        }
    )


def test_pairs_go_from_the_unpopular_to_the_popular():
    table = described(a=1, b=2, c=3, d=10, e=20, f=30)
    pairs = propose(table)
    found = list(zip(pairs["source_category"], pairs["target_category"], strict=True))
    assert found == [("a", "f"), ("a", "e"), ("b", "f"), ("b", "e")]
    assert pairs["ratio"].tolist() == [30, 20, 15, 10]
    assert propose(table, pairs=2).equals(pairs.head(2))


def test_small_categories_are_not_proposed():
    table = described(a=1, b=2, c=3)
    table.loc[0, "items"] = 9
    assert propose(table)["source_category"].tolist() == ["b"]
    assert propose(table, least=9)["source_category"].tolist() == ["a"]
    assert propose(table, least=21).empty
    assert propose(table.head(2)).empty


def test_nobody_wants_the_source_or_all_are_wanted_alike():
    assert propose(described(a=0, b=2))["ratio"].tolist() == [np.inf]
    assert propose(described(a=2, b=2)).empty


def test_the_command_writes_and_prints(tmp_path):
    write_table(tmp_path / "items.parquet", ITEMS)
    write_table(tmp_path / "interactions.parquet", LOG)
    write_table(tmp_path / "classes.parquet", pd.DataFrame({"item": range(6), "class": CLASSES}))
    (tmp_path / "names.txt").write_text("\n".join(NAMES))
    given = {
        "item_ids": tmp_path / "items.parquet",
        "interactions": tmp_path / "interactions.parquet",
        "predicted_classes": tmp_path / "classes.parquet",
    }
    outputs = {name: tmp_path / f"{name}.csv" for name in ("categories", "pairs")}
    done = cells.run(
        "list_categories",
        {"name": "shop", "least": 2},
        class_names=tmp_path / "names.txt",
        **given,
        **outputs,
    )
    assert done.returncode == 0, done.stderr
    assert "shop: 6 items in 3 categories" in done.stdout
    assert read_table(outputs["categories"])["category"].tolist() == ["Sandal", "boot", "hat"]
    assert read_table(outputs["pairs"])["target_category"].tolist() == ["boot"]
    done = cells.run(
        "list_categories",
        {"name": "shop", "least": 10},
        class_names=tmp_path / "names.txt",
        **given,
        **outputs,
    )
    assert done.returncode == 0, done.stderr
    assert "No pair to propose: fewer than two categories have 10 items" in done.stdout
    (tmp_path / "names.txt").write_text("boot")
    done = cells.run(
        "list_categories",
        {"name": "shop", "least": 2},
        class_names=tmp_path / "names.txt",
        **given,
        **outputs,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {tmp_path / 'names.txt'}, ")
    assert "class 3 has no name" in done.stderr
