# ruff: noqa: RUF001 (the dash and the multiplication sign are what is tested)
import re
from html.parser import HTMLParser
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varbench.errors import InputError
from varbench.reporting import rendering, tables
from varbench.reporting.labels import attack_labels

DATASETS, DEFENSES, RECOMMENDERS = ["men", "women"], ["T", "AT", "FAT"], ["vbpr", "amr"]
ATTACKS = ["none", "fgsm_4", "pgd_8", "cw"]
HOSTILE = ["a_b & <script>alert('x')</script>", "50 % #1 | **~^$ \\ {x}", "[12] `c`\nd", "é 猫 ε×–"]


@pytest.fixture
def table1():
    random = np.random.default_rng(0)
    rows = [
        dict(zip(["dataset", "defense", "attack", "recommender", "seed"], cell, strict=True))
        for cell in product(DATASETS, DEFENSES, ATTACKS, RECOMMENDERS, [3, 7])
    ]
    table = pd.DataFrame(rows)
    table["chr_at_5"] = random.random(len(table)) * 5
    table["chr_at_5_low"] = table["chr_at_5"] - 0.25
    table["chr_at_5_high"] = table["chr_at_5"] + 0.5
    return table.assign(users=100)


@pytest.fixture
def table2():
    random = np.random.default_rng(1)
    table = pd.DataFrame(
        product(DATASETS, DEFENSES, ATTACKS[1:]), columns=["dataset", "defense", "attack"]
    )
    for measure in ("success_rate", "success_rate_not_target", "feature_loss", "lpips"):
        table[measure] = random.random(len(table)) / 10
    return table.assign(images=50, perceptual_stand_in=np.nan, perceptual_label="LPIPS (vgg)")


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
    table = tables.chr_table(table1, k=5, digits=3, intervals=False, labels=labels)
    shown = READERS[form](table, 2)
    assert len(shown) == len(table1) / 2
    for dataset, defense, recommender in product(DATASETS, DEFENSES, RECOMMENDERS):
        values = {}
        for attack in ATTACKS:
            runs = table1[
                (table1["dataset"] == dataset)
                & (table1["defense"] == defense)
                & (table1["recommender"] == recommender)
                & (table1["attack"] == attack)
            ]["chr_at_5"].tolist()
            assert len(runs) == 2
            values[attack] = sum(runs) / 2
        best = max(values[attack] for attack in ATTACKS if attack != "none")
        for attack, value in values.items():
            cell = (recommender.upper(), labels[attack]), (dataset, defense)
            assert shown[cell] == (f"{value:.3f}", value == best and attack != "none")


@pytest.mark.parametrize("form", READERS)
def test_table2_shows_every_number_and_marks_the_best(table2, form):
    measures = ["success_rate", "success_rate_not_target", "feature_loss", "lpips"]
    table = tables.visual_table(table2, measures=measures, digits={"lpips": 2})
    escaped = {"latex": ("\\%", "$\\times$"), "html": ("%", "×"), "markdown": ("%", "×")}[form]
    heads = [
        f"SR ({escaped[0]})", f"SR, new ({escaped[0]})", "FL", f"LPIPS {escaped[1]} 100",
    ]  # fmt: skip
    shown = READERS[form](table, 2)
    assert len(shown) == 4 * len(table2)
    names = {"T": "Traditional", "AT": "Adversarial Training", "FAT": "Free Adversarial Training"}
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
                assert shown[(dataset, label), (names[defense], head)] == (
                    f"{value * factor:.{digits}f}",
                    value == best,
                )


def test_published_layout_in_markdown():
    rows = [
        ("d", f, a, "vbpr", 0, v, v - 0.1, v + 0.1)
        for (f, a), v in {
            ("T", "none"): 0.5, ("T", "cw"): 0.4, ("T", "x"): 0.3,
            ("AT", "none"): 0.25, ("AT", "cw"): 0.75,
        }.items()
    ]  # fmt: skip
    columns = ["dataset", "defense", "attack", "recommender", "seed"]
    columns += ["chr_at_20", "chr_at_20_low", "chr_at_20_high"]
    text = rendering.to_markdown(tables.chr_table(pd.DataFrame(rows, columns=columns), digits=2))
    caption, _, *lines = text.strip().split("\n")
    assert "95 % bootstrap interval" in caption
    assert [re.sub(r"\s+", " ", line) for line in lines] == [
        "| Model | Attack | d · T | d · AT |",
        *lines[1:2],
        "| VBPR | No-Attack | 0.50 [0.40, 0.60] | 0.25 [0.15, 0.35] |",
        "| | C&W | **0.40** [0.30, 0.50] | 0.75 [0.65, 0.85] |",
        "| | x | 0.30 [0.20, 0.40] | – |",
    ]


