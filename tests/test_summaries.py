"""The tables' numbers from small data, computed by hand and by scipy."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from varbench import axes
from varbench.errors import InputError
from varbench.experiment.stored import Stored
from varbench.metrics.statistics import two_level
from varbench.reporting import items as of_items
from varbench.reporting import summaries
from varbench.reporting.cells import Cell, by_run, tied
from varbench.reporting.changes import COLUMNS, changes
from varbench.reporting.measures import of_images, table2

ATTACKS = ("none", "noise", "fgsm", "pgd")


def cell(attack="none", defense="T", threat="evasion", recommender="vbpr"):
    return Cell(threat, "men", defense, attack, recommender)


def grid(runs=3, seeds=1, users=400):
    """Hits of four attacks: noise does nothing, FGSM and PGD add as much to everybody's chance."""
    random = np.random.default_rng(0)
    chance = {"none": 0.3, "noise": 0.3, "fgsm": 1.3, "pgd": 1.31}
    taste = random.gamma(1, 1, users)
    return {
        cell(attack): random.poisson(chance[attack] * taste, (runs, seeds, users))
        for attack in ATTACKS
    }


def changed(hits, **options):
    return changes(hits, {}, clean="none", **options).set_index("attack")


def test_table1_by_hand():
    """Two runs of four users; every number can be added up."""
    hits = {
        cell(): np.array([[[0, 0, 2, 0]], [[0, 0, 4, 0]]]),
        cell("pgd"): np.array([[[1, 0, 3, 0]], [[0, 0, 8, 4]]]),
    }
    table = summaries.table1(
        hits, changes(hits, {}, clean="none"), {cell(): 1.5}, k=20, clean="none"
    ).set_index("attack")
    assert table["chr_at_20"].tolist() == [0.75, 2.0]
    assert table["runs"].tolist() == [2, 2]
    assert table["users"].tolist() == [4, 4]
    assert table["chr_at_20_sd"].tolist() == pytest.approx([np.sqrt(0.125), np.sqrt(2)])
    assert table["reach_at_20"].tolist() == [0.25, 0.5]
    assert table["top_users_share"].tolist() == pytest.approx([1, (3 / 4 + 8 / 12) / 2])
    assert table.loc["none", "random_chr_at_20"] == 1.5
    assert (table["chr_at_20_low"] >= 0).all()
    assert (table["chr_at_20_high"] > table["chr_at_20"]).all()
    assert table["verdict"].tolist() == ["", "not separable"]


def test_verdicts_and_the_most_effective():
    hits = grid()
    found = changes(hits, {}, clean="none")
    table = summaries.table1(hits, found, {}, k=20, clean="none", controls=["noise"])
    table = table.set_index("attack")
    assert table["verdict"].tolist() == ["", "not separable", "raised", "raised"]
    assert table["most_effective"].tolist() == [False, False, True, True]
    hits[cell("noise")] = hits[cell("pgd")] + 1
    table = summaries.table1(hits, found, {}, k=20, clean="none", controls=["noise"])
    assert not table.set_index("attack").loc["noise", "most_effective"]


def test_changes_are_paired_by_user_and_run():
    hits = grid()
    table = changed(hits)
    for attack in ATTACKS[1:]:
        expected = two_level((hits[cell(attack)] - hits[cell()]).mean(axis=1))
        low, high = expected.interval()
        row = table.loc[attack, ["change", "change_low", "change_high", "change_sd", "p_value"]]
        assert row.tolist() == pytest.approx(
            [float(v) for v in (expected.mean, low, high, expected.run_sd, expected.p_value())]
        )
    assert table["test"].unique().tolist() == ["runs"]
    expected = stats.false_discovery_control(table["p_value"])
    assert table["p_adjusted"].tolist() == pytest.approx(expected.tolist())
    sd = np.mean([hits[cell()][run, 0].var(ddof=1) for run in range(3)]) ** 0.5
    assert table.loc["pgd", "effect_size"] == pytest.approx(table.loc["pgd", "change"] / sd)


