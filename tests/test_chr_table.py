"""Table 1: every number of it, intervals, verdicts and what is best, in every form."""

# ruff: noqa: RUF001 (the dash and the multiplication sign are what is tested)
import re
from itertools import product

import numpy as np
import pandas as pd
import pytest

from shown_tables import ATTACKS, DATASETS, DEFENSES, FORMS, READERS, table1
from varbench.errors import InputError
from varbench.reporting import rendering
from varbench.reporting.chr_table import chr_table
from varbench.reporting.layout import Style

__all__ = ["table1"]


@pytest.mark.parametrize("form", READERS)
def test_table1_shows_every_number_and_marks_the_best_attacks(table1, form):
    labels = {name: name.replace("_", "") for name in ATTACKS}
    style = Style(k=5, digits={"chr": 3}, intervals=False, labels=labels)
    shown = READERS[form](chr_table(table1.assign(verdict=""), style), 2)
    assert len(shown) == len(table1)
    for row in table1.itertuples():
        place = (row.recommender.upper(), labels[row.attack]), (row.dataset, row.defense)
        assert shown[place] == (f"{row.chr_at_5:.3f}", row.most_effective)
    assert sum(bold for _, bold in shown.values()) == 12


def test_published_layout_in_markdown():
    rows = [
        ("d", f, a, "vbpr", v, v - 0.1, v + 0.1, verdict, a == "cw")
        for (f, a), (v, verdict) in {
            ("T", "none"): (0.5, ""), ("T", "cw"): (0.4, "lowered"), ("T", "x"): (0.3, "lowered"),
            ("AT", "none"): (0.25, ""), ("AT", "cw"): (0.75, "not separable"),
        }.items()
    ]  # fmt: skip
    columns = ["dataset", "defense", "attack", "recommender", "chr_at_20"]
    columns += ["chr_at_20_low", "chr_at_20_high", "verdict", "most_effective"]
    table1 = pd.DataFrame(rows, columns=columns).assign(runs=3, note="")
    text = rendering.to_markdown(chr_table(table1, Style(digits={"chr": 2})))
    caption, _, *lines = text.strip().split("\n")
    assert (
        "mean over users and 3 runs; in brackets its 95 % interval over users and runs" in caption
    )
    assert [re.sub(r"\s+", " ", line) for line in lines] == [
        "| Model | Attack | d · T | d · AT |",
        *lines[1:2],
        "| VBPR | No-Attack | 0.50 [0.40, 0.60] | 0.25 [0.15, 0.35] |",
        "| | C&W | **0.40** [0.30, 0.50] ↓ | **0.75** [0.65, 0.85] ≈ |",
        "| | x | 0.30 [0.20, 0.40] ↓ | – |",
    ]


def test_intervals_and_verdicts_in_every_form(table1):
    table = chr_table(table1, Style(k=5, confidence=0.9))
    assert "90 % interval over users and runs" in table.caption
    row = table1.query("dataset == 'men' and defense == 'AT' and attack == 'cw'")
    row = row.set_index("recommender").loc["amr"]
    low, high = f"{row['chr_at_5_low']:.4f}", f"{row['chr_at_5_high']:.4f}"
    cell = table.cells.loc[("AMR", "C&W"), ("men", "AT")]
    assert cell.interval == (low, high)
    assert cell.mark == "↑"
    html, latex, markdown = (form(table) for form in FORMS)
    assert f'<span class="verdict">↑</span> <small>[{low}, {high}]</small>' in html
    assert f"{{\\scriptsize [{low}, {high}]}}" in latex
    assert r" $\uparrow$" in latex
    assert f" [{low}, {high}] ↑ |" in markdown
    without = chr_table(table1, Style(k=5, intervals=False))
    assert "interval" not in without.caption
    assert not any(low in form(without) for form in FORMS)


def test_one_run_is_said_on_the_table(table1):
    one = chr_table(table1.assign(runs=1, chr_at_5_sd=np.nan), Style(k=5))
    assert "one run: the spread between networks is unknown" in one.caption
    assert "interval over users." in one.caption
    assert "unknown" not in chr_table(table1, Style(k=5)).caption


def test_mixed_numbers_of_runs_are_refused(table1):
    table1.loc[3, "runs"] = 2
    with pytest.raises(InputError, match=r"T men amr fgsm_4 has 2 runs where others have 3"):
        chr_table(table1, Style(k=5))


def test_what_carries_the_ratio_stands_beside_it(table1):
    beside = ["reach_at", "top_users_share", "random_chr_at"]
    table = chr_table(table1, Style(k=5, labels={"men": "M"}), beside=beside)
    row = table.cells["M"]["T"].loc["VBPR"].loc["C&W"]
    assert [cell.text for cell in row.iloc[1:]] == ["25.0", "50.0", "1.2500"]
    assert row.index.tolist() == ["CHR@5", "Reach (%)", "Top 5 % (%)", "Random"]
    assert "Reach: share of the users" in table.caption


def test_a_doubtful_defense_has_its_footnote_once_a_column(table1):
    table1.loc[table1["defense"] == "AT", "note"] = "no robust accuracy"
    table = chr_table(table1, Style(k=5))
    notes = table.cells.map(lambda cell: len(cell.notes))
    assert notes.sum().tolist() == [0, 1, 0] * 2
    assert notes.iloc[0].tolist() == [0, 1, 0] * 2
    assert table.footnotes == ("no robust accuracy",)


def test_all_that_tie_with_the_most_effective_attack_are_bold(table1):
    tied = table1.assign(most_effective=table1["attack"].isin(["pgd_8", "cw"]))
    bold = chr_table(tied, Style(k=5)).cells.map(lambda cell: cell.bold)
    assert bold.xs("C&W", level="Attack").all(axis=None)
    assert bold.xs("pgd_8", level="Attack").all(axis=None)
    assert (bold.groupby(level="Model").sum() == 2).all(axis=None)


def test_rows_and_columns_keep_the_order_of_appearance(table1):
    cells = chr_table(table1, Style(k=5)).cells
    assert list(cells.columns) == list(product(DATASETS, DEFENSES))
    assert [row[0] for row in cells.index] == ["VBPR"] * 4 + ["AMR"] * 4
    assert [row[1] for row in cells.index[:4]] == ["No-Attack", "fgsm_4", "pgd_8", "C&W"]
