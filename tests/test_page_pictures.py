"""The page's pictures: rows and panels, axes, names and footnotes, files."""

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest

import page_results
from made_pages import NO_FACTS, results
from varbench.reporting.page import charts, figures, footnotes, frames, pictures
from varbench.reporting.page.context import context
from varbench.reporting.page.options import Options

__all__ = ["results"]


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


def test_the_workflow_knows_every_picture():
    assert list(charts.PICTURES) == list(pictures.PICTURES)