def test_one_run_says_that_it_speaks_of_users_only():
    hits = grid(runs=1)
    table = changed(hits)
    assert table["test"].unique().tolist() == ["users only: one run"]
    assert table["change_sd"].isna().all()
    after, before = hits[cell("fgsm")][0, 0], hits[cell()][0, 0]
    assert table.loc["fgsm", "p_value"] == pytest.approx(stats.ttest_rel(after, before).pvalue)
    gained, lost = ((after > 0) > (before > 0)).sum(), ((after > 0) < (before > 0)).sum()
    mcnemar = stats.binomtest(int(gained), int(gained + lost)).pvalue
    assert table.loc["fgsm", "reach_p_value"] == pytest.approx(mcnemar)


def test_seeds_of_a_run_are_no_runs():
    """Nine trainings on three networks are three units."""
    nested = changed(grid(runs=3, seeds=3))
    assert nested["runs"].tolist() == [3, 3, 3]
    one = changed(grid(runs=1, seeds=3))
    assert one["test"].unique().tolist() == ["users only: one run"]
    assert one["reach_p_value"].between(0, 1).all()


def test_equivalence_needs_its_margin():
    before = np.random.default_rng(0).poisson(0.5, (3, 1, 3000))
    few = before.copy()
    few[:, :, :12] += 1
    hits = {cell(): before, cell("pgd"): few}
    assert changed(hits, margin=0.05)["equivalent"].tolist() == [True]
    assert changed(hits, margin=0.005)["equivalent"].tolist() == [False]
    with pytest.raises(InputError, match="equivalence_margin: 0 is not positive"):
        changed(hits, margin=0)


def test_the_baseline_of_the_released_code():
    """D15: one clean cell, of another defense and recommender, for all of a dataset's cells."""
    other = {"defense": "AT", "recommender": "amr"}
    hits = grid() | {cell("none")._replace(**other): grid()[cell()] - 1}
    own, listed = (changes(hits, {}, clean="none", baseline=b) for b in (None, other))
    assert set(own["baseline_defense"] + own["baseline_recommender"]) == {"Tvbpr"}
    assert set(listed["baseline_defense"] + listed["baseline_recommender"]) == {"ATamr"}
    assert listed["change"].tolist() == pytest.approx((own["change"] + 1).tolist())


def test_ranks_that_contradict_the_hit_ratio():
    """Every item moves up while nobody gets more of them."""
    hits = {cell(): np.ones((3, 1, 50)), cell("pgd"): np.ones((3, 1, 50))}
    before = np.arange(100, 190.0) + np.zeros((3, 1, 1))
    ranks = {cell(): before, cell("pgd"): before - np.array([4.0, 5, 6])[:, None, None]}
    row = changes(hits, ranks, clean="none").iloc[0]
    assert row["verdict"] == "not separable"
    assert row["p_value"] == 1
    assert row["mean_rank_change"] == -5
    assert row["items_up"] == 1
    assert row["items_up_p_value"] == 0
    assert row["reach_change"] == 0
    assert row.index.tolist() == list(COLUMNS)


def test_an_empty_category_is_missing_and_says_why():
    hits = {cell(): np.full((2, 1, 9), np.nan), cell("pgd"): np.ones((2, 1, 9))}
    found = changes(hits, {}, clean="none")
    assert found[["change", "p_value", "p_adjusted", "reach_change"]].isna().all(axis=None)
    assert found["verdict"].tolist() == [""]
    assert found["equivalent"].tolist() == [False]
    assert "no item" in found["note"].iloc[0]
    table = summaries.table1(hits, found, {}, k=20, clean="none")
    columns = ["chr_at_20", "chr_at_20_low", "chr_at_20_high", "reach_at_20", "top_users_share"]
    assert table.loc[0, columns].isna().all()
    assert table["note"].tolist() == ["no item is counted: the category is empty", ""]


def test_lists_that_are_full_of_attacked_items_say_that_they_cannot_change():
    hits = {cell(): np.full((2, 1, 9), 5.0), cell("pgd"): np.full((2, 1, 9), 5.0)}
    hits[cell("pgd")][1, 0, 3] = 4
    table = summaries.table1(hits, changes(hits, {}, clean="none"), {}, k=5, clean="none")
    said = "all of every list is counted: no attack can raise it"
    assert table["note"].tolist() == [said, ""]


