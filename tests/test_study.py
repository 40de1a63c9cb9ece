"""The study with people: what its page asks and saves, and what is made of the answers."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import grid
import page_results
from browser import VIEWS, chromium, opened, viewed, violations
from varbench.errors import InputError
from varbench.reporting.page import study_results

__all__ = ["chromium"]
SCRIPTS = grid.BASE / "workflow" / "scripts"


def answer(correct, attack="pgd_8", defense="T"):
    return {
        "dataset": "mini_men", "defense": defense, "attack": attack, "item": 1,
        "attacked_side": "left", "answer": "left" if correct else "right", "milliseconds": 900,
    }  # fmt: skip


def save(folder, participant, answers, study="s"):
    path = folder / f"{participant}.json"
    saved = {"study": study, "participant": participant, "answers": answers}
    path.write_text(json.dumps(saved))
    return path


def wilson(right, trials, z=1.959963984540054):
    """Wilson's interval as his paper writes it."""
    share = right / trials
    middle = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2)) / (1 + z**2 / trials)
    return middle - half, middle + half


def test_detection_is_the_share_of_right_answers_with_wilson_s_interval(tmp_path):
    one = save(tmp_path, "a", [answer(True)] * 9 + [answer(False)])
    two = save(tmp_path, "b", [answer(True)] * 8 + [answer(False)] * 2)
    (row,) = study_results.detection(study_results.read_answers([one, two])).to_dict("records")
    assert (row["participants"], row["trials"], row["detected"]) == (2, 20, 17 / 20)
    expected = wilson(17, 20)
    assert (row["detected_low"], row["detected_high"]) == pytest.approx(expected)
    assert row["above_chance"]


def test_guessing_is_not_above_chance(tmp_path):
    path = save(tmp_path, "a", [answer(i % 2) for i in range(20)])
    (row,) = study_results.detection(study_results.read_answers([path])).to_dict("records")
    assert row["p_value"] == pytest.approx(1)
    assert not row["above_chance"]


def test_who_fails_the_catch_trials_is_left_out(tmp_path):
    careful = save(tmp_path, "a", [answer(True, "catch")] * 4 + [answer(False)])
    careless = save(tmp_path, "b", [answer(i < 2, "catch") for i in range(4)] + [answer(True)])
    answers = study_results.read_answers([careful, careless])
    (row,) = study_results.detection(answers).to_dict("records")
    assert (row["participants"], row["detected"], row["left_out"]) == (1, 0, 1)
    with pytest.raises(InputError, match="every participant failed"):
        study_results.detection(study_results.read_answers([careless]))


def test_detection_is_related_to_the_perceptual_distance(tmp_path):
    seen = {"cw": 2, "pgd_8": 5, "fgsm_8": 9}
    answers = [answer(i < right, attack) for attack, right in seen.items() for i in range(10)]
    path = save(tmp_path, "a", answers)
    table2 = pd.DataFrame({
        "dataset": "mini_men", "defense": "T", "attack": list(seen), "lpips": [0.1, 0.2, 0.3],
        "perceptual_stand_in": np.nan, "perceptual_label": "LPIPS (vgg)",
    })  # fmt: skip
    found = study_results.detection(study_results.read_answers([path]), table2=table2)
    assert found["distance"].tolist() == [0.1, 0.2, 0.3]
    assert (found["distance_spearman"] == 1).all()
    table2["lpips"] *= -1
    found = study_results.detection(study_results.read_answers([path]), table2=table2)
    assert (found["distance_spearman"] == -1).all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "not a file that the study's page saved"),
        ("{", "cannot be read"),
        (json.dumps({"study": "s", "participant": "x", "answers": [{"attack": "cw"}]}), "answer 1"),
        (json.dumps({"study": "other", "participant": "x", "answers": []}), "another study"),
        (json.dumps({"study": "s", "participant": "a", "answers": []}), "the same participant"),
    ],
)
def test_files_that_are_none_of_the_study_are_named(tmp_path, content, message):
    good = save(tmp_path, "a", [answer(True)])
    bad = tmp_path / "bad.json"
    bad.write_text(content)
    with pytest.raises(InputError, match=message) as error:
        study_results.read_answers([good, bad])
    assert "bad.json" in str(error.value)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with results and study.html: eleven pairs, two of them catch trials."""
    folder = tmp_path_factory.mktemp("study")
    options = page_results.write(folder, threats=1, runs=1, datasets=1)
    line = [
        *(sys.executable, SCRIPTS / "make_study.py"),
        *("--options", json.dumps({"page": options, "folders": page_results.folders(folder)})),
        *("--per-cell", 1, "--catch", 2),
        *("--study", folder / "study.html"),
    ]
    done = subprocess.run([str(word) for word in line], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_page_records_exports_and_is_read_back(made, tmp_path, chromium):
    page_file = made / "study.html"
    answers = tmp_path / "answers"
    answers.mkdir()
    orders = []
    for participant in range(2):
        with opened(chromium, page_file, accept_downloads=True) as page:
            page.wait_for_selector("html[data-ready=yes]")
            assert "There are 11 pairs" in page.locator(".consent").inner_text()
            page.click("#begin")
            for trial in range(11):
                page.get_by_text(f"Pair {trial + 1} of 11").wait_for()
                if trial == 5:  # answers outlive the page
                    page.reload()
                    page.get_by_text("Pair 6 of 11").wait_for()
                # This participant recognises what was changed by its name in the page's state.
                side = page.evaluate(
                    """() => { const key = Object.keys(localStorage)[0];
                        const state = JSON.parse(localStorage.getItem(key));
                        return state.sides[state.answers.length]; }"""
                )
                page.keyboard.press("1" if side == "left" else "2")
            with page.expect_download() as download:
                page.click("#save")
            download.value.save_as(answers / f"{participant}.json")
    for path in answers.iterdir():
        saved = json.loads(path.read_text())
        assert len(saved["answers"]) == 11
        assert {one["answer"] == one["attacked_side"] for one in saved["answers"]} == {True}
        orders.append([(one["attack"], one["defense"]) for one in saved["answers"]])
    assert orders[0] != orders[1]
    output = tmp_path / "study_results.csv"
    line = [
        *(sys.executable, SCRIPTS / "summarise_study.py", "--answers", answers),
        *("--images", made / "tables" / "table2.csv", "--output", output),
    ]
    done = subprocess.run([str(word) for word in line], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results = pd.read_csv(output)
    assert len(results) == 9
    assert (results["detected"] == 1).all()
    assert (results["participants"] == 2).all()
    assert results["distance"].notna().all()


@pytest.mark.parametrize(("scheme", "width"), VIEWS)
def test_an_automatic_checker_finds_nothing_against_wcag_aa(made, chromium, scheme, width):
    with opened(chromium, made / "study.html", **viewed(scheme, width)) as page:
        page.wait_for_selector("html[data-ready=yes]")
        assert violations(page) == []
        page.click("#begin")
        page.get_by_text("Pair 1 of 11").wait_for()
        assert violations(page) == []
        for trial in range(11):
            page.get_by_text(f"Pair {trial + 1} of 11").wait_for()
            page.keyboard.press("1")
        page.locator("#save").wait_for()
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
