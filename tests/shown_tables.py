"""Numbers for both of the paper's tables, and a reader of each form that tables are shown in."""

import re
from html.parser import HTMLParser
from itertools import product

import numpy as np
import pandas as pd
import pytest

from varbench.reporting import rendering

DATASETS, DEFENSES, RECOMMENDERS = ["men", "women"], ["T", "AT", "FAT"], ["vbpr", "amr"]
ATTACKS = ["none", "fgsm_4", "pgd_8", "cw"]


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


FORMS = (rendering.to_html, rendering.to_latex, rendering.to_markdown)


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