def test_ties_of_a_blind_recommender_under_cold_start_are_no_measurement(items):
    """What they would say is left out, with its reason; the other threats' cells stay."""
    attacks, threats = ("none", "pgd"), ("poisoning", "cold_start")
    cells = [
        cell(a, threat=t, recommender=r) for t, r, a in product(threats, ("mf", "vbpr"), attacks)
    ]
    random = np.random.default_rng(1)
    hits = {of: random.poisson(1, (2, 1, 50)).astype(float) for of in cells}
    measured = pd.DataFrame({"run": [0, 1], "seed": 0, "auc": 0.8, "category_ndcg": 0.1})
    promoted = {of: items[cell(of.attack)] for of in cells}
    reasons = tied(cells, ["mf"])
    assert set(reasons) == {
        of for of in cells if of.threat == "cold_start" and of.recommender == "mf"
    }
    everything = Stored(hits, hits, promoted, dict.fromkeys(cells, measured))
    kept = everything.without(reasons)
    for of in cells:
        assert np.isnan(kept.hits[of]).all() == np.isnan(kept.curves[of]).all() == (of in reasons)
        assert kept.items[of]["lists"].isna().all() == (of in reasons)
        accuracy = kept.measured[of]
        assert accuracy["auc"].tolist() == [0.8, 0.8]
        assert accuracy["category_ndcg"].isna().all() == (of in reasons)
    promoted = of_items.promotion(kept.items, {"men": np.arange(6)}, clean="none")
    blind = (promoted["threat"] == "cold_start") & (promoted["recommender"] == "mf")
    assert promoted.loc[blind, ["hr_before", "prediction_shift"]].isna().all(axis=None)
    assert promoted.loc[~blind & (promoted["item"] == 3), "prediction_shift"].notna().all()
    ranks = of_items.stacked(kept.items, "mean_rank")
    found = changes(kept.hits, ranks, clean="none", reasons=reasons)
    table = summaries.table1(kept.hits, found, {}, k=20, clean="none", reasons=reasons)
    for rows, missing in ((found, 1), (table, 2)):
        noted = rows[rows["note"] != ""]
        assert len(noted) == missing
        assert noted["note"].str.contains("all attacked items score the same").all()
        assert (noted["verdict"] == "").all()
    assert table["chr_at_20"].isna().sum() == 2
    alone = changes({of: hits[of] for of in cells if of not in reasons}, {}, clean="none")
    assert found["p_adjusted"].dropna().tolist() == alone["p_adjusted"].tolist(), "no hypotheses"


def test_what_makes_a_defense_doubtful_is_said_beside_all_of_its_numbers():
    hits = grid() | {cell("none", "AT"): np.full((3, 1, 400), np.nan)}
    flags = {("men", "AT"): ["no robust accuracy", "two classes"]}
    found = changes(hits, {}, clean="none")
    table = summaries.table1(hits, found, {}, k=20, clean="none", flags=flags)
    expected = "no item is counted: the category is empty; no robust accuracy; two classes"
    assert table["note"].tolist() == ["", "", "", "", expected]


def test_runs_have_intervals_over_users():
    hits = grid(seeds=2)
    table = summaries.runs(hits, k=5)
    assert len(table) == 4 * 3 * 2
    row = table[(table["attack"] == "pgd") & (table["run"] == 2) & (table["seed"] == 1)].iloc[0]
    sample = hits[cell("pgd")][2, 1]
    bounds = stats.ttest_1samp(sample, 0).confidence_interval()
    expected = [sample.mean(), *bounds]
    assert row[["chr_at_5", "chr_at_5_low", "chr_at_5_high"]].tolist() == pytest.approx(expected)


def test_missing_runs_are_named():
    part = np.zeros(4)
    parts = {c: dict.fromkeys([(0, 0), (1, 0)], part) for c in (cell(), cell("pgd"))}
    assert by_run(parts)[cell()].shape == (2, 1, 4)
    del parts[cell("pgd")][1, 0]
    with pytest.raises(InputError, match="1 of 4 are missing: evasion men T pgd vbpr run 1 seed 0"):
        by_run(parts)
    parts[cell("pgd")][1, 0] = np.zeros(5)
    with pytest.raises(InputError, match="evasion men T pgd vbpr: its runs differ"):
        by_run(parts)


