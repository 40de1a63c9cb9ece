#!/usr/bin/env python3
"""Check the finished tables of the embedded experiment against what the experiment must show."""

from varbench.experiment import command

import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from varbench.storage import read_table

Check = tuple[bool, str]


def extractors(table: pd.DataFrame) -> Iterator[Check]:
    """The undefended network recognises the catalogue."""
    for row in table[table["defense"] == "T"].to_dict("records"):
        accuracy, catalogue = row["accuracy"], row["catalogue"]
        yield accuracy >= 0.97, f"T recognises {accuracy:.1%} of {catalogue} (97 %)"


def attacks(table: pd.DataFrame) -> Iterator[Check]:
    """PGD breaks T, the defenses halve it, a larger epsilon is never less successful."""
    rates = table.pivot_table(index=["dataset", "defense"], columns="attack", values="success_rate")
    for dataset in rates.index.unique("dataset"):
        undefended = rates.loc[(dataset, "T"), "pgd_8"]
        yield undefended >= 0.9, f"{dataset}: PGD 8 succeeds on {undefended:.1%} under T (90 %)"
        for defense in ("AT", "FAT"):
            rate = rates.loc[(dataset, defense), "pgd_8"]
            yield rate <= undefended / 2, f"{dataset}: PGD 8 succeeds on {rate:.1%} under {defense}"
    for name in ("fgsm", "pgd"):
        for key, row in rates.iterrows():
            small, large = row[f"{name}_4"], row[f"{name}_8"]
            yield large >= small, f"{key}: {name} succeeds on {small:.1%} at 4, {large:.1%} at 8"


def recommenders(table: pd.DataFrame) -> Iterator[Check]:
    """Recommenders beat popularity and chance on held-out items."""
    references = table[table["seed"].isna()].pivot_table(
        index="dataset", columns="recommender", values="auc"
    )
    for row in table[table["seed"].notna()].to_dict("records"):
        best = references.loc[row["dataset"]].max()
        cell = " ".join(row[axis] for axis in ("dataset", "defense", "attack", "recommender"))
        yield row["auc"] > best, f"{cell}: AUC {row['auc']:.3f}, references {best:.3f}"


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--tables", type=Path, required=True, help="folder of the tables")
    folder = options.parse_args().tables
    checks = [
        *extractors(read_table(folder / "extractors.csv")),
        *attacks(read_table(folder / "table2.csv")),
        *recommenders(read_table(folder / "accuracy.csv")),
    ]
    failed = [text for passed, text in checks if not passed]
    for passed, text in checks:
        print("ok    " if passed else "FAILED", text)
    print(f"{len(checks) - len(failed)} passed, {len(failed)} failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    command.run(main)
