"""The page's parts: lists, differences, the folder, data that stay text."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import page_results
from made_pages import NO_FACTS, make_page, results
from varbench.errors import InputError
from varbench.reporting.page import build, frames, gallery, lists
from varbench.reporting.page.context import context

__all__ = ["results"]
VENDOR = Path(build.__file__).parent / "vendor"


@given(st.text() | st.dictionaries(st.text(), st.text()))
def test_data_on_the_page_never_end_their_element(value):
    text = build.escaped_json({"value": value})
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == {"value": value}


def test_no_network_is_allowed_and_no_script_but_the_page_s_own():
    policy = build.policy(["alert(1)"])
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert "unsafe" not in directives["script-src"]
    assert not re.search(r"https?:|\*", policy)


def test_vendored_files_are_those_of_the_manifest():
    manifest = json.loads((VENDOR / "MANIFEST.json").read_text())
    files = {path.name for path in VENDOR.iterdir()} - {"MANIFEST.json"}
    assert files == set(manifest)
    for name, of in manifest.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == of["sha256"], name
        assert f"{of['package']}.LICENSE" in manifest
    assert {*build.LIBRARIES, *build.LIBRARY_STYLES} <= files


def test_a_page_that_fails_leaves_the_old_one(tmp_path):
    folder = tmp_path / "report"
    with build.folder_replacing(folder) as new:
        (new / "index.html").write_text("old")
    with pytest.raises(IsADirectoryError), build.folder_replacing(folder) as new:
        new.write_text("half")
    assert (folder / "index.html").read_text() == "old"
    with build.folder_replacing(folder) as new:
        (new / "index.html").write_text("new")
    assert (folder / "index.html").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="holds other files"), build.folder_replacing(tmp_path):
        pass
    assert (tmp_path / "thesis.tex").exists()


@given(st.lists(st.integers(-5, 5), min_size=1))
def test_users_are_those_of_the_rule(change):
    users = lists.chosen(np.array(change, float))
    assert change[users["largest"]] == max(change)
    assert ("none" in users) == (0 in change)
    if "none" in users:
        assert users["none"] == change.index(0)
    if "median" in users:
        assert change[users["median"]] == sorted(change)[len(change) // 2]
    assert len(set(users.values())) == len(users) or users["largest"] == users["none"]


def test_long_tables_come_back_as_they_were():
    table = pd.DataFrame({"a": ["x", "y", "x"], "b": [1.5, np.nan, 2], "c": [True, False, True]})
    packed = frames.columnwise(table)
    assert packed["length"] == 3
    a, b, c = (packed["columns"][name] for name in "abc")
    assert [a["texts"][code] for code in a["values"]] == ["x", "y", "x"]
    assert b["values"] == [1.5, None, 2]
    assert c["values"] == [1, 0, 1]


def test_a_difference_is_amplified_around_grey():
    random = np.random.default_rng(1)
    clean, attacked = random.integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)
    found = gallery.difference(attacked, clean)
    assert np.array_equal(found, np.clip(128 + 16 * (attacked.astype(int) - clean), 0, 255))
    assert (gallery.difference(clean, clean) == 128).all()


def test_accuracy_keeps_the_rankings_that_see_no_images(results):
    _, options, tables = results
    made = context(tables, options, gallery=NO_FACTS, lists={}, provenance={})
    accuracy = made["tables"]["accuracy"]
    rows = [dict(zip(accuracy["columns"], row, strict=True)) for row in accuracy["rows"]]
    assert {row["recommender"] for row in rows if row["defense"] is None} == {
        "popularity",
        "random",
    }
    assert len(rows) == len(tables["accuracy"])


def test_a_missing_table_is_named(results):
    folder, *_ = results
    with pytest.raises(InputError, match=r"changes\.csv"):
        frames.read_tables([folder / "tables" / "table1.csv", folder / "tables" / "table2.csv"])


def test_the_command_says_what_is_missing(tmp_path):
    options = page_results.write(tmp_path, threats=1, runs=1, datasets=1)
    (tmp_path / "attacks" / "mini_men" / "AT" / "cw" / "0" / "images.zip").unlink()
    done = make_page(tmp_path, options, tmp_path / "report")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "AT/cw/0/images.zip" in done.stderr
    assert not (tmp_path / "report").exists()
