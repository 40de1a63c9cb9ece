# ruff: noqa: RUF001 (the dash and the multiplication sign are what is tested)
import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import product

import grimp
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varbench.errors import InputError
from varbench.reporting import rendering
from varbench.reporting.accuracy_table import accuracy_table, beyond_accuracy_table
from varbench.reporting.chr_table import chr_table
from varbench.reporting.labels import attack_labels
from varbench.reporting.layout import Style
from varbench.reporting.promotion_table import promotion_table
from varbench.reporting.tables import render, rendered
from varbench.reporting.visual_table import visual_table

DATASETS, DEFENSES, RECOMMENDERS = ["men", "women"], ["T", "AT", "FAT"], ["vbpr", "amr"]
ATTACKS = ["none", "fgsm_4", "pgd_8", "cw"]
HOSTILE = ["a_b & <script>alert('x')</script>", "50 % #1 | **~^$ \\ {x}", "[12] `c`\nd", "é 猫 ε×–"]


@pytest.fixture
def table1():
    random = np.random.default_rng(0)
    rows = [
        dict(zip(["dataset", "defense", "attack", "recommender"], cell, strict=True))
        for cell in product(DATASETS, DEFENSES, ATTACKS, RECOMMENDERS)
    ]
    table = pd.DataFrame(rows)
    table["chr_at_5"] = random.random(len(table)) * 5
    table["chr_at_5_low"] = table["chr_at_5"] - 0.25
    table["chr_at_5_high"] = table["chr_at_5"] + 0.5
    attacked = table["chr_at_5"].where(table["attack"] != "none")
    largest = attacked.groupby([table[n] for n in ("dataset", "defense", "recommender")])
    table["most_effective"] = attacked == largest.transform("max")
    table["verdict"] = np.where(table["attack"] == "none", "", "raised")
    return table.assign(
        users=100, runs=3, note="", reach_at_5=0.25, top_users_share=0.5, random_chr_at_5=1.25
    )


@pytest.fixture
def table2():
    random = np.random.default_rng(1)
    table = pd.DataFrame(
        product(DATASETS, DEFENSES, ATTACKS[1:]), columns=["dataset", "defense", "attack"]
    )
    for measure in ("success_rate", "success_rate_not_target", "feature_loss", "lpips"):
        table[measure] = random.random(len(table)) / 10
    return table.assign(
        images=50, runs=1, perceptual_stand_in=np.nan, perceptual_label="LPIPS (vgg)"
    )


class Grid(HTMLParser):
    """The cells of an HTML table at their places: spans are filled in, as a browser does."""

    def __init__(self, html):
        super().__init__()
        self.tables, self.bold, self.tags = [], set(), []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        given_ = dict(attributes)
        if tag == "table":
            self.cells, self.row = {}, -1
            self.tables.append(self.cells)
        elif tag == "tr":
            self.row, self.column = self.row + 1, 0
        elif tag in ("td", "th"):
            while (self.row, self.column) in self.cells:
                self.column += 1
            span = range(int(given_.get("rowspan", 1))), range(int(given_.get("colspan", 1)))
            self.places = [(self.row + i, self.column + j) for i, j in product(*span)]
            assert not any(place in self.cells for place in self.places)
            self.cells.update(dict.fromkeys(self.places, ""))
        elif tag == "strong":
            self.bold.update(self.places)

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.places = []

    def handle_data(self, data):
        for place in getattr(self, "places", []):
            self.cells[place] += data


def read_html(html, stubs):
    """Return {(row headings, column headings): (text, bold)} of the only table."""
    parsed = Grid(html)
    (cells,) = parsed.tables
    height, width = max(r for r, _ in cells) + 1, max(c for _, c in cells) + 1
    assert len(cells) == height * width  # a full rectangle
    top = html.split("</thead>")[0].count("<tr>")
    return {
        (
            tuple(cells[row, c] for c in range(stubs)),
            tuple(cells[r, column] for r in range(top)),
        ): (cells[row, column], (row, column) in parsed.bold)
        for row in range(top, height)
        for column in range(stubs, width)
    }


