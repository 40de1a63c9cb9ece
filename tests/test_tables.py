"""All tables together: each is rendered, and what is missing or doubtful is said alike."""

# ruff: noqa: RUF001 (the dash and the multiplication sign are what is tested)
import subprocess
import sys

import grimp
import numpy as np
import pandas as pd
import pytest

from shown_tables import DATASETS, DEFENSES, FORMS, READERS, promotion, table1, table2
from varbench.reporting import rendering
from varbench.reporting.chr_table import chr_table
from varbench.reporting.layout import Style
from varbench.reporting.tables import render, rendered
from varbench.reporting.visual_table import visual_table

__all__ = ["promotion", "table1", "table2"]


@pytest.mark.parametrize("form", FORMS)
def test_footnotes_say_what_is_missing_or_doubtful(table1, table2, form):
    gone = table1["defense"] == "AT"
    table1.loc[gone, ["chr_at_5", "chr_at_5_low", "chr_at_5_high"]] = np.nan
    table1.loc[gone, "note"] = "nothing is counted & <empty>"
    text = form(chr_table(table1, Style(k=5)))
    shown = {
        rendering.to_html: ("–<sup>1</sup>", "1. nothing is counted &amp; &lt;empty&gt;"),
        rendering.to_latex: (
            r"\textendash{}\textsuperscript{1}",
            r"1. nothing is counted \& \textless{}em",
        ),
        rendering.to_markdown: ("– (1)", r"1. nothing is counted & \<empty\>"),
    }[form]
    assert text.count(shown[0]) == gone.sum()
    assert text.count(shown[1]) == 1
    table2["flags"] = ["zero gradients"] + ["few images; zero gradients"] * (len(table2) - 1)
    table = visual_table(table2, Style())
    assert table.footnotes == ("zero gradients", "few images")
    first = table.cells.iloc[0]
    assert [cell.notes for cell in first.iloc[:2]] == [(1,), ()]
    assert table.cells.iloc[1].iloc[0].notes == (2, 1)
    assert "few images" in form(table)


@pytest.mark.parametrize("form", READERS)
def test_missing_cells_are_a_dash(table1, table2, form):
    table1 = table1[~((table1["defense"] == "AT") & (table1["attack"] == "none"))]
    table2.loc[(table2["defense"] == "FAT") & (table2["attack"] == "cw"), "lpips"] = np.nan
    dash = r"\textendash{}" if form == "latex" else "–"
    style = Style(k=5, intervals=False)
    shown = READERS[form](chr_table(table1.assign(verdict=""), style), 2)
    dashes = {cell for cell, (text, _) in shown.items() if text == dash}
    assert dashes == {((r, "No-Attack"), (d, "AT")) for r in ("VBPR", "AMR") for d in DATASETS}
    shown = READERS[form](visual_table(table2, Style(), measures=["lpips"]), 2)
    gone = [text for (row, column), (text, _) in shown.items() if column[0] == "FAT"]
    assert gone.count(dash) == 2
    assert sum(text == dash for text, _ in shown.values()) == 2


@pytest.mark.parametrize("labels", [{}, {"T": "Plain"}])
def test_networks_have_one_name_in_both_tables_which_is_explained(table1, table2, labels):
    style = Style(k=5, labels=labels)
    both = chr_table(table1, style), visual_table(table2, style, measures=["feature_loss"])
    names = [labels.get(name, name) for name in DEFENSES]
    for table in both:
        assert list(table.cells.columns.unique("defense")) == names
        said = [f"{name}: " for name in DEFENSES if name not in labels]
        assert [name for name in ("T: ", "AT: ", "FAT: ") if f" {name}" in table.caption] == said


def test_every_table_is_rendered_for_each_threat(table1, table2, promotion):
    accuracy = table1.assign(auc=0.5, hr_at_5=0.1, ndcg_at_5=0.1, coverage_at_5=0.5)
    csv = {
        "table1": table1, "table1_evasion": table1.assign(chr_at_5=4.5), "table2": table2,
        "accuracy": pd.concat([accuracy.assign(threat=t) for t in ("poisoning", "evasion")]),
        "promotion": promotion,
    }  # fmt: skip
    threats = ["poisoning", "evasion"]
    done = render(threats, csv.__getitem__, Style(k=5))
    assert list(done) == list(rendered(threats))
    assert set(rendered(threats).values()) == set(csv)
    assert {"table1", "table1_evasion", "table2", "accuracy_evasion"} <= set(done)
    names = [table.name for table in done.values()]
    assert len(set(names)) == len(names)
    assert done["table1_evasion"].cells.iloc[0, 0].text == "4.5000"
    assert done["table1_evasion"].caption.startswith("Evasion")
    for form in FORMS:
        assert all(form(table) for table in done.values())


def test_a_tables_source_is_seen_by_what_follows_sources():
    """Else an edit of it would leave old tables behind."""
    graph = grimp.build_graph("varbench")
    followed = graph.find_upstream_modules("varbench.reporting.tables")
    modules = {f"varbench.reporting.{name}_table" for name in ("chr", "visual", "accuracy")}
    assert modules | {"varbench.reporting.promotion_table"} <= followed


def test_planning_the_tables_imports_nothing_heavy():
    code = "import sys, varbench.reporting.tables; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_cell_that_occurs_twice_is_refused(table1, table2):
    with pytest.raises(ValueError, match="duplicate"):
        chr_table(pd.concat([table1, table1.head(1)]), Style(k=5))
    with pytest.raises(ValueError, match="duplicate"):
        visual_table(pd.concat([table2, table2.head(1)]), Style())
