"""What attacks change against clean cells, by hand and by scipy."""

import numpy as np
import pytest
from scipy import stats

from hits import ATTACKS, cell, grid
from varbench.errors import InputError
from varbench.metrics.statistics import two_level
from varbench.reporting import summaries
from varbench.reporting.changes import COLUMNS, changes


def changed(hits, **options):
    return changes(hits, {}, clean="none", **options).set_index("attack")


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


def test_missing_clean_cells_are_named():
    hits = grid()
    del hits[cell()]
    with pytest.raises(InputError, match="evasion men T none vbpr is missing"):
        changes(hits, {}, clean="none")
    with pytest.raises(InputError, match="other users or runs"):
        changes(hits | {cell(): np.zeros((3, 1, 7))}, {}, clean="none")