def read_markdown(text, stubs):
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rows = [[c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    header, cells, above = rows[0], {}, [""] * stubs
    for row in rows[2:]:
        assert len(row) == len(header)
        above = [now or before for now, before in zip(row[:stubs], above, strict=True)]
        for head, text in zip(header[stubs:], row[stubs:], strict=True):
            cells[tuple(above), tuple(head.split(" · "))] = (
                text.replace("**", ""),
                text.startswith("**"),
            )
    return cells


def read_latex(text, stubs):
    body = text.split(r"\toprule")[1].split(r"\bottomrule")[0]
    body = re.sub(r"\\(midrule|cmidrule\(lr\)\{[\d-]+\})", "", body)
    rows = [re.split(r"(?<!\\)&", row) for row in body.split(r"\\")[:-1]]
    rows = [[cell.strip() for cell in row] for row in rows]
    outer, inner = [], rows[1][stubs:]
    for cell in rows[0][stubs:]:
        span, label = re.fullmatch(r"\\multicolumn\{(\d+)\}\{c\}\{(.*)\}", cell).groups()
        outer += [label] * int(span)
    cells, above = {}, [""] * stubs
    for row in rows[2:]:
        assert len(row) == stubs + len(inner) == stubs + len(outer)
        above = [now or before for now, before in zip(row[:stubs], above, strict=True)]
        if not any(row[:stubs]):
            continue  # a row of intervals
        for head, text in zip(zip(outer, inner, strict=True), row[stubs:], strict=True):
            plain = re.sub(r"\\textbf\{(.*)\}", r"\1", text)
            cells[tuple(above), head] = (plain, plain != text)
    return cells


READERS = {
    "html": lambda table, stubs: read_html(rendering.to_html(table), stubs),
    "markdown": lambda table, stubs: read_markdown(rendering.to_markdown(table), stubs),
    "latex": lambda table, stubs: read_latex(rendering.to_latex(table), stubs),
}


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


@pytest.mark.parametrize("form", READERS)
def test_table2_shows_every_number_and_marks_the_best(table2, form):
    measures = ["success_rate", "success_rate_not_target", "feature_loss", "lpips"]
    table = visual_table(table2, Style(digits={"lpips": 2}), measures=measures)
    escaped = {"latex": ("\\%", "$\\times$"), "html": ("%", "×"), "markdown": ("%", "×")}[form]
    heads = [
        f"SR ({escaped[0]})", f"SR, new ({escaped[0]})", "FL", f"LPIPS {escaped[1]} 100",
    ]  # fmt: skip
    shown = READERS[form](table, 2)
    assert len(shown) == 4 * len(table2)
    for (dataset, defense), group in table2.groupby(["dataset", "defense"]):
        for measure, head, factor, digits, choose in zip(
            measures, heads, (100, 100, 1, 100), (2, 2, 7, 2), (max, max, max, min), strict=True
        ):
            best = choose(group[measure].tolist())
            for attack, value in zip(group["attack"], group[measure], strict=True):
                label = {"cw": "C&W", "fgsm_4": "fgsm_4", "pgd_8": "pgd_8"}[attack]
                if form == "latex":
                    label = rendering.escape_latex(label)
                elif form == "markdown":
                    label = rendering.escape_markdown(label)
                assert shown[(dataset, label), (defense, head)] == (
                    f"{value * factor:.{digits}f}",
                    value == best,
                )


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


FORMS = (rendering.to_html, rendering.to_latex, rendering.to_markdown)


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


def test_a_doubtful_defense_has_its_footnote_once_a_column(table1):
    table1.loc[table1["defense"] == "AT", "note"] = "no robust accuracy"
    table = chr_table(table1, Style(k=5))
    notes = table.cells.map(lambda cell: len(cell.notes))
    assert notes.sum().tolist() == [0, 1, 0] * 2
    assert notes.iloc[0].tolist() == [0, 1, 0] * 2
    assert table.footnotes == ("no robust accuracy",)


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


def test_table2_shows_how_many_images_and_how_sure(table2):
    sure = table2.assign(
        success_rate_low=table2["success_rate"] - 0.01,
        success_rate_high=table2["success_rate"] + 0.02,
        success_rate_float=1.0,
    )
    table = visual_table(sure, Style())
    first, row = table.cells.iloc[0], sure.iloc[0]
    assert first.index[0] == ("T", "n")
    assert first.iloc[0].text == "50"
    rate = 100 * row["success_rate"]
    assert first.iloc[1].interval == (f"{rate - 1:.2f}", f"{rate + 2:.2f}")
    assert first.iloc[2].text == "100.00"
    assert "Wilson" in table.caption
    assert "One run" in table.caption
    heads = set(visual_table(table2, Style()).cells.columns.get_level_values("measure"))
    assert "SR, float (%)" not in heads  # not measured


def test_an_attack_without_a_target_class_leaves_its_rate_empty(table2):
    table2.loc[table2["attack"] == "cw", "success_rate"] = np.nan
    cells = visual_table(table2, Style(), measures=["success_rate"]).cells
    texts = cells.map(lambda cell: cell.text)
    assert (texts.xs("C&W", level="Attack") == "–").all(axis=None)
    assert (texts.xs("pgd_8", level="Attack") != "–").all(axis=None)


def test_controls_are_rows_and_never_the_best(table2):
    table2.loc[table2["attack"] == "cw", ["success_rate", "lpips"]] = [2.0, 0.0]
    bold = visual_table(table2, Style(controls=["cw"])).cells.map(lambda cell: cell.bold)
    assert not bold.xs("C&W", level="Attack").any(axis=None)
    assert bold.any(axis=None)


def test_ties_are_all_bold_and_a_column_without_difference_is_not(table2):
    table2["success_rate"] = 0.0
    table2.loc[(table2["dataset"] == "men") & (table2["attack"] != "cw"), "success_rate"] = 0.5
    cells = visual_table(table2, Style(), measures=["success_rate"]).cells
    assert not any(cell.bold for cell in cells.loc["women"].to_numpy().ravel())
    bold = cells.loc["men"].map(lambda cell: cell.bold)
    assert bold.loc[["fgsm_4", "pgd_8"]].all(axis=None)
    assert not bold.loc["C&W"].any()


def test_all_that_tie_with_the_most_effective_attack_are_bold(table1):
    tied = table1.assign(most_effective=table1["attack"].isin(["pgd_8", "cw"]))
    bold = chr_table(tied, Style(k=5)).cells.map(lambda cell: cell.bold)
    assert bold.xs("C&W", level="Attack").all(axis=None)
    assert bold.xs("pgd_8", level="Attack").all(axis=None)
    assert (bold.groupby(level="Model").sum() == 2).all(axis=None)


def test_a_stand_in_never_stands_under_lpips(table2):
    label = "random-convolutions distance (seed 0, not LPIPS)"
    stand_in = table2.assign(
        lpips=np.nan, perceptual_stand_in=table2["lpips"], perceptual_label=label
    )
    table = visual_table(stand_in, Style())
    heads = set(table.cells.columns.get_level_values("measure"))
    assert heads == {"n", "SR (%)", "FL", "Stand-in × 100"}
    assert f"Stand-in: {label}." in table.caption
    assert "LPIPS:" not in table.caption
    mixed = table2.assign(perceptual_stand_in=table2["lpips"])
    mixed.loc[0, "lpips"] = np.nan
    cells = visual_table(mixed, Style(), measures=["lpips"]).cells
    assert cells.columns.unique("measure").tolist() == ["LPIPS × 100"]
    assert cells.iloc[0, 0].text == "–"
    real = visual_table(table2, Style())
    assert "LPIPS × 100" in real.cells.columns.get_level_values("measure")
    assert "Stand-in" not in real.caption
    assert "clean image, LPIPS (vgg)." in real.caption


def test_accuracy_shows_references_beside_every_extractor(table1):
    accuracy = table1[["dataset", "defense", "attack", "recommender", "runs"]].assign(
        hr_at_5=0.25, ndcg_at_5=0.125, auc=table1["chr_at_5"] / 5
    )
    popularity = pd.DataFrame({"dataset": DATASETS, "recommender": "popularity"}).assign(
        hr_at_5=0.5, ndcg_at_5=0.0, auc=[0.625, 0.75]
    )
    table = accuracy_table(pd.concat([accuracy, popularity]), Style(k=5))
    assert "3 runs" in table.caption
    shown = read_html(rendering.to_html(table), 3)
    assert len(shown) == (2 * 2 * 4 + 2) * 9
    for dataset, auc in zip(DATASETS, ["0.6250", "0.7500"], strict=True):
        for defense in DEFENSES:
            row = (dataset, "Popularity", "–")
            assert shown[row, (defense, "AUC")] == (auc, False)
            assert shown[row, (defense, "HR@5")] == ("0.5000", False)
    for row in accuracy.itertuples():
        label = {"none": "No-Attack", "cw": "C&W"}.get(row.attack, row.attack)
        place = (row.dataset, row.recommender.upper(), label), (row.defense, "AUC")
        assert shown[place][0] == f"{row.auc:.4f}"


def test_beyond_accuracy(table1):
    accuracy = table1[["dataset", "defense", "attack", "recommender", "runs"]].assign(
        coverage_at_5=0.125, gini_at_5=0.5, novelty_at_5=7.0, popularity_at_5=30.0
    )
    cells = beyond_accuracy_table(accuracy, Style(k=5)).cells
    assert [cell.text for cell in cells.iloc[0].iloc[:4]] == ["12.5", "0.500", "7.00", "30.0"]


@pytest.fixture
def promotion():
    items = product(["evasion", "poisoning"], DATASETS, DEFENSES, ["pgd_8"], ["vbpr"], range(6))
    columns = ["threat", "dataset", "defense", "attack", "recommender", "item"]
    table = pd.DataFrame(items, columns=columns)
    table["tercile"] = table["item"].map(dict(enumerate(["head", "tail"] * 3)))
    values = {"hr_before": 0.01, "mean_rank_before": 90.0, "mean_rank_after": 40.0}
    table["runs"] = 1
    table["hr_after"] = table["item"] / 100 + (table["threat"] == "evasion")
    return table.assign(prediction_shift=table["item"] / 10, **values)


def test_promotion_is_averaged_by_tercile(promotion):
    evasion = promotion[promotion["threat"] == "evasion"]
    table = promotion_table(evasion, Style(threat="evasion"))
    assert [row[-1] for row in table.cells.index] == ["tail", "head"] * 2
    texts = [cell.text for cell in table.cells.loc[("women", "VBPR", "pgd_8", "tail")].iloc[:6]]
    assert texts == ["3", "1.00", "103.00", "0.300", "90.0", "40.0"]  # items 1, 3 and 5
    assert table.caption.startswith("Evasion: the clean cell's recommender ranks")
    assert table.caption.endswith("one run: the spread between networks is unknown.")
    empty = promotion_table(evasion.assign(hr_after=np.nan), Style(threat="evasion"))
    assert empty.cells.iloc[0, 2].text == "\N{EN DASH}"
    assert "A dash: nothing is measured there" in empty.caption


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


def test_rows_and_columns_keep_the_order_of_appearance(table1):
    cells = chr_table(table1, Style(k=5)).cells
    assert list(cells.columns) == list(product(DATASETS, DEFENSES))
    assert [row[0] for row in cells.index] == ["VBPR"] * 4 + ["AMR"] * 4
    assert [row[1] for row in cells.index[:4]] == ["No-Attack", "fgsm_4", "pgd_8", "C&W"]


def test_a_cell_that_occurs_twice_is_refused(table1, table2):
    with pytest.raises(ValueError, match="duplicate"):
        chr_table(pd.concat([table1, table1.head(1)]), Style(k=5))
    with pytest.raises(ValueError, match="duplicate"):
        visual_table(pd.concat([table2, table2.head(1)]), Style())


def test_hostile_names_come_back_from_html(table1):
    labels = dict(zip([*DATASETS, "T", "cw"], HOSTILE, strict=True))
    table = chr_table(table1, Style(k=5, labels=labels))
    page = rendering.to_page(table)
    parsed = Grid(page)
    assert "script" not in parsed.tags
    assert "b" not in parsed.tags
    (grid,) = parsed.tables
    assert set(labels.values()) <= set(grid.values())


def test_hostile_names_leave_latex_whole(table1):
    labels = dict(zip(["men", "T", "vbpr", "cw"], HOSTILE, strict=True))
    text = rendering.to_latex(
        chr_table(table1.assign(verdict=""), Style(k=5, intervals=False, labels=labels))
    )
    shown = read_latex(text, 2)
    assert len(shown) == len(table1)
    assert r"a\_b \& \textless{}script\textgreater{}" in text
    assert unbalanced(text) == 0
    for line in text.splitlines():
        assert not re.match(r"\s*\[", line)


def unbalanced(latex):
    bare = re.sub(r"\\[{}\\]", "", latex)
    return bare.count("{") - bare.count("}")


def latex_to_text(latex):
    """Undo the escapes: what LaTeX prints."""
    commands = {
        r"\textbackslash{}": "\\", r"\textasciitilde{}": "~", r"\textasciicircum{}": "^",
        r"\textless{}": "<", r"\textgreater{}": ">", r"\textbar{}": "|", r"$\epsilon$": "ε",
        r"$\times$": "×", r"$\cdot$": "·", "{[}": "[", r"\textendash{}": "–",
        "-{}": "-",
        **{f"\\{character}": character for character in "&%$#_{}"},
    }  # fmt: skip
    pattern = "|".join(re.escape(command) for command in commands)
    bare = re.sub(pattern, "", latex)
    assert not set(bare) & set("\\&%$#_{}~^<>|"), bare  # nothing special is left
    return re.sub(pattern, lambda match: commands[match[0]], latex)


pieces = st.sampled_from([*"ab \\&%$#_{}~^<>|[]`*\n\t\"'–ε×·!-", "&amp;", "&#38;", "<b>"])
names = st.lists(pieces).map("".join)


@given(names)
def test_latex_prints_the_name(text):
    assert latex_to_text(rendering.escape_latex(text)) == " ".join(text.split())


@settings(deadline=None)
@given(names, names)
def test_markdown_shows_the_name_in_one_cell(one, other):
    markdown_it = pytest.importorskip("markdown_it", reason="no Markdown parser installed")
    parser = markdown_it.MarkdownIt("commonmark").enable("table")
    cells = [rendering.escape_markdown(text) for text in (one, other)]
    tokens = parser.parse(f"| a | b |\n|---|---|\n| {cells[0]} | {cells[1]} |\n")
    shown = [token for token in tokens if token.type == "inline"][2:]
    assert len(shown) == 2
    for token, text in zip(shown, (one, other), strict=True):
        assert {child.type for child in token.children} <= {"text", "text_special"}
        assert "".join(child.content for child in token.children) == " ".join(text.split())


@settings(deadline=None, max_examples=30)
@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(["x", "y", "a"])))
def test_names_that_would_read_the_same_are_refused(labels):
    shown = [labels.get(name, name) for name in "abc"]
    frame = pd.DataFrame(
        {
            "dataset": list("abc"),
            "defense": "T",
            "attack": "fgsm",
            "success_rate": 0.5,
            "lpips": 0.1,
        }
    )
    if len(set(shown)) < 3:
        with pytest.raises(InputError, match=r"tables\.labels"):
            visual_table(frame, Style(labels=labels), measures=["success_rate"])
    else:
        cells = visual_table(frame, Style(labels=labels), measures=["success_rate"]).cells
        assert [row[0] for row in cells.index] == shown


def test_attack_labels():
    attacks = {
        "none": {"method": "none"},
        "fgsm_4": {"method": "fgsm", "epsilon": 4},
        "pgd_half": {"method": "pgd", "epsilon": 0.5},
        "pgd_8": {"method": "pgd", "epsilon": 8, "steps": 10},
        "pgd_8_long": {"method": "pgd", "epsilon": 8.0, "steps": 100},
        "cw": {"method": "carlini_wagner"},
        "own": {"method": "blur", "epsilon": 2},
    }
    assert attack_labels(attacks) == {
        "none": "No-Attack",
        "fgsm_4": "FGSM (ε = 4)",
        "pgd_half": "PGD (ε = 0.5)",
        "pgd_8": "PGD (ε = 8), pgd_8",
        "pgd_8_long": "PGD (ε = 8), pgd_8_long",
        "cw": "C&W",
        "own": "blur (ε = 2)",
    }
