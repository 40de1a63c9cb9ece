"""What the page answers of attacks and defenses, and how its leaderboard orders them."""

import pandas as pd
import pytest

from made_pages import results
from varbench.reporting.page import answers
from varbench.reporting.page.leaderboard import leaderboard

__all__ = ["results"]


def one_cell(**changed):
    """Return changes of T and AT under one attack, T's raised."""
    cell = {
        "threat": "poisoning", "dataset": "mini_men", "recommender": "vbpr", "attack": "pgd_8",
        "change": 1.0, "change_low": 0.9, "change_high": 1.1, "verdict": "raised",
        "equivalent": False, "margin": 0.05, "test": "runs", "runs": 3,
    }  # fmt: skip
    return pd.DataFrame([{**cell, "defense": "T"}, {**cell, "defense": "AT", **changed}])


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({}, answers.FAILS),
        ({"change": 0.3, "change_low": 0.2, "change_high": 0.4}, answers.REDUCES),
        ({"change": 0.8, "change_low": 0.7, "change_high": 0.9}, answers.FAILS),
        ({"verdict": "not separable", "equivalent": False}, answers.UNCLEAR),
        ({"verdict": "not separable", "equivalent": True}, answers.STOPS),
        ({"verdict": "lowered", "change": -0.2}, answers.STOPS),
        ({"verdict": "not separable", "equivalent": None}, answers.UNCLEAR),
    ],
)
def test_what_is_said_of_a_defense_follows_the_tests(results, changed, verdict):
    _, options, tables = results
    (found,) = answers.answers({**tables, "changes": one_cell(**changed)}, options)
    assert found["pushes"] == "yes"
    assert [one["verdict"] for one in found["defenses"]] == [verdict]


@pytest.mark.parametrize(
    ("verdict", "equivalent", "pushes"),
    [
        ("raised", False, "yes"),
        ("lowered", False, "no"),
        ("not separable", True, "no"),
        ("not separable", False, "cannot tell"),
    ],
)
def test_whether_an_attack_pushes_follows_its_test(results, verdict, equivalent, pushes):
    _, options, tables = results
    cells = one_cell().assign(verdict=verdict, equivalent=equivalent)
    (found,) = answers.answers({**tables, "changes": cells}, options)
    assert found["pushes"] == pushes


@pytest.mark.parametrize(("defense", "said"), [("T", "pushes"), ("AT", "defenses")])
def test_where_lists_are_full_without_an_attack_nothing_is_stopped(results, defense, said):
    """An attack that has no room is neither harmless nor stopped."""
    _, options, tables = results
    changed = {"change": 0.0, "change_low": 0.0, "change_high": 0.0, "equivalent": True}
    cells = one_cell().assign(**changed, verdict="not separable")
    table1 = tables["table1"].copy()
    clean = (table1["attack"] == "none") & (table1["defense"] == defense)
    table1.loc[clean, "chr_at_20"] = 20.0
    (found,) = answers.answers({**tables, "changes": cells, "table1": table1}, options)
    verdicts = {"pushes": found["pushes"], "defenses": found["defenses"][0]["verdict"]}
    assert verdicts == {"pushes": "no", "defenses": answers.STOPS, said: "cannot tell"}


def test_leaderboard_orders_defenses_by_their_worst_attack(results):
    _, options, tables = results
    board = leaderboard(tables, options)
    changes = tables["changes"]
    groups = board.groupby(["dataset", "threat", "recommender"])
    assert len(groups) == 12
    for names, rows in groups:
        own = changes.set_index(["dataset", "threat", "recommender"]).loc[names]
        worst = own.groupby("defense")["change"].max().sort_values()
        assert rows["defense"].tolist() == worst.index.tolist()
        assert rows["change"].tolist() == worst.tolist()
    doubtful = board[board["defense"] == "FAT"]["doubts"]
    assert doubtful.str.contains("gradients vanish").all()
    assert (board[board["defense"] == "AT"]["doubts"] == "").all()
