"""What the embedded experiment must show, decided on its tables: each check with its margin."""

from collections.abc import Iterator, Mapping

import pandas as pd

from varbench.axes import EVASION, POISONING, WITHIN_THREAT

Check = tuple[bool, str]  # whether it holds, and the numbers
Tables = Mapping[str, pd.DataFrame]  # CSV tables by their names

CLEAN, UNDEFENDED, DEFENDED = "none", "T", ("AT", "FAT")
CELL = list(WITHIN_THREAT)
# Attacks that a class of the image network is the aim of: a ceiling of target items bounds these.
TARGETED = ("fgsm_4", "fgsm_8", "pgd_4", "pgd_8", "cw")


def every(tables: Tables, k: int = 20) -> list[Check]:
    """Decide all checks.

    tables : extractors, table1, table1_evasion, table2, changes, accuracy
    """
    return [
        *extractors(tables["extractors"]),
        *attacks(tables["table2"]),
        *recommenders(tables["accuracy"]),
        *pushes(tables["table1_evasion"], tables["changes"], k),
        *knowing(tables["table1"], tables["table1_evasion"], k),
        *noise(tables["changes"]),
        *ceiling(tables["table1"], k),
    ]


def extractors(table: pd.DataFrame) -> Iterator[Check]:
    """The undefended networks recognise the catalogue, the defended ones are robust."""
    for row in table.to_dict("records"):
        network = f"{row['defense']} of run {row['run']}"
        if row["defense"] == UNDEFENDED:
            accuracy = row["accuracy"]
            yield accuracy >= 0.93, f"{network}: {accuracy:.1%} of {row['catalogue']} (93 %)"
        else:
            robust = row["robust_accuracy_4"]
            yield robust >= 0.4, f"{network}: robust accuracy at 4 is {robust:.1%} (40 %)"


def attacks(table: pd.DataFrame) -> Iterator[Check]:
    """PGD breaks T, the defenses halve it; more epsilon succeeds no less; storing undoes little."""
    network = ["dataset", "defense"]
    rates = table.pivot_table(index=network, columns="attack", values="success_rate")
    for dataset in rates.index.unique("dataset"):
        undefended = rates.loc[(dataset, UNDEFENDED), "pgd_8"]
        yield undefended >= 0.9, f"{dataset}: PGD 8 succeeds on {undefended:.1%} under T (90 %)"
        for defense in DEFENDED:
            rate = rates.loc[(dataset, defense), "pgd_8"]
            yield rate <= undefended / 2, f"{dataset}: PGD 8 succeeds on {rate:.1%} under {defense}"
    for name in ("fgsm", "pgd"):
        for key, row in rates.iterrows():
            small, large = row[f"{name}_4"], row[f"{name}_8"]
            yield large >= small, f"{key}: {name} succeeds on {small:.1%} at 4, {large:.1%} at 8"
    for cell in table[table["attack"] == "cw"].to_dict("records"):
        stored, before = cell["success_rate"], cell["success_rate_float"]
        where = f"{cell['dataset']} {cell['defense']}"
        yield stored >= 0.9 * before, f"{where}: C&W {stored:.1%} as stored, {before:.1%} before"


def recommenders(table: pd.DataFrame) -> Iterator[Check]:
    """Clean recommenders beat popularity and chance on held-out items."""
    blind = table["defense"].isna()
    references = table[blind].groupby("dataset")["auc"].max()
    clean = table[~blind & (table["attack"] == CLEAN) & (table["threat"] == POISONING)]
    for row in clean.to_dict("records"):
        best = references[row["dataset"]]
        cell = " ".join(row[axis] for axis in ("dataset", "defense", "recommender"))
        yield row["auc"] > best, f"{cell}: AUC {row['auc']:.3f}, references {best:.3f}"


def pushes(table: pd.DataFrame, changes: pd.DataFrame, k: int) -> Iterator[Check]:
    """Ranking attacked images, T lets PGD 8 push VBPR's items; the defenses stop most of it."""
    ratios = table.set_index(CELL)[f"chr_at_{k}"]
    tested = changes[changes["threat"] == EVASION].set_index(CELL)
    for dataset in table["dataset"].unique():
        for defense in (UNDEFENDED, *DEFENDED):
            clean, after = (ratios[dataset, defense, a, "vbpr"] for a in (CLEAN, "pgd_8"))
            said = (
                f"{dataset} {defense}: evasion by PGD 8 takes VBPR from {clean:.2f} to {after:.2f}"
            )
            if defense == UNDEFENDED:
                yield after >= 3 * clean, f"{said} (3 times)"
            else:
                verdict = tested.loc[(dataset, defense, "pgd_8", "vbpr"), "verdict"]
                yield after <= 2 * clean, f"{said} (2 times), {verdict}"


def knowing(poisoning: pd.DataFrame, evasion: pd.DataFrame, k: int) -> Iterator[Check]:
    """INSA moves a trained VBPR further than PGD does; trained again, T's is pushed far less."""
    again, ranked = (table.set_index(CELL)[f"chr_at_{k}"] for table in (poisoning, evasion))
    for dataset in ranked.index.unique("dataset"):
        for defense in (UNDEFENDED, *DEFENDED):
            pgd, insa = (ranked[dataset, defense, a, "vbpr"] for a in ("pgd_8", "insa_8"))
            said = f"{dataset} {defense}: evasion takes VBPR to {insa:.2f} by INSA 8"
            yield insa > pgd, f"{said}, to {pgd:.2f} by PGD 8"
        for attack in ("pgd_8", "insa_8"):
            there, here = (t[dataset, UNDEFENDED, attack, "vbpr"] for t in (ranked, again))
            said = f"{dataset} {UNDEFENDED} {attack}: VBPR at {here:.2f} trained again"
            yield here <= 2 / 3 * there, f"{said}, {there:.2f} trained on clean images (2 thirds)"


def noise(changes: pd.DataFrame) -> Iterator[Check]:
    """Noise in the ball raises nothing by more than the margin of equivalence."""
    for row in changes[changes["attack"] == "noise_8"].to_dict("records"):
        where = " ".join(row[axis] for axis in ("threat", "dataset", "defense", "recommender"))
        held = row["verdict"] != "raised" or abs(row["change"]) < row["margin"]
        yield held, f"{where}: noise changes CHR by {row['change']:+.3f}"


def ceiling(table: pd.DataFrame, k: int) -> Iterator[Check]:
    """Trained again, no attack on a class exceeds target items' features beyond the interval."""
    cells = table.set_index(CELL)
    for names in cells.index:
        if names[2] in TARGETED:
            top = cells.loc[(names[0], names[1], "ceiling", names[3]), f"chr_at_{k}_high"]
            low = cells.loc[names, f"chr_at_{k}_low"]
            yield (
                low <= top,
                f"{' '.join(names)}: at least {low:.2f}, the ceiling at most {top:.2f}",
            )
