"""The tables' numbers from small data, computed by hand and by scipy."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hits import cell, grid
from varbench import axes
from varbench.errors import InputError
from varbench.reporting import summaries
from varbench.reporting.cells import Cell, by_run
from varbench.reporting.changes import changes


def test_table1_by_hand():
    """Two runs of four users; every number can be added up."""
    hits = {
        cell(): np.array([[[0, 0, 2, 0]], [[0, 0, 4, 0]]]),
        cell("pgd"): np.array([[[1, 0, 3, 0]], [[0, 0, 8, 4]]]),
    }
    table = summaries.table1(
        hits, changes(hits, {}, clean="none"), {cell(): 1.5}, k=20, clean="none"
    ).set_index("attack")
    assert table["chr_at_20"].tolist() == [0.75, 2.0]
    assert table["runs"].tolist() == [2, 2]
    assert table["users"].tolist() == [4, 4]
    assert table["chr_at_20_sd"].tolist() == pytest.approx([np.sqrt(0.125), np.sqrt(2)])
    assert table["reach_at_20"].tolist() == [0.25, 0.5]
    assert table["top_users_share"].tolist() == pytest.approx([1, (3 / 4 + 8 / 12) / 2])
    assert table.loc["none", "random_chr_at_20"] == 1.5
    assert (table["chr_at_20_low"] >= 0).all()
    assert (table["chr_at_20_high"] > table["chr_at_20"]).all()
    assert table["verdict"].tolist() == ["", "not separable"]


def test_verdicts_and_the_most_effective():
    hits = grid()
    found = changes(hits, {}, clean="none")
    table = summaries.table1(hits, found, {}, k=20, clean="none", controls=["noise"])
    table = table.set_index("attack")
    assert table["verdict"].tolist() == ["", "not separable", "raised", "raised"]
    assert table["most_effective"].tolist() == [False, False, True, True]
    hits[cell("noise")] = hits[cell("pgd")] + 1
    table = summaries.table1(hits, found, {}, k=20, clean="none", controls=["noise"])
    assert not table.set_index("attack").loc["noise", "most_effective"]


def test_lists_that_are_full_of_attacked_items_say_that_they_cannot_change():
    hits = {cell(): np.full((2, 1, 9), 5.0), cell("pgd"): np.full((2, 1, 9), 5.0)}
    hits[cell("pgd")][1, 0, 3] = 4
    table = summaries.table1(hits, changes(hits, {}, clean="none"), {}, k=5, clean="none")
    said = "all of every list is counted: no attack can raise it"
    assert table["note"].tolist() == [said, ""]


def test_what_makes_a_defense_doubtful_is_said_beside_all_of_its_numbers():
    hits = grid() | {cell("none", "AT"): np.full((3, 1, 400), np.nan)}
    flags = {("men", "AT"): ["no robust accuracy", "two classes"]}
    found = changes(hits, {}, clean="none")
    table = summaries.table1(hits, found, {}, k=20, clean="none", flags=flags)
    expected = "no item is counted: the category is empty; no robust accuracy; two classes"
    assert table["note"].tolist() == ["", "", "", "", expected]


def test_runs_have_intervals_over_users():
    hits = grid(seeds=2)
    table = summaries.runs(hits, k=5)
    assert len(table) == 4 * 3 * 2
    row = table[(table["attack"] == "pgd") & (table["run"] == 2) & (table["seed"] == 1)].iloc[0]
    sample = hits[cell("pgd")][2, 1]
    bounds = stats.ttest_1samp(sample, 0).confidence_interval()
    expected = [sample.mean(), *bounds]
    assert row[["chr_at_5", "chr_at_5_low", "chr_at_5_high"]].tolist() == pytest.approx(expected)


def test_missing_runs_are_named():
    part = np.zeros(4)
    parts = {c: dict.fromkeys([(0, 0), (1, 0)], part) for c in (cell(), cell("pgd"))}
    assert by_run(parts)[cell()].shape == (2, 1, 4)
    del parts[cell("pgd")][1, 0]
    with pytest.raises(InputError, match="1 of 4 are missing: evasion men T pgd vbpr run 1 seed 0"):
        by_run(parts)
    parts[cell("pgd")][1, 0] = np.zeros(5)
    with pytest.raises(InputError, match="evasion men T pgd vbpr: its runs differ"):
        by_run(parts)


def test_accuracy_averages_runs_and_keeps_references():
    measured = {
        cell(): pd.DataFrame({"run": [0, 1], "seed": 0, "hr": [0.25, 0.75], "auc": [0.5, 0.7]}),
        cell("pgd"): pd.DataFrame({"run": [0, 1], "seed": 0, "hr": [0, 0.5], "auc": [0.5, 0.5]}),
    }
    reference = pd.DataFrame({"dataset": ["men"], "recommender": "popularity", "hr": 0.1})
    table = summaries.accuracy(measured, reference.assign(auc=0.5, category_share=0.2), k=20)
    assert table["hr_at_20"].tolist() == pytest.approx([0.5, 0.25, 0.1])
    assert table["auc"].tolist() == pytest.approx([0.6, 0.5, 0.5])
    assert table["runs"].tolist()[:2] == [2, 2]
    assert table["defense"].isna().tolist() == [False, False, True]
    without = summaries.accuracy(measured, reference, k=20, without=["hr"])
    assert "hr_at_20" not in without
    measured[cell()] = measured[cell()].head(1)
    with pytest.raises(InputError, match="none vbpr run 1"):
        summaries.accuracy(measured, k=20)


def test_chr_by_k():
    curves = {cell(): np.array([[[0.1, 0.3]], [[0.3, 0.5]]])}
    table = summaries.chr_by_k(curves)
    assert table["k"].tolist() == [1, 2]
    assert table["chr"].tolist() == pytest.approx([0.2, 0.4])


def test_a_cell_is_named_by_the_axes_of_a_row():
    assert Cell._fields == axes.ROW