def test_intervals_are_the_mean_bounds_of_the_seeds(table1):
    table = tables.chr_table(table1, k=5, digits=4, confidence=0.9)
    assert "90 % bootstrap interval" in table.caption
    assert "2 seeds" in table.caption
    runs = table1[(table1["dataset"] == "men") & (table1["defense"] == "AT")]
    runs = runs[(runs["recommender"] == "amr") & (runs["attack"] == "cw")]["chr_at_5"]
    low, high = f"{runs.mean() - 0.25:.4f}", f"{runs.mean() + 0.5:.4f}"
    cell = table.cells.loc[("AMR", "C&W"), ("men", "AT")]
    assert cell.interval == (low, high)
    assert f"<small>[{low}, {high}]</small>" in rendering.to_html(table)
    assert f"{{\\scriptsize [{low}, {high}]}}" in rendering.to_latex(table)
    assert f" [{low}, {high}] |" in rendering.to_markdown(table)
    without = tables.chr_table(table1, k=5, intervals=False)
    for render in (rendering.to_html, rendering.to_latex, rendering.to_markdown):
        assert low not in render(without)
    one = tables.chr_table(table1[table1["seed"] == 3], k=5)
    assert "seeds" not in one.caption


@pytest.mark.parametrize("form", READERS)
def test_missing_cells_are_a_dash(table1, table2, form):
    table1 = table1[~((table1["defense"] == "AT") & (table1["attack"] == "none"))]
    table2.loc[(table2["defense"] == "FAT") & (table2["attack"] == "cw"), "lpips"] = np.nan
    dash = "--" if form == "latex" else "–"
    shown = READERS[form](tables.chr_table(table1, k=5, intervals=False), 2)
    dashes = {cell for cell, (text, _) in shown.items() if text == dash}
    assert dashes == {((r, "No-Attack"), (d, "AT")) for r in ("VBPR", "AMR") for d in DATASETS}
    shown = READERS[form](tables.visual_table(table2, measures=["lpips"]), 2)
    gone = [text for (row, column), (text, _) in shown.items() if column[0].startswith("Free")]
    assert gone.count(dash) == 2
    assert sum(text == dash for text, _ in shown.values()) == 2


def test_ties_are_all_bold_and_a_column_without_difference_is_not(table2):
    table2["success_rate"] = 0.0
    table2.loc[(table2["dataset"] == "men") & (table2["attack"] != "cw"), "success_rate"] = 0.5
    cells = tables.visual_table(table2, measures=["success_rate"]).cells
    assert not any(cell.bold for cell in cells.loc["women"].to_numpy().ravel())
    bold = cells.loc["men"].map(lambda cell: cell.bold)
    assert bold.loc[["fgsm_4", "pgd_8"]].all(axis=None)
    assert not bold.loc["C&W"].any()


def test_an_attack_below_the_clean_cell_is_still_the_most_effective_attack(table1):
    table1.loc[table1["attack"] == "none", "chr_at_5"] = 100.0
    cells = tables.chr_table(table1, k=5).cells
    bold = cells.map(lambda cell: cell.bold)
    assert not bold.xs("No-Attack", level="Attack").any(axis=None)
    assert (bold.groupby(level="Model").sum() == 1).all(axis=None)


def test_a_stand_in_never_stands_under_lpips(table2):
    label = "random-convolutions distance (seed 0, not LPIPS)"
    stand_in = table2.assign(
        lpips=np.nan, perceptual_stand_in=table2["lpips"], perceptual_label=label
    )
    table = tables.visual_table(stand_in)
    heads = set(table.cells.columns.get_level_values("measure"))
    assert heads == {"SR (%)", "FL", "Stand-in × 100"}
    assert f"Stand-in: {label}." in table.caption
    assert "LPIPS:" not in table.caption
    mixed = table2.assign(perceptual_stand_in=table2["lpips"])
    mixed.loc[0, "lpips"] = np.nan
    cells = tables.visual_table(mixed, measures=["lpips"]).cells
    assert cells.columns.unique("measure").tolist() == ["LPIPS × 100"]
    assert cells.iloc[0, 0].text == "–"
    real = tables.visual_table(table2)
    assert "LPIPS × 100" in real.cells.columns.get_level_values("measure")
    assert "Stand-in" not in real.caption
    assert "clean image, LPIPS (vgg)." in real.caption


