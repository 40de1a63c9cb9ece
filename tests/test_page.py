"""The page's parts: words, pictures, lists, the folder, data that stay text."""

import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import grid
import page_results
from varbench.errors import InputError
from varbench.reporting.page import (
    answers,
    build,
    charts,
    figures,
    footnotes,
    frames,
    gallery,
    lists,
    pictures,
)
from varbench.reporting.page.context import context
from varbench.reporting.page.leaderboard import leaderboard
from varbench.reporting.page.options import Options

NO_FACTS = pd.DataFrame(columns=["dataset", "defense", "attack", "item", "success"])
VENDOR = Path(build.__file__).parent / "vendor"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    options = Options.read(page_results.write(folder))
    return folder, options, frames.read_tables(sorted((folder / "tables").glob("*.csv")))


def one_cell(**changed):
    """Return changes of T and AT under one attack, T's raised."""
    cell = {
        "threat": "poisoning", "dataset": "mini_men", "recommender": "vbpr", "attack": "pgd_8",
        "change": 1.0, "change_low": 0.9, "change_high": 1.1, "verdict": "raised",
        "equivalent": False, "margin": 0.05, "test": "runs", "runs": 3,
    }  # fmt: skip
    return pd.DataFrame([{**cell, "defense": "T"}, {**cell, "defense": "AT", **changed}])


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({}, answers.FAILS),
        ({"change": 0.3, "change_low": 0.2, "change_high": 0.4}, answers.REDUCES),
        ({"change": 0.8, "change_low": 0.7, "change_high": 0.9}, answers.FAILS),
        ({"verdict": "not separable", "equivalent": False}, answers.UNCLEAR),
        ({"verdict": "not separable", "equivalent": True}, answers.STOPS),
        ({"verdict": "lowered", "change": -0.2}, answers.STOPS),
        ({"verdict": "not separable", "equivalent": None}, answers.UNCLEAR),
    ],
)
def test_what_is_said_of_a_defense_follows_the_tests(results, changed, verdict):
    _, options, tables = results
    (found,) = answers.answers({**tables, "changes": one_cell(**changed)}, options)
    assert found["pushes"] == "yes"
    assert [one["verdict"] for one in found["defenses"]] == [verdict]


@pytest.mark.parametrize(
    ("verdict", "equivalent", "pushes"),
    [
        ("raised", False, "yes"),
        ("lowered", False, "no"),
        ("not separable", True, "no"),
        ("not separable", False, "cannot tell"),
    ],
)
def test_whether_an_attack_pushes_follows_its_test(results, verdict, equivalent, pushes):
    _, options, tables = results
    cells = one_cell().assign(verdict=verdict, equivalent=equivalent)
    (found,) = answers.answers({**tables, "changes": cells}, options)
    assert found["pushes"] == pushes


@pytest.mark.parametrize(("defense", "said"), [("T", "pushes"), ("AT", "defenses")])
def test_where_lists_are_full_without_an_attack_nothing_is_stopped(results, defense, said):
    """An attack that has no room is neither harmless nor stopped."""
    _, options, tables = results
    changed = {"change": 0.0, "change_low": 0.0, "change_high": 0.0, "equivalent": True}
    cells = one_cell().assign(**changed, verdict="not separable")
    table1 = tables["table1"].copy()
    clean = (table1["attack"] == "none") & (table1["defense"] == defense)
    table1.loc[clean, "chr_at_20"] = 20.0
    (found,) = answers.answers({**tables, "changes": cells, "table1": table1}, options)
    verdicts = {"pushes": found["pushes"], "defenses": found["defenses"][0]["verdict"]}
    assert verdicts == {"pushes": "no", "defenses": answers.STOPS, said: "cannot tell"}


def test_leaderboard_orders_defenses_by_their_worst_attack(results):
    _, options, tables = results
    board = leaderboard(tables, options)
    changes = tables["changes"]
    groups = board.groupby(["dataset", "threat", "recommender"])
    assert len(groups) == 12
    for names, rows in groups:
        own = changes.set_index(["dataset", "threat", "recommender"]).loc[names]
        worst = own.groupby("defense")["change"].max().sort_values()
        assert rows["defense"].tolist() == worst.index.tolist()
        assert rows["change"].tolist() == worst.tolist()
    doubtful = board[board["defense"] == "FAT"]["doubts"]
    assert doubtful.str.contains("gradients vanish").all()
    assert (board[board["defense"] == "AT"]["doubts"] == "").all()


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


def test_every_picture_has_rows_and_a_panel_for_each_choice(results):
    folder, options, tables = results
    from varbench.reporting.page.archives import extra_tables

    tables = tables | extra_tables(
        options,
        f"{folder}/catalogues/{{catalogue}}",
        f"{folder}/extractors/{{defense}}/{{run}}.csv",
    )
    for name, picture in charts.PICTURES.items():
        rows = picture.rows(tables, options)
        assert len(rows), name
        assert set(picture.switches) <= set(rows.columns), name
        svg = figures.encoded(figures.static(picture, tables, options), "svg").decode()
        for threat in options.names("threat").values() if "threat" in picture.switches else []:
            assert threat in svg, name
        assert "NaN" not in svg, name


