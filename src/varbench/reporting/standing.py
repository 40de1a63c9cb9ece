"""Which of our cells stand for the paper's, and its claims decided on them.

Names alone mean nothing: a ``pgd_8`` of ours may be any attack. The configuration declares the
paper's name of each of our datasets, defenses, attacks and recommenders that stands for one.
"""

from collections.abc import Mapping

import pandas as pd

from varbench.errors import InputError
from varbench.reporting.claims import CLEAN, claims


def claims_on_ours(
    table1: Mapping[str, pd.DataFrame],
    table2: pd.DataFrame,
    *,
    stands_for: Mapping[str, Mapping[str, str]],
    k: int,
    clean: str = "none",
) -> pd.DataFrame:
    """Decide the paper's claims on those of our cells that stand for the paper's.

    table1 : of each threat that the claims are decided on. The paper's is poisoning.
    stands_for : for "dataset", "defense", "attack" and "recommender", the paper's name of each of
        ours; what is not in it decides nothing
    clean : our attack that is none, which stands for the paper's

    Returns threat and the columns of `claims`; the evidence has our datasets' names. Where several
    datasets stand for Women or for Men, the claims that name one are decided on the first.

    Raises InputError where several of ours stand for one defense, attack or recommender.
    """
    ours: dict[str, str] = {}
    for name, theirs in stands_for["dataset"].items():
        ours.setdefault(theirs, name)
    same = {
        **stands_for,
        "dataset": {name: name for name in stands_for["dataset"]},
        "attack": {**stands_for["attack"], clean: CLEAN},
    }
    decided = [
        claims(
            in_the_papers_names(table, same),
            in_the_papers_names(table2, same),
            women=ours.get("amazon_women", "amazon_women"),
            men=ours.get("amazon_men", "amazon_men"),
            k=k,
        ).assign(threat=threat)
        for threat, table in table1.items()
    ]
    columns = ["threat", "claim", "statement", "holds", "evidence"]
    return pd.concat(decided, ignore_index=True)[columns]


def in_the_papers_names(
    table: pd.DataFrame, stands_for: Mapping[str, Mapping[str, str]]
) -> pd.DataFrame:
    """Return the rows of a table of ours that stand for the paper's, under its names.

    Raises InputError where several of ours stand for one of the paper's.
    """
    for column, names in stands_for.items():
        if column not in table:
            continue
        table = table[table[column].isin(list(names))]
        taken: dict[str, str] = {}
        for name in table[column].unique():
            first = taken.setdefault(names[name], name)
            if first != name:
                raise InputError(
                    f"{column}s: {first} and {name} both stand for the paper's {names[name]}; "
                    "name one of them"
                )
        table = table.assign(**{column: table[column].map(dict(names))})
    return table
