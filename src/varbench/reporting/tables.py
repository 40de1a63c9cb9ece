"""The rendered tables: which there are, what each is made from, and by which function.

A new table is a function of its CSV table and a `Style`, and a line in each of the two places here.
The functions are imported where they are called: whoever plans the outputs needs neither pandas nor
the templates.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from varbench.axes import POISONING

if TYPE_CHECKING:
    import pandas as pd

    from varbench.reporting.layout import Style
    from varbench.reporting.rendering import Table


# The CSV tables that are aggregated from all cells, table1 of each threat apart.
OF_CELLS = ("runs", "changes", "accuracy", "item_ranks", "promotion", "chr_by_k")


class Rendered(NamedTuple):
    """One rendered table.

    Attributes
    ----------
    source
        The name of the CSV table that it shows.
    threats
        "none": one table, of no threat. "files": each threat has a source of its own, named after
        it. "rows": the source has a column threat.
    """

    source: str
    threats: str


TABLES = {
    "table1": Rendered("table1", "files"),
    "table2": Rendered("table2", "none"),
    "accuracy": Rendered("accuracy", "rows"),
    "beyond_accuracy": Rendered("accuracy", "rows"),
    "promotion": Rendered("promotion", "rows"),
}


def _functions() -> "Mapping[str, Callable[[pd.DataFrame, Style], Table]]":
    # Imports that can be seen, unlike those by name, let a table's jobs follow its source.
    from varbench.reporting.accuracy_table import accuracy_table, beyond_accuracy_table
    from varbench.reporting.chr_table import chr_table
    from varbench.reporting.promotion_table import promotion_table
    from varbench.reporting.visual_table import visual_table

    return {
        "table1": chr_table,
        "table2": visual_table,
        "accuracy": accuracy_table,
        "beyond_accuracy": beyond_accuracy_table,
        "promotion": promotion_table,
    }


def suffixed(name: str, threat: str) -> str:
    """Return the name of a threat's table: poisoning is the paper's, and has the plain name."""
    return name if threat == POISONING else f"{name}_{threat}"


def rendered(threats: Sequence[str]) -> dict[str, str]:
    """Return the names of all rendered tables, and of each the CSV table that it is made from."""
    names = {}
    for name, table in TABLES.items():
        for threat in threats if table.threats != "none" else [POISONING]:
            own = table.threats == "files"
            names[suffixed(name, threat)] = suffixed(table.source, threat) if own else table.source
    return names


def render(
    threats: Sequence[str], read: "Callable[[str], pd.DataFrame]", style: "Style"
) -> "dict[str, Table]":
    """Lay out all tables.

    read : returns a CSV table by its name
    """
    functions, result = _functions(), {}
    for name, table in TABLES.items():
        if table.threats == "none":
            result[name] = functions[name](read(table.source), style)
            continue
        for threat in threats:
            own = table.threats == "files"
            rows = read(suffixed(table.source, threat) if own else table.source)
            if not own:
                rows = rows[rows["threat"].isna() | (rows["threat"] == threat)]
            result[suffixed(name, threat)] = functions[name](rows, replace(style, threat=threat))
    return result
