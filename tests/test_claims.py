from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from varbench.errors import InputError
from varbench.reporting import published
from varbench.reporting.claims import claims
from varbench.reporting.standing import claims_on_ours

FOLDER = Path(__file__).parents[1] / "resources" / "published"
# Worked out from the paper's tables with pencil and paper. What fails: C&W under T has a higher SR
# and a lower FL than others (4b), keeps more than half of its SR under AT on Men (5b), and PGD 4
# reaches 84.96 % on Women (6b).
ON_THE_PAPERS_OWN_NUMBERS = {
    "1a": True, "1b": True, "2": True, "3": True, "4a": True, "4b": False, "5a": True,
    "5b": False, "6a": True, "6b": False, "6c": True, "7a": True, "7b": True,
}  # fmt: skip


@pytest.fixture
def paper():
    return published.read(FOLDER)


def verdicts(table1, table2, **names):
    decided = claims(table1, table2, **names)
    return dict(zip(decided["claim"], decided["holds"], strict=True))


def test_published_tables_are_complete(paper):
    table1, table2 = paper
    datasets, defenses = ["amazon_women", "amazon_men"], ["T", "AT", "FAT"]
    attacks = ["none", "fgsm_4", "fgsm_8", "pgd_4", "pgd_8", "cw"]
    keys = ["dataset", "defense", "attack"]
    cells = set(product(datasets, defenses, attacks, ["vbpr", "amr"]))
    assert set(table1[[*keys, "recommender"]].itertuples(index=False, name=None)) == cells
    assert len(table1) == len(cells) == 72
    cells = set(product(datasets, defenses, attacks[1:]))
    assert set(table2[keys].itertuples(index=False, name=None)) == cells
    assert len(table2) == len(cells) == 30


@pytest.mark.parametrize(("dataset", "images"), [("amazon_women", 113), ("amazon_men", 191)])
def test_published_success_rates_are_counts_of_images(paper, dataset, images):
    rates = paper[1].loc[paper[1]["dataset"] == dataset, "success_rate"]
    possible = {f"{count / images:.2%}" for count in range(images + 1)}
    assert {f"{rate:.2%}" for rate in rates} <= possible


def test_published_values_are_in_plain_units(paper):
    table1, table2 = paper
    first = table1.set_index(["dataset", "defense", "attack", "recommender"])["chr_at_20"]
    assert first["amazon_men", "T", "pgd_8", "amr"] == 2.1264
    second = table2.set_index(["dataset", "defense", "attack"])
    row = second.loc["amazon_women", "AT", "cw"]
    assert row["success_rate"] == pytest.approx(0.0619)
    assert row["feature_loss"] == 0.000177
    assert row["lpips"] == pytest.approx(0.000731)


def test_an_unknown_name_is_reported_with_its_row(tmp_path):
    for file in FOLDER.iterdir():
        text = file.read_text()
        if "table1" in file.name:
            text = text.replace("Amazon Men,AT,VBPR,No-Attack", "Amazon Men,ATT,VBPR,No-Attack")
        (tmp_path / file.name).write_text(text)
    with pytest.raises(InputError, match=r"table1_chr_at_20.csv: row 5: defense 'ATT'"):
        published.read(tmp_path)


def test_verdicts_on_the_papers_own_numbers(paper):
    assert verdicts(*paper) == ON_THE_PAPERS_OWN_NUMBERS


def test_evidence_repeats_the_papers_figures(paper):
    decided = claims(*paper).set_index("claim")["evidence"]
    assert "+230.4%" in decided["1b"]
    assert "pgd_8 +69.35%" in decided["2"]  # both stand in the paper's text
    assert "cw +71.09%" in decided["2"]
    assert "15 of 20" in decided["3"]
    assert "48.17% of 89.01%" in decided["5b"]
    assert "+33.7%" in decided["7b"]


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_verdicts_do_not_depend_on_order_runs_or_other_rows(seed):
    table1, table2 = published.read(FOLDER)
    # Two runs whose mean is the published value, an attack and a defense of one's own.
    spread = 0.01 * np.random.default_rng(seed).random(len(table1))
    runs = [
        table1.assign(run=number, seed=0, chr_at_20=table1["chr_at_20"] + sign * spread)
        for number, sign in ((1, 1), (2, -1))
    ]
    own = [
        table1.assign(run=1, seed=0, attack="own", chr_at_20=9.0),
        table1.assign(run=1, seed=0, defense="own", chr_at_20=9.0),
    ]
    table1 = pd.concat([*runs, *(t.drop_duplicates(published.CELL) for t in own)])
    own2 = table2.drop_duplicates(["dataset", "defense"]).assign(attack="own", lpips=9.0)
    table2 = pd.concat([table2, own2])
    shuffled = (table.sample(frac=1, random_state=seed) for table in (table1, table2))
    assert verdicts(*shuffled) == ON_THE_PAPERS_OWN_NUMBERS