def test_accuracy_shows_references_beside_every_extractor(table1):
    accuracy = table1[["dataset", "defense", "attack", "recommender", "seed"]].assign(
        hr_at_5=0.25, ndcg_at_5=0.125, auc=table1["chr_at_5"] / 5
    )
    popularity = pd.DataFrame(
        {"dataset": DATASETS, "recommender": "popularity", "seed": pd.NA}
    ).assign(hr_at_5=0.5, ndcg_at_5=0.0, auc=[0.625, 0.75])
    table = tables.accuracy_table(pd.concat([accuracy, popularity]), k=5, digits=3)
    shown = read_html(rendering.to_html(table), 3)
    assert len(shown) == (2 * 2 * 4 + 2) * 9
    for dataset, auc in zip(DATASETS, ["0.625", "0.750"], strict=True):
        for defense in DEFENSES:
            row = (dataset, "Popularity", "–")
            assert shown[row, (defense, "AUC")] == (auc, False)
            assert shown[row, (defense, "HR@5")] == ("0.500", False)
            mean = accuracy[
                (accuracy["dataset"] == dataset)
                & (accuracy["defense"] == defense)
                & (accuracy["attack"] == "cw")
                & (accuracy["recommender"] == "amr")
            ]["auc"].mean()
            assert shown[(dataset, "AMR", "C&W"), (defense, "AUC")][0] == f"{mean:.3f}"


def test_rows_and_columns_keep_the_order_of_appearance(table1):
    cells = tables.chr_table(table1, k=5).cells
    assert list(cells.columns) == list(product(DATASETS, DEFENSES))
    assert [row[0] for row in cells.index] == ["VBPR"] * 4 + ["AMR"] * 4
    assert [row[1] for row in cells.index[:4]] == ["No-Attack", "fgsm_4", "pgd_8", "C&W"]


def test_a_cell_that_occurs_twice_is_refused(table1, table2):
    with pytest.raises(ValueError, match="occur twice"):
        tables.chr_table(pd.concat([table1, table1.head(1)]), k=5)
    with pytest.raises(ValueError, match="duplicate"):
        tables.visual_table(pd.concat([table2, table2.head(1)]))


def test_hostile_names_come_back_from_html(table1):
    labels = dict(zip([*DATASETS, "T", "cw"], HOSTILE, strict=True))
    table = tables.chr_table(table1, k=5, labels=labels)
    page = rendering.to_page([table, table], "<b>&</b>")
    parsed = Grid(page)
    assert "script" not in parsed.tags
    assert "b" not in parsed.tags
    assert "<title>&lt;b&gt;&amp;&lt;/b&gt;</title>" in page
    (grid, _) = parsed.tables
    assert set(labels.values()) <= set(grid.values())


def test_hostile_names_leave_latex_whole(table1):
    labels = dict(zip(["men", "T", "vbpr", "cw"], HOSTILE, strict=True))
    text = rendering.to_latex(tables.chr_table(table1, k=5, intervals=False, labels=labels))
    shown = read_latex(text, 2)
    assert len(shown) == len(table1) / 2
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
        r"$\times$": "×", r"$\cdot$": "·", "{[}": "[", "--": "–",
        **{f"\\{character}": character for character in "&%$#_{}"},
    }  # fmt: skip
    pattern = "|".join(re.escape(command) for command in commands)
    bare = re.sub(pattern, "", latex)
    assert not set(bare) & set("\\&%$#_{}~^<>|"), bare  # nothing special is left
    return re.sub(pattern, lambda match: commands[match[0]], latex)


pieces = st.sampled_from([*"ab \\&%$#_{}~^<>|[]`*\n\t\"'–ε×·!-", "&amp;", "&#38;", "<b>"])
names = st.lists(pieces).map("".join).filter(lambda text: "--" not in text)


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
            tables.visual_table(frame, measures=["success_rate"], labels=labels)
    else:
        cells = tables.visual_table(frame, measures=["success_rate"], labels=labels).cells
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
