"""`snakemake --report`: every main output is in it, once, in its place and with a caption."""

import json
import re

import pytest

import grid
from varbench.reporting import snakemake_report
from varbench.reporting.labels import THREATS
from varbench.reporting.page.pictures import PICTURES
from varbench.reporting.tables import rendered


def test_every_table_and_picture_has_a_caption_and_a_line_of_its_own():
    tables = [*rendered(list(THREATS)), "ablation"]
    paths = [f"results/tables/{name}.html" for name in tables]
    paths += [f"results/figures/{name}.svg" for name in [*PICTURES, "images_{dataset}"]]
    paths += [f"results/tables/{name}.csv" for name in snakemake_report.NUMBERS]
    paths += ["results/report/index.html"]
    entries = [snakemake_report.entry(path) for path in paths]
    captions = {entry["caption"] for entry in entries}
    of_all = snakemake_report.CAPTIONS / "workflow.rst"
    assert captions == {str(p) for p in snakemake_report.CAPTIONS.rglob("*.rst") if p != of_all}
    assert f'report: "{of_all.relative_to(grid.BASE)}"' in (grid.BASE / "Snakefile").read_text()
    # Of two of the same labels in one place the report would show one.
    places = [(e["category"], e["subcategory"], *e["labels"].values()) for e in entries]
    assert len({*places}) == len(paths)


@pytest.mark.parametrize("folder", ["tables", "figures"])
@pytest.mark.parametrize("name", ["table1.md", "table1.csv", "chr.png", "chr.pdf"])
def test_other_forms_of_the_same_are_left_out(folder, name):
    assert snakemake_report.entry(f"results/{folder}/{name}") is None


def test_the_report_of_a_finished_run(finished, tmp_path):
    report = tmp_path / "report.html"
    grid.snakemake(finished, "--report", str(report))
    page = report.read_text(encoding="utf-8")
    results = json.loads(re.search(r"var results = (\{.*\});?$", page, re.MULTILINE)[1])
    found = {}
    for path, result in results.items():
        caption = re.sub("<[^>]*>", "", result["caption"]).strip()
        assert caption, path
        found[path] = result
    tables = [f"results/tables/{name}.html" for name in rendered(list(THREATS))]
    pictures = [f"results/figures/{name}.svg" for name in [*PICTURES, "images_mini_men"]]
    assert {*tables, *pictures, "results/report/index.html"} <= set(found)
    assert found["results/figures/images_mini_men.svg"]["labels"] == {
        "figure": "One attacked item, mini_men"
    }
    assert found["results/tables/table1_evasion.html"]["mime_type"] == "text/html"