def change(table, column, value, **cell):
    rows = np.logical_and.reduce([table[name] == key for name, key in cell.items()])
    assert rows.sum() == 1
    table.loc[rows, column] = value


WOMEN, MEN = "amazon_women", "amazon_men"
SAME = {
    column: {name: name for name in names.values()} for column, names in published.NAMES.items()
}
# One cell changed so that just this claim turns: (claim, table, column, value, cell, others).
TURNS = [
    ("1a", 0, "chr_at_20", 3.0, (MEN, "T", "cw", "vbpr"), set()),
    ("1a", 0, "chr_at_20", 1.0, (MEN, "T", "pgd_8", "vbpr"), set()),
    ("1a", 0, "chr_at_20", 0.44, (WOMEN, "T", "pgd_8", "vbpr"), {"1b"}),  # FGSM 4 lowers it more
    ("1b", 0, "chr_at_20", 1.44, (WOMEN, "T", "pgd_8", "vbpr"), set()),
    ("2", 0, "chr_at_20", 0.5108, (WOMEN, "AT", "cw", "vbpr"), set()),
    ("3", 0, "chr_at_20", 0.9, (WOMEN, "AT", "cw", "amr"), set()),
    ("5a", 1, "success_rate", 0.9, (MEN, "AT", "cw"), {"4a"}),
    ("6a", 1, "lpips", 0.001, (MEN, "T", "cw"), set()),
    ("6c", 1, "lpips", 0.03, (MEN, "T", "fgsm_8"), {"7a", "7b"}),
    ("7a", 1, "lpips", 0.017, (MEN, "AT", "fgsm_8"), {"7b"}),
    ("7b", 1, "lpips", 0.0227, (MEN, "AT", "fgsm_8"), set()),
    ("7b", 1, "lpips", 0.0232, (MEN, "AT", "fgsm_8"), set()),
]


@pytest.mark.parametrize(("claim", "table", "column", "value", "cell", "others"), TURNS)
def test_one_cell_turns_a_claim(paper, claim, table, column, value, cell, others):
    change(paper[table], column, value, **dict(zip(published.CELL, cell, strict=False)))
    turned = {c for c, holds in verdicts(*paper).items() if holds != ON_THE_PAPERS_OWN_NUMBERS[c]}
    assert claim in turned
    assert turned <= {claim, *others}


def test_the_claims_that_fail_would_hold_on_other_numbers(paper):
    _, table2 = paper
    change(table2, "feature_loss", 0.036, dataset=WOMEN, defense="T", attack="cw")
    change(table2, "feature_loss", 0.0365, dataset=MEN, defense="T", attack="cw")
    change(table2, "success_rate", 0.44, dataset=MEN, defense="AT", attack="cw")
    # Above 95 %, and still in the order of the feature losses.
    change(table2, "success_rate", 0.95, dataset=WOMEN, defense="T", attack="pgd_4")
    change(table2, "success_rate", 0.96, dataset=WOMEN, defense="T", attack="cw")
    assert all(verdicts(*paper).values())
    change(table2, "success_rate", 0.949, dataset=WOMEN, defense="T", attack="pgd_4")
    assert {c for c, holds in verdicts(*paper).items() if not holds} == {"6b"}


def test_loss_that_falls_with_success_is_no_support(paper):
    table1, table2 = paper
    decided = verdicts(table1, table2.assign(feature_loss=1 / table2["feature_loss"]))
    assert not decided["4a"]
    assert not decided["4b"]


@pytest.mark.parametrize("drop", [True, False])
def test_a_missing_cell_leaves_its_claims_open(paper, drop):
    table1, table2 = paper
    gone = (table1["attack"] == "cw") & (table1["defense"] == "FAT") & (table1["dataset"] == MEN)
    gone &= table1["recommender"] == "amr"
    if drop:
        table1 = table1[~gone]
    else:
        table1.loc[gone, "chr_at_20"] = np.nan
    decided = claims(table1, table2)
    assert decided["claim"][decided["holds"].isna()].tolist() == ["3"]
    evidence = decided.set_index("claim")["evidence"]["3"]
    assert evidence == "no value: CHR of amr, amazon_men FAT cw"


