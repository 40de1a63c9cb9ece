"""Table 2's measures from small data, by scipy."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from varbench.reporting.measures import of_images, table2


def images(runs=1, n=40, attack="pgd"):
    random = np.random.default_rng(1)
    frame = pd.DataFrame(product(range(runs), range(n)), columns=["run", "item"]).assign(
        attack=attack, in_source_before=True, in_target_before=False
    )
    frame["success"] = random.random(len(frame)) < 0.4
    frame["success_float"] = True
    frame["feature_loss"] = random.gamma(1, 0.1, len(frame))
    frame["feature_loss_relative"] = frame["feature_loss"] / 4
    return frame.assign(distance=frame["feature_loss"], distance_label="LPIPS", is_lpips=True)


def test_images_of_one_run_by_scipy():
    frame = images()
    frame.loc[:9, "in_target_before"] = True
    row = of_images(pd.concat([frame, images(attack="other").assign(success=True)]), "pgd")
    count = int(frame["success"].sum())
    wilson = stats.binomtest(count, 40).proportion_ci(method="wilson")
    found = [row[f"success_rate{end}"] for end in ("", "_low", "_high")]
    assert found == pytest.approx([count / 40, wilson.low, wilson.high])
    assert row["success_rate_not_target"] == frame["success"][10:].mean()
    assert row["success_rate_float"] == 1
    interval = stats.ttest_1samp(frame["feature_loss"], 0).confidence_interval()
    assert [row["feature_loss_low"], row["feature_loss_high"]] == pytest.approx(list(interval))
    assert row["feature_loss_relative"] == pytest.approx(row["feature_loss"] / 4)
    assert (row["images"], row["runs"]) == (40, 1)


def test_runs_do_not_multiply_images():
    one = images()
    same = pd.concat([one.assign(run=run) for run in range(3)]).sample(frac=1, random_state=0)
    several = of_images(same, "pgd")
    assert (several["images"], several["runs"]) == (40, 3)
    for name, value in of_images(one, "pgd").items():
        if isinstance(value, float):
            assert several[name] == pytest.approx(value), name
    with pytest.raises(ValueError, match="different images"):
        of_images(same.iloc[1:], "pgd")


@pytest.mark.parametrize(
    "missing", [pd.array([pd.NA] * 40, "boolean"), [None] * 40, [pd.NA] * 40, np.nan]
)
def test_an_attack_without_a_target_class_has_no_success_rate(missing):
    frame = images().assign(success=missing, success_float=np.nan, in_target_before=missing)
    row = of_images(frame, "pgd")
    assert np.isnan([row[f"success_rate{end}"] for end in ("", "_low", "_high", "_float")]).all()
    assert np.isnan(row["success_rate_not_target"])
    assert row["feature_loss"] > 0


def test_table2_names_distances_and_doubts():
    networks = {
        ("men", "T"): pd.concat([images(), images(attack="cw").assign(feature_loss=0, distance=0)]),
        ("men", "AT"): pd.concat([images(n=9), images(n=9, attack="cw")]).assign(is_lpips=False),
    }
    flags = {("men", "T", "cw"): ["loss still falling"]}
    table = table2(networks, ["pgd", "cw"], flags, without=["source_share"])
    table = table.set_index(["defense", "attack"])
    assert table["flags"].tolist() == [
        "", "loss still falling; stored images equal the clean ones",
        "only 9 attacked images", "only 9 attacked images",
    ]  # fmt: skip
    assert table["lpips"].notna().tolist() == [True, True, False, False]
    assert table["lpips_high"].notna().tolist() == [True, True, False, False]
    assert table["perceptual_stand_in"].notna().tolist() == [False, False, True, True]
    assert "source_share" not in table
