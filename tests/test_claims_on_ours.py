"""The paper's claims, decided on tables whose names are declared to stand for its own."""

import pandas as pd
import pytest

from paper import ON_THE_PAPERS_OWN_NUMBERS, SAME, WOMEN, paper
from varbench.errors import InputError
from varbench.reporting import published
from varbench.reporting.claims import claims
from varbench.reporting.standing import claims_on_ours

__all__ = ["paper"]


def renamed(paper):
    """The paper's numbers under names that mean something else there."""
    names = {
        "dataset": {WOMEN: "shop"},
        "defense": {"T": "plain", "AT": "T", "FAT": "hardened"},
        "attack": {"fgsm_4": "pgd_8", "pgd_8": "fgsm_4", "fgsm_8": "a", "cw": "b"},
        "recommender": {"vbpr": "amr", "amr": "vbpr"},
    }
    names["attack"] |= {"none": "clean"}
    own = [table[table["dataset"] == WOMEN].replace(names) for table in paper]
    del names["attack"]["none"]  # what is no attack needs no declaration
    stands_for = {
        column: {ours: theirs for theirs, ours in of.items()} for column, of in names.items()
    }
    stands_for["attack"]["pgd_4"] = "pgd_4"
    return own, stands_for


def test_meaning_is_declared_and_not_read_from_names(paper):
    (table1, table2), stands_for = renamed(paper)
    decided = claims_on_ours(
        {"poisoning": table1}, table2, stands_for=stands_for, k=20, clean="clean"
    )
    expected = claims(*(table[table["dataset"] == WOMEN] for table in paper))
    assert decided["holds"].tolist() == expected["holds"].tolist()
    assert "shop +230.4%" in decided.set_index("claim")["evidence"]["1b"]
    compared = published.compare((table1, table2), paper, stands_for=stands_for, clean="clean")
    assert len(compared) == 36 + 3 * 15
    assert (compared["ours"] == compared["published"]).all()
    assert set(compared["attack"]) == {"clean", "pgd_8", "fgsm_4", "a", "b", "pgd_4"}
    changes = compared[["change_ours", "change_published"]].dropna()
    assert len(changes) == 30
    assert (changes["change_ours"] == changes["change_published"]).all()


def test_what_stands_for_nothing_decides_nothing(paper):
    (table1, table2), stands_for = renamed(paper)
    del stands_for["attack"]["b"]
    decided = claims_on_ours(
        {"poisoning": table1}, table2, stands_for=stands_for, k=20, clean="clean"
    )
    assert decided["holds"].isna().sum() >= 8
    assert "no value: CHR of vbpr, shop T cw" in decided["evidence"].tolist()


def test_claims_are_decided_on_each_threat(paper):
    table1, table2 = paper
    flat = table1.assign(chr_at_20=1.0)
    threats = {"poisoning": table1, "evasion": flat}
    decided = claims_on_ours(threats, table2, stands_for=SAME, k=20)
    holds = decided.set_index(["threat", "claim"])["holds"]
    assert holds["poisoning"].to_dict() == ON_THE_PAPERS_OWN_NUMBERS
    assert not holds["evasion", "2"]
    assert holds["evasion", "3"]


def test_two_that_stand_for_one_are_named(paper):
    table1, table2 = paper
    twice = pd.concat([table1, table1[table1["attack"] == "cw"].assign(attack="cw_strong")])
    stands_for = SAME | {"attack": {**SAME["attack"], "cw_strong": "cw"}}
    with pytest.raises(InputError, match="attacks: cw and cw_strong both stand for the paper's cw"):
        claims_on_ours({"poisoning": twice}, table2, stands_for=stands_for, k=20)
