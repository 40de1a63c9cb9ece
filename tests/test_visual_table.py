"""Table 2: every number of it, how sure they are and what is best, in every form."""

# ruff: noqa: RUF001 (the dash and the multiplication sign are what is tested)
import numpy as np
import pytest

from shown_tables import READERS, table2
from varbench.reporting import rendering
from varbench.reporting.layout import Style
from varbench.reporting.visual_table import visual_table

__all__ = ["table2"]


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
