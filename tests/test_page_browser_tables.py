"""The page's tables as a reader has them: in a real browser, against their files."""

import csv
import io

import pytest

import page_results
from browser import chromium
from page_reader import NAMES, as_first, cells_of, exported, page, table, three

__all__ = ["as_first", "chromium", "page", "three"]


@pytest.mark.parametrize(
    ("threat", "name"),
    [("poisoning", "table1"), ("evasion", "table1_evasion"), ("cold_start", "table1_cold_start")],
)
def test_table_1_shows_and_saves_the_numbers_of_its_file(page, three, threat, name):
    page.locator("#table1 select[data-axis=threat]").select_option(threat)
    expected = (
        table(three, name).set_index(["recommender", "attack", "dataset", "defense"]).sort_index()
    )
    rows = cells_of(page, "table1")
    assert len(rows) == 8
    places = [(d, f) for d in page_results.DATASETS for f in page_results.DEFENSES]
    for model, attack, *cells in rows:
        for place, cell in zip(places, cells, strict=True):
            own = expected.loc[NAMES[model], NAMES[attack], *place]
            assert cell.startswith(f"{own['chr_at_20']:.4f}")
            low, high = own["chr_at_20_low"], own["chr_at_20_high"]
            assert f"[{low:.4f}, {high:.4f}]" in cell
            mark = {"raised": "▲", "not separable": "○"}.get(own["verdict"], "")
            assert (mark in cell) if mark else not {"▲", "▼", "○"} & set(cell)
    header, *lines = csv.reader(io.StringIO(exported(page, "table1", "csv")))
    assert header[2:] == [
        f"{d} {f}" for d in ("Mini Men", "Mini Women") for f in ("T", "AT", "FAT")
    ]
    for model, attack, *numbers in lines:
        own = expected.loc[NAMES[model], NAMES[attack]]["chr_at_20"]
        assert list(map(float, numbers)) == own.loc[places].tolist()


def test_table_1_in_latex_and_markdown_has_the_same_cells(page):
    latex = exported(page, "table1", "tex")
    markdown = exported(page, "table1", "md")
    assert r"\multicolumn{3}{c}{Mini Men}" in latex
    assert r"C\&W" in latex
    assert r"PGD ($\epsilon$ = 8)" in latex
    rows = [line for line in markdown.splitlines() if line.startswith("| VBPR")]
    assert len(rows) == 4
    for row, line in zip(
        rows, [n for n in latex.splitlines() if n.startswith("VBPR")], strict=True
    ):
        texts = [cell.strip() for cell in row.strip("|").split("|")]
        numbers = [text.split(" ")[0] for text in texts[2:]]
        assert [cell.strip().split(" ")[0] for cell in line.split("&")[-6:]] == numbers


def test_other_lengths_protocols_and_published_numbers(page, three):
    page.select_option("#table1-k", "5")
    by_k = table(three, "chr_by_k").query("threat == 'poisoning' and k == 5")
    shown = cells_of(page, "table1")[0][2]
    own = by_k.query("dataset == 'mini_men' and defense == 'T' and attack == 'none'")
    assert shown == f"{own[own['recommender'] == 'vbpr']['chr'].iloc[0]:.4f}"
    page.select_option("#table1-k", "20")
    page.select_option("#table1-protocol", "as_published")
    rows = cells_of(page, "table1")
    assert [row[1] for row in rows] == ["PGD (ε = 8)"] * 2
    page.select_option("#table1-protocol", "")
    page.select_option("#table1-under", "published")
    published = table(three, "published").iloc[0]
    assert f"paper {published['published']:.4f}" in cells_of(page, "table1")[0][2]
    page.select_option("#table1-under", "interval")


def test_the_switches_of_the_tables_leave_rows_and_columns_out(page):
    page.select_option("#table1-dataset", "mini_women")
    page.select_option("#table1-recommender", "amr")
    rows = cells_of(page, "table1")
    assert {row[0] for row in rows} == {"AMR"}
    assert {len(row) for row in rows} == {5}
    page.select_option("#table1-dataset", "")
    page.select_option("#table1-recommender", "")
    page.select_option("#table2-dataset", "mini_women")
    assert {row[0] for row in cells_of(page, "table2")} == {"Mini Women"}
    page.select_option("#table2-dataset", "")


def test_table_2_shows_the_numbers_of_its_file_and_what_makes_them_doubtful(page, three):
    expected = table(three, "table2").set_index(["dataset", "attack", "defense"])
    datasets = {"Mini Men": "mini_men", "Mini Women": "mini_women"}
    for dataset, attack, *cells in cells_of(page, "table2"):
        for number, defense in enumerate(page_results.DEFENSES):
            own = expected.loc[datasets[dataset], NAMES[attack], defense]
            rate, loss, distance = cells[3 * number : 3 * number + 3]
            note = "1" if isinstance(own["flags"], str) else ""
            assert rate.startswith(f"{100 * own['success_rate']:.2f}{note}[")
            assert loss.startswith(f"{own['feature_loss']:.7f}")
            assert distance.startswith(f"{100 * own['lpips']:.4f}")
    assert page.locator("#table2 .notes").inner_text().strip().endswith("more steps still help")


def test_a_table_sorts_by_mouse_and_by_keyboard(page):
    header = page.locator("#table2 .tabulator-col[tabulator-field='T/feature_loss']")

    def losses():
        return [float(row[3].split("[")[0]) for row in cells_of(page, "table2")]

    header.click()
    assert losses() == sorted(losses())
    header.press("Enter")
    assert losses() == sorted(losses(), reverse=True)
