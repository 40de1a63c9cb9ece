"""What tables are told of a dataset, and which cells each of them shows."""

from ast import literal_eval
from itertools import product

import numpy as np
import pandas as pd
import pytest

import grid
from varbench.axes import COLD_START, EVASION
from varbench.experiment import aggregating
from varbench.experiment.stored import Stored
from varbench.reporting.cells import Cell

METRICS = {
    "k": 2, "confidence": 0.95, "equivalence_margin": 0.05, "correction": "holm",
    "category_share": True,
}  # fmt: skip
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
        threats=[EVASION, COLD_START], k=METRICS["k"], counted=counted,
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
        hits={name: random.integers(0, 3, (2, 1, 3)) for name in names},
        curves={name: random.random((2, 1, 5)) for name in names},
        items={name: pd.DataFrame(of_items) for name in names},
        measured=dict.fromkeys(names, pd.DataFrame(of_runs)),
    )


def test_cells_to_compare_with_get_no_rows():
    """D15: the baseline's clean cell may be of a defense that is not in the grid."""
    names, stored = cells()
    tables = aggregating.tables_of_cells(
        stored, {"men": known(doubts=["few users"])}, shown=names[:2], clean="none",
        metrics=METRICS, baseline={"defense": "AT", "recommender": "vbpr"},
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
    """The rule's outputs, the command's options and the library's tables have the same names."""
    names, stored = cells()
    tables = aggregating.tables_of_cells(
        stored, {"men": known()}, shown=names[:2], clean="none", metrics=METRICS,
        baseline={"defense": "AT", "recommender": "vbpr"},
    )  # fmt: skip
    rule = (grid.BASE / "rules" / "tables.smk").read_text(encoding="utf-8")
    (line,) = [x for x in rule.splitlines() if x.startswith("TABLES_OF_CELLS = ")]
    assert {"table1", *literal_eval(line.partition(" = ")[2])} == set(tables)
