"""The page in a real browser: its switches as they were first, and what its tables show."""

import pandas as pd
import pytest

import page_results
from browser import opened
from made_pages import make_page


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    folder = tmp_path_factory.mktemp("three")
    options = page_results.write(folder)
    options["configuration"] = {"seed": 7}
    done = make_page(folder, options, folder / "report")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def page(three, chromium):
    with opened(chromium, three / "report" / "index.html") as page:
        page.wait_for_selector("html[data-ready=yes]")
        yield page


@pytest.fixture(autouse=True)
def as_first(request):
    """Put the switches back, whatever a test before has set."""
    if "page" in request.fixturenames:
        page = request.getfixturevalue("page")
        for axis, name in {
            "threat": "poisoning", "dataset": "mini_men", "recommender": "vbpr", "attack": "pgd_8",
        }.items():  # fmt: skip
            page.evaluate("([axis, name]) => VB.set(axis, name)", [axis, name])


def cells_of(page, table):
    """Return the shown texts of a table, a list a row, as a reader sees them."""
    page.wait_for_selector(f"#{table} .tabulator-row")
    return page.evaluate(
        """table => [...document.querySelectorAll(`#${table} .tabulator-row`)].map(row =>
            [...row.querySelectorAll(".tabulator-cell")].map(cell => cell.textContent))""",
        table,
    )


def exported(page, host, form):
    """Return what a table's button saves."""
    with page.expect_download() as download:
        page.locator(f"#{host} button[title$='.{form}']").first.click()
    return download.value.path().read_text(encoding="utf-8")


def table(folder, name):
    return pd.read_csv(folder / "tables" / f"{name}.csv")


NAMES = {"VBPR": "vbpr", "AMR": "amr", "No-Attack": "none", "C&W": "cw",
         "FGSM (ε = 8)": "fgsm_8", "PGD (ε = 8)": "pgd_8"}  # fmt: skip
