"""What makes all numbers of a dataset doubtful, as tables say it: a footnote of its pictures."""

import pandas as pd

from varbench.reporting.page.frames import Tables, every_threat
from varbench.reporting.page.options import Options


def footnotes(tables: Tables, options: Options) -> dict[str, list[str]]:
    """Return for each dataset what table 1 notes of all clean cells, and table 2 of all attacks.

    Such as few users that are left, and few images that are attacked.
    """
    table1 = every_threat(tables, options)
    clean = table1[table1["attack"] == options.clean]
    found = {}
    for dataset in options.axes["datasets"]:
        common = [
            _shared(clean[clean["dataset"] == dataset], "note"),
            _shared(tables["table2"][tables["table2"]["dataset"] == dataset], "flags"),
        ]
        found[dataset] = [note for notes in common for note in notes]
    return found


def lines(tables: Tables, options: Options) -> list[str]:
    """Return the footnotes of all datasets, each behind its dataset's label."""
    names = options.names("dataset")
    found = footnotes(tables, options)
    return [f"{names[dataset]}: {note}" for dataset, notes in found.items() for note in notes]


def _shared(rows: pd.DataFrame, column: str) -> list[str]:
    """Return the notes that every row has, in the first one's order."""
    if column not in rows or rows.empty:
        return []
    notes = [[n for n in text.split("; ") if n] for text in rows[column].fillna("").astype(str)]
    return [note for note in notes[0] if all(note in others for others in notes)]