def test_missing_clean_cells_are_named():
    hits = grid()
    del hits[cell()]
    with pytest.raises(InputError, match="evasion men T none vbpr is missing"):
        changes(hits, {}, clean="none")
    with pytest.raises(InputError, match="other users or runs"):
        changes(hits | {cell(): np.zeros((3, 1, 7))}, {}, clean="none")


def test_accuracy_averages_runs_and_keeps_references():
    measured = {
        cell(): pd.DataFrame({"run": [0, 1], "seed": 0, "hr": [0.25, 0.75], "auc": [0.5, 0.7]}),
        cell("pgd"): pd.DataFrame({"run": [0, 1], "seed": 0, "hr": [0, 0.5], "auc": [0.5, 0.5]}),
    }
    reference = pd.DataFrame({"dataset": ["men"], "recommender": "popularity", "hr": 0.1})
    table = summaries.accuracy(measured, reference.assign(auc=0.5, category_share=0.2), k=20)
    assert table["hr_at_20"].tolist() == pytest.approx([0.5, 0.25, 0.1])
    assert table["auc"].tolist() == pytest.approx([0.6, 0.5, 0.5])
    assert table["runs"].tolist()[:2] == [2, 2]
    assert table["defense"].isna().tolist() == [False, False, True]
    without = summaries.accuracy(measured, reference, k=20, without=["hr"])
    assert "hr_at_20" not in without
    measured[cell()] = measured[cell()].head(1)
    with pytest.raises(InputError, match="none vbpr run 1"):
        summaries.accuracy(measured, k=20)


def test_chr_by_k():
    curves = {cell(): np.array([[[0.1, 0.3]], [[0.3, 0.5]]])}
    table = summaries.chr_by_k(curves)
    assert table["k"].tolist() == [1, 2]
    assert table["chr"].tolist() == pytest.approx([0.2, 0.4])


@pytest.fixture
def items():
    """Two runs of two items; item 5 is nobody's to get."""
    before = pd.DataFrame({"run": [0, 0, 1, 1], "seed": 0, "item": [3, 5, 3, 5]})
    before = before.assign(
        mean_rank=[10.0, np.nan, 20.0, np.nan], median_rank=[8.0, np.nan, 16.0, np.nan],
        lists=[2, 0, 4, 0], eligible=[10, 0, 10, 0], mean_z=[0.5, np.nan, 0.7, np.nan],
    )  # fmt: skip
    after = before.assign(mean_rank=before["mean_rank"] / 2, lists=[4, 0, 8, 0])
    return {cell(): before, cell("pgd"): after.assign(mean_z=[1.5, np.nan, 2.7, np.nan])}


def test_items_before_and_after(items):
    table = of_items.item_ranks(items, clean="none").set_index("item")
    row = table.loc[3]
    assert (row["mean_rank_before"], row["mean_rank_after"]) == (15, 7.5)
    assert (row["lists_before"], row["lists_after"]) == (3, 6)
    popularity = {"men": np.array([9, 1, 2, 0, 8, 7])}
    table = of_items.promotion(items, popularity, clean="none").set_index("item")
    row = table.loc[3]
    assert (row["popularity"], row["tercile"]) == (0, "tail")
    assert (row["hr_before"], row["hr_after"]) == pytest.approx((0.3, 0.6))
    assert row["prediction_shift"] == pytest.approx(1.5)
    assert table.loc[5, "tercile"] == "middle"
    assert table.loc[5, ["hr_before", "hr_after", "prediction_shift"]].isna().all()
    ranks = of_items.stacked(items, "mean_rank")
    assert ranks[cell("pgd")][:, 0, 0].tolist() == [5, 10]


def test_items_of_missing_runs_are_named(items):
    items[cell("pgd")] = items[cell("pgd")].head(2)
    for function in (lambda: of_items.item_ranks(items, clean="none"),
                     lambda: of_items.stacked(items, "lists")):  # fmt: skip
        with pytest.raises(InputError, match="pgd vbpr run 1 seed 0"):
            function()
    assert of_items.item_ranks({cell(): items[cell()]}, clean="none").empty


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


def test_a_cell_is_named_by_the_axes_of_a_row():
    assert Cell._fields == axes.ROW
