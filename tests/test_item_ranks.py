"""Attacked items before and after, and what a recommender's ties leave of them."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from hits import cell
from varbench.errors import InputError
from varbench.experiment.stored import Stored
from varbench.reporting import items as of_items
from varbench.reporting import summaries
from varbench.reporting.cells import tied
from varbench.reporting.changes import changes


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