def test_a_stand_in_decides_no_claim_about_lpips(paper):
    table1, table2 = paper
    decided = verdicts(table1, table2.assign(lpips=np.nan, perceptual_stand_in=table2["lpips"]))
    assert {c for c, holds in decided.items() if pd.isna(holds)} == {"6a", "6c", "7a", "7b"}


def test_one_dataset_decides_what_names_no_other(paper):
    table1, table2 = (table[table["dataset"] == WOMEN] for table in paper)
    decided = verdicts(table1, table2)
    assert {c for c, holds in decided.items() if pd.isna(holds)} == {"7a", "7b"}
    assert decided["3"]
    renamed = (table.replace({WOMEN: "mini_women"}) for table in (table1, table2))
    assert verdicts(*renamed, women="mini_women")["1b"]


def test_no_success_and_no_clean_hits_are_not_a_crash(paper):
    table1, table2 = paper
    zero1, zero2 = table1.assign(chr_at_20=0.0), table2.assign(success_rate=0.0, feature_loss=0.0)
    decided = verdicts(zero1, zero2)
    assert not decided["1a"]
    assert not decided["2"]
    assert decided["3"]
    assert not decided["4a"]
    assert not decided["5a"]
    table1.loc[table1["attack"] == "none", "chr_at_20"] = 0.0
    assert verdicts(table1, table2)["2"]


def test_comparison_with_itself(paper):
    compared = published.compare(paper, paper, stands_for=SAME)
    assert len(compared) == 72 + 3 * 30
    assert (compared["ours"] == compared["published"]).all()
    summary = published.agreement(compared).set_index("measure")
    assert summary["cells"].to_dict() == {
        "chr": 72, "success_rate": 30, "feature_loss": 30, "lpips": 30,
    }  # fmt: skip
    assert summary["spearman"].tolist() == pytest.approx([1.0] * 4)
    assert summary.loc["chr", "same_sign"] == 1
    assert summary["same_sign"].drop("chr").isna().all()
    # Sixty cells are attacked.
    assert compared["same_sign"].notna().sum() == 60


def test_comparison_of_a_grid_of_our_own(paper):
    random = np.random.default_rng(0)
    table1, table2 = (table[table["dataset"] == WOMEN].copy() for table in paper)
    ours1 = table1.assign(dataset="mini", chr_at_5=random.random(len(table1)))
    ours2 = table2.assign(dataset="mini", lpips=np.nan, success_rate=0.5)
    ours1, ours2 = ours1[ours1["attack"] != "fgsm_4"], ours2[ours2["attack"] != "fgsm_4"]
    compared = published.compare(
        (ours1.drop(columns="chr_at_20"), ours2),
        paper,
        stands_for=SAME | {"dataset": {"mini": WOMEN}},
        k=5,
    )
    chr_ = compared[compared["measure"] == "chr"]
    assert len(chr_) == 30
    assert set(compared["dataset"]) == {"mini"}
    published_ = table1.set_index(published.CELL[1:])["chr_at_20"]
    mine = ours1.set_index(published.CELL[1:])["chr_at_5"]
    agreed = []
    for row in chr_.itertuples():
        cell, clean = (
            (row.defense, row.attack, row.recommender),
            (row.defense, "none", row.recommender),
        )
        assert row.ours == mine[cell]
        assert row.published == published_[cell]
        if row.attack == "none":
            assert pd.isna(row.same_sign)
        else:
            assert row.change_ours == pytest.approx(mine[cell] - mine[clean])
            # PGD 4 left the published figure as it was, which a change of ours does not match.
            signs = [np.sign(side[cell] - side[clean]) for side in (mine, published_)]
            agreed.append(signs[0] == signs[1])
            assert row.same_sign == agreed[-1]
    summary = published.agreement(compared).set_index("measure")
    assert summary.loc["chr", "same_sign"] == pytest.approx(np.mean(agreed))
    expected = spearmanr(chr_["ours"], chr_["published"]).statistic
    assert summary.loc["chr", "spearman"] == pytest.approx(expected)
    assert pd.isna(summary.loc["success_rate", "spearman"])  # ours is constant
    assert summary.loc["lpips", "cells"] == 0


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