def test_pictures_of_one_threat_and_run_have_no_panels(tmp_path):
    options = Options.read(page_results.write(tmp_path, threats=1, runs=1, datasets=1))
    tables = frames.read_tables(sorted((tmp_path / "tables").glob("*.csv")))
    spec = figures.static(charts.PICTURES["training"], tables, options)
    assert "nothing to show" in json.dumps(spec)  # no log was given
    spec = figures.static(charts.PICTURES["success"], tables, options)
    assert "layer" in spec


def ticks(svg: str, axis: str) -> list[str]:
    """Return the labels that a reader sees along an axis, "X" or "Y"."""
    root = ElementTree.fromstring(svg)
    (found,) = (
        group
        for group in root.iter("{http://www.w3.org/2000/svg}g")
        if group.get("aria-label", "").startswith(f"{axis}-axis")
    )
    texts = found.findall(".//*[@class='mark-text role-axis-label']/*")
    return [text.text for text in texts if text.get("opacity") != "0"]


@pytest.mark.parametrize("losses", [[0.013], [0.0121, 0.0124], [1e-5, 0.07], [3, 14], [0, 0.02]])
def test_a_logarithmic_axis_has_labels_however_few_the_attacks(tmp_path, losses):
    options = Options.read(page_results.write(tmp_path, threats=1, runs=1, datasets=1))
    tables = frames.read_tables(sorted((tmp_path / "tables").glob("*.csv")))
    rows = tables["table2"].head(len(losses)).assign(feature_loss=losses)
    spec = figures.static(charts.PICTURES["success"], tables | {"table2": rows}, options)
    found = ticks(figures.encoded(spec, "svg").decode(), "X")
    assert len(found) >= 3
    assert all(float(one) <= max(losses) for one in found)


def test_what_is_doubtful_about_a_dataset_is_a_footnote_of_its_pictures(results):
    _, options, tables = results
    few = "7 of 40 users are left (lower core_users (5))"
    of_men = tables["table1"]["dataset"] == "mini_men"
    own = {f"table1{t}": tables[f"table1{t}"].copy() for t in ("", "_evasion", "_cold_start")}
    for table in own.values():
        table.loc[of_men & (table["attack"] == "none"), "note"] = few
        table.loc[of_men & (table["defense"] == "FAT"), "note"] = f"no robust accuracy; {few}"
    table2 = tables["table2"].copy()
    men = table2["dataset"] == "mini_men"
    table2.loc[men, "flags"] = "only 6 attacked images; " + table2.loc[men, "flags"].fillna("")
    doubtful = tables | own | {"table2": table2}
    said = {"mini_men": [few, "only 6 attacked images"], "mini_women": []}
    assert footnotes.footnotes(doubtful, options) == said
    spec = figures.static(charts.PICTURES["chr"], doubtful, options)
    svg = figures.encoded(spec, "svg").decode()
    assert f"Mini Men: {few}" in svg
    assert "Mini Men: only 6 attacked images" in svg
    assert "robust" not in svg
    made = context(doubtful, options, gallery=NO_FACTS, lists={}, provenance={})
    readings = {one["name"]: one["reading"] for one in made["pictures"]}
    assert readings["chr"].endswith("Mini Men: only 6 attacked images.")
    assert "title" not in figures.static(charts.PICTURES["chr"], tables, options)


@pytest.mark.parametrize("label", ["$x_{$", "5 $ & 6 $", "\\", "a <b> c", "%s {x}", "datum.x"])
def test_names_are_drawn_as_they_are(results, label):
    _, options, tables = results
    options = replace(options, labels={"mini_men": label})
    svg = figures.encoded(figures.static(charts.PICTURES["chr"], tables, options), "svg").decode()
    texts = {element.text for element in ElementTree.fromstring(svg).iter()}
    assert f"{label}, VBPR" in texts


def test_pictures_are_written_as_what_their_names_say(results, tmp_path):
    _, options, tables = results
    figures.write(tmp_path, "success", figures.static(charts.PICTURES["success"], tables, options))
    assert (tmp_path / "success.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "success.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "success.svg").read_text().startswith("<svg")


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


def make_page(folder: Path, options: dict, output: Path) -> subprocess.CompletedProcess[str]:
    """Run the command on results of `page_results`; it makes the page in the folder ``output``."""
    line = [
        *(sys.executable, grid.BASE / "workflow" / "scripts" / "make_page.py"),
        *("--options", json.dumps({"page": options, "folders": page_results.folders(folder)})),
        *("--tables", *sorted((folder / "tables").glob("*.csv"))),
        *("--page", output / "index.html"),
    ]
    return subprocess.run([str(word) for word in line], capture_output=True, text=True)


def test_the_command_says_what_is_missing(tmp_path):
    options = page_results.write(tmp_path, threats=1, runs=1, datasets=1)
    (tmp_path / "attacks" / "mini_men" / "AT" / "cw" / "0" / "images.zip").unlink()
    done = make_page(tmp_path, options, tmp_path / "report")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "AT/cw/0/images.zip" in done.stderr
    assert not (tmp_path / "report").exists()


def test_the_workflow_knows_every_picture():
    assert list(charts.PICTURES) == list(pictures.PICTURES)
