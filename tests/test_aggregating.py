"""What tables are told of a dataset, and which cells each of them shows."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from varbench.axes import COLD_START, EVASION
from varbench.experiment import aggregating
from varbench.experiment.stored import Places, Stored, flags_of_networks
from varbench.reporting.cells import Cell
from varbench.reporting.tables import OF_CELLS

METRICS = {
    "k": 2, "confidence": 0.95, "equivalence_margin": 0.05, "correction": "holm",
    "category_share": True,
}  # fmt: skip
BASELINE = {"defense": "AT", "recommender": "vbpr"}
ATTACKED = np.array([1, 3])


def known(counted="attacked", doubts=()):
    """Three users of four items; the last interaction of each is held out."""
    table = pd.DataFrame({"user": [0, 0, 1, 1, 2, 2], "item": [0, 1, 0, 2, 1, 3]})
    table["held_out"] = [False, True] * 3
    references = pd.DataFrame(
        {"recommender": ["popularity"] * 2, "hr": [0.0, 1], "ndcg": [0.0, 1], "auc": [0.5, 0.7]}
    )
    return aggregating.dataset(
        table, 4, ATTACKED, references, {"T": list(doubts)},
        threats=[EVASION, COLD_START], metrics={**METRICS, "counted": counted},
    )  # fmt: skip


def test_what_is_known_of_a_dataset_by_hand():
    """Users 0 and 1 know item 0, user 2 item 1: of 3 candidates 2, 2 and 1 are attacked."""
    found = known()
    assert found.popularity.tolist() == [2, 1, 0, 0]
    assert found.counted.tolist() == ATTACKED.tolist()
    # Two of three candidates are listed. When nobody knows item 1, user 2 has four candidates.
    assert found.by_chance[EVASION] == pytest.approx((4 + 4 + 2) / 3 / 3)
    assert found.by_chance[COLD_START] == pytest.approx((4 / 3 + 4 / 3 + 1) / 3)
    (row,) = found.references.to_dict("records")
    assert row == {"recommender": "popularity", "hr": 0.5, "ndcg": 0.5, "auc": pytest.approx(0.6)}


def test_what_networks_see_for_themselves_is_no_set_of_the_dataset():
    found = known(counted="seen")
    assert not len(found.counted)
    assert np.isnan(found.by_chance[EVASION])


def cells():
    """A clean and an attacked cell of T, and a clean one of AT, with two runs of three users."""
    random = np.random.default_rng(0)
    names = [Cell(EVASION, "men", d, a, "vbpr") for d, a in
             [("T", "none"), ("T", "pgd"), ("AT", "none")]]  # fmt: skip
    runs = [{"run": run, "seed": 0} for run in (0, 1)]
    of_items = [
        {**run, "item": item, "mean_rank": 1.0 + item, "median_rank": 1.0,
         "lists": 1, "eligible": 3, "mean_score": 0.5, "mean_z": 0.1}
        for run, item in product(runs, ATTACKED)
    ]  # fmt: skip
    measures = ["hr", "ndcg", "auc", "category_ndcg", "category_share", "coverage", "gini",
                "novelty", "popularity"]  # fmt: skip
    of_runs = [{**run, **dict.fromkeys(measures, 0.5)} for run in runs]
    return names, Stored(
        hits={name: random.integers(0, 3, (2, 1, 3)) * 1.0 for name in names},
        curves={name: random.random((2, 1, 5)) for name in names},
        items={name: pd.DataFrame(of_items) for name in names},
        measured=dict.fromkeys(names, pd.DataFrame(of_runs)),
    )


def test_cells_to_compare_with_get_no_rows():
    """D15: the baseline's clean cell may be of a defense that is not in the grid."""
    names, stored = cells()
    tables = aggregating.tables_of_cells(
        stored, {"men": known(doubts=["few users"])}, shown=names[:2], clean="none",
        metrics=METRICS, controls=[], baseline=BASELINE, reasons={},
    )  # fmt: skip
    for name in ("table1", "runs", "chr_by_k"):
        assert set(tables[name]["defense"]) == {"T"}, name
    assert set(tables["accuracy"]["defense"].dropna()) == {"T"}
    assert set(tables["changes"]["baseline_defense"]) == {"AT"}
    expected = stored.hits[names[1]].mean() - stored.hits[names[2]].mean()
    compared = tables["changes"].set_index(["defense", "attack"])["change"]
    assert compared["T", "pgd"] == pytest.approx(expected)
    assert tables["table1"]["note"].str.contains("few users").all()
    assert tables["table1"]["random_chr_at_2"].tolist() == pytest.approx([10 / 9] * 2)


def test_every_table_of_cells_has_its_file():
    names, stored = cells()
    tables = aggregating.tables_of_cells(
        stored, {"men": known()}, shown=names[:2], clean="none", metrics=METRICS, controls=[],
        baseline=BASELINE, reasons={},
    )  # fmt: skip
    assert {"table1", *OF_CELLS} == set(tables)


def test_what_is_no_measurement_is_missing_with_its_reason():
    names, stored = cells()
    reasons = {names[1]: "all items tie"}
    tables = aggregating.tables_of_cells(
        stored.without(reasons), {"men": known()}, shown=names[:2], clean="none",
        metrics={**METRICS, "category_share": False}, controls=[], baseline=BASELINE,
        reasons=reasons,
    )  # fmt: skip
    row = tables["table1"].set_index("attack").loc["pgd"]
    assert np.isnan(row["chr_at_2"])
    assert "all items tie" in row["note"]
    assert not [name for name in tables["accuracy"] if name.startswith("category_share")]


def test_doubts_and_chance_belong_to_their_dataset():
    names, stored = cells()
    men, other = names[0], names[0]._replace(dataset="women")
    of_both = Stored(
        **{name: dict.fromkeys((men, other), values[men]) for name, values in vars(stored).items()}
    )
    tables = aggregating.tables_of_cells(
        of_both, {"men": known(doubts=["few users"]), "women": known(counted="seen")},
        shown=[men, other], clean="none", metrics=METRICS, controls=[], baseline=None, reasons={},
    )  # fmt: skip
    table = tables["table1"].set_index("dataset")
    assert table.loc["men", "note"] == "few users"
    assert table.loc["men", "random_chr_at_2"] == pytest.approx(10 / 9)
    assert table.loc["women", "note"] != "few users"
    assert np.isnan(table.loc["women", "random_chr_at_2"])


def test_doubtful_networks_are_named_by_run_where_they_have_one(tmp_path):
    networks = [{"defense": d, "run": r} for d, r in [("T", "shared"), ("AT", "0"), ("AT", "1")]]
    for names, flags in zip(networks, ["collapsed", None, "not robust"], strict=True):
        path = tmp_path / f"{names['defense']}-{names['run']}_accuracy.csv"
        pd.DataFrame({"flags": [flags]}).to_csv(path, index=False)
    assert flags_of_networks(networks, f"{tmp_path}/{{defense}}-{{run}}") == {
        "T": ["T: collapsed"],
        "AT": ["run 1 of AT: not robust"],
    }


def test_clean_cells_of_a_baseline_may_lie_outside_of_the_grid():
    names = {"threat": [EVASION], "dataset": ["men", "women"], "defense": ["T"]}
    names |= {"attack": ["none", "pgd"], "recommender": ["vbpr"], "run": ["0"], "seed": ["0"]}
    places = Places(names, "none", "{defense}", 2, "attacked")
    assert list(places.clean_cells({"defense": "AT", "recommender": "amr"})) == [
        Cell(EVASION, dataset, "AT", "none", "amr") for dataset in ("men", "women")
    ]
