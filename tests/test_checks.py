"""What the embedded experiment must show: a check holds up to its margin, and can fail."""

from itertools import product

import pandas as pd
import pytest

from varbench.reporting.checks import TARGETED, every

DATASET = "mini"
DEFENSES = ("T", "AT", "FAT")
ATTACKS = (*TARGETED, "insa_8", "noise_8", "ceiling")
CELL = {"dataset": DATASET, "recommender": "vbpr"}


def cells(values, **others):
    """A table of CHR: by defense and attack, else a value that offends nothing."""
    rows = []
    for defense, attack in product(DEFENSES, ("none", *ATTACKS)):
        chr_at_20 = values.get((defense, attack), 0.5)
        interval = {"chr_at_20_low": chr_at_20 - 0.1, "chr_at_20_high": chr_at_20 + 0.1}
        row = {**CELL, "defense": defense, "attack": attack, "chr_at_20": chr_at_20}
        rows.append(row | interval | others)
    return pd.DataFrame(rows)


@pytest.fixture
def tables():
    """Tables that just hold what is asked of them."""
    accuracy = [
        {**CELL, "threat": "poisoning", "defense": d, "attack": "none", "auc": 0.71}
        for d in DEFENSES
    ]
    accuracy.append({**CELL, "recommender": "popularity", "defense": None, "auc": 0.7})
    extractors = [
        {"catalogue": "mini", "defense": d, "run": 0, "accuracy": 0.93, "robust_accuracy_4": 0.4}
        for d in DEFENSES
    ]
    rates = {"fgsm_4": 0.4, "fgsm_8": 0.4, "pgd_4": 0.45, "pgd_8": 0.9, "cw": 0.9}
    images = [
        {"dataset": DATASET, "defense": d, "attack": attack}
        | {"success_rate": rate / (1 if d == "T" else 2), "success_rate_float": rate / 0.9}
        for d in DEFENSES
        for attack, rate in rates.items()
    ]
    images = pd.DataFrame(images)
    images.loc[images["attack"] == "cw", "success_rate_float"] = images["success_rate"] / 0.9
    evasion = {("T", "pgd_8"): 1.5, ("T", "insa_8"): 1.6, ("AT", "pgd_8"): 1.0}
    evasion |= {("FAT", "pgd_8"): 1.0, ("AT", "insa_8"): 1.1, ("FAT", "insa_8"): 1.1}
    changes = [
        cells({}, threat=threat, verdict="not separable", change=0.02, margin=0.05)
        for threat in ("poisoning", "evasion")
    ]
    return {
        "extractors": pd.DataFrame(extractors),
        "table1": cells({("T", "insa_8"): 1.0}),
        "table1_evasion": cells(evasion),
        "table2": images,
        "changes": pd.concat(changes),
        "accuracy": pd.DataFrame(accuracy),
    }


def failed(tables):
    return [text for holds, text in every(tables) if not holds]


def test_what_just_holds_passes(tables):
    assert failed(tables) == []


# What is changed, where (defense, attack), to what, and a word of what then fails.
CHANGES = [
    ("extractors", "accuracy", ("T", None), 0.92, "T of run 0: 92.0%"),
    ("extractors", "robust_accuracy_4", ("FAT", None), 0.39, "robust accuracy at 4 is 39.0%"),
    ("table2", "success_rate", ("AT", "pgd_8"), 0.46, "succeeds on 46.0% under AT"),
    ("table2", "success_rate", ("T", "fgsm_8"), 0.39, "fgsm succeeds on 40.0% at 4, 39.0% at 8"),
    ("table2", "success_rate", ("T", "cw"), 0.89, "C&W 89.0% as stored"),
    ("accuracy", "auc", ("AT", "none"), 0.69, "AUC 0.690, references 0.700"),
    ("table1_evasion", "chr_at_20", ("T", "pgd_8"), 1.49, "from 0.50 to 1.49 (3 times)"),
    ("table1_evasion", "chr_at_20", ("AT", "pgd_8"), 1.01, "from 0.50 to 1.01 (2 times)"),
    ("table1_evasion", "chr_at_20", ("FAT", "insa_8"), 0.99, "to 0.99 by INSA 8"),
    ("table1", "chr_at_20", ("T", "insa_8"), 1.08, "VBPR at 1.08 trained again"),
    ("table1", "chr_at_20", ("T", "pgd_8"), 1.01, "VBPR at 1.01 trained again"),
    ("table1", "chr_at_20_low", ("AT", "cw"), 0.61, "at least 0.61, the ceiling at most 0.60"),
]


@pytest.mark.parametrize(("table", "column", "where", "value", "said"), CHANGES)
def test_what_is_just_beyond_fails(tables, table, column, where, value, said):
    changed = tables[table]
    defense, attack = where
    rows = changed["defense"] == defense
    if attack:
        rows &= changed["attack"] == attack
    changed.loc[rows, column] = value
    (text,) = failed(tables)
    assert said in text


def test_noise_may_raise_by_less_than_the_margin(tables):
    changes = tables["changes"]
    rows = (changes["attack"] == "noise_8") & (changes["defense"] == "T")
    changes.loc[rows, "verdict"] = "raised"
    assert failed(tables) == []
    changes.loc[rows, "change"] = 0.06
    assert [text.endswith("noise changes CHR by +0.060") for text in failed(tables)] == [True] * 2
