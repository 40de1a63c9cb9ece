"""The rendered tables: which there are, what each is made from, and by which function.

A new table is a function of its CSV table and a `Style`, and one line here. Functions are named,
not imported, so that whoever plans the outputs needs neither pandas nor the templates.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

    from varbench.reporting.layout import Style
    from varbench.reporting.rendering import Table


class Rendered(NamedTuple):
    """One rendered table.

    Attributes
    ----------
    source
        The name of the CSV table that it shows.
    function
        ``module:function`` that lays it out, from that table and a `Style`.
    threats
        "none": one table, of no threat. "files": each threat has a source of its own, named after
        it. "rows": the source has a column threat.
    """

    source: str
    function: str
    threats: str


TABLES = {
    "table1": Rendered("table1", "varbench.reporting.chr_table:chr_table", "files"),
    "table2": Rendered("table2", "varbench.reporting.visual_table:visual_table", "none"),
    "accuracy": Rendered("accuracy", "varbench.reporting.accuracy_table:accuracy_table", "rows"),
    "beyond_accuracy": Rendered(
        "accuracy", "varbench.reporting.accuracy_table:beyond_accuracy_table", "rows"
    ),
    "promotion": Rendered(
        "promotion", "varbench.reporting.promotion_table:promotion_table", "rows"
    ),
}


def suffixed(name: str, threat: str) -> str:
    """Return the name of a threat's table: poisoning is the paper's, and has the plain name."""
    return name if threat == "poisoning" else f"{name}_{threat}"


def rendered(threats: Sequence[str]) -> dict[str, str]:
    """Return the names of all rendered tables, and of each the CSV table that it is made from."""
    names = {}
    for name, table in TABLES.items():
        for threat in threats if table.threats != "none" else ["poisoning"]:
            own = table.threats == "files"
            names[suffixed(name, threat)] = suffixed(table.source, threat) if own else table.source
    return names


def render(
    threats: Sequence[str], read: "Callable[[str], pd.DataFrame]", style: "Style"
) -> "dict[str, Table]":
    """Lay out all tables.

    read : returns a CSV table by its name
    """
    result = {}
    for name, table in TABLES.items():
        module, _, function = table.function.partition(":")
        lay_out = getattr(import_module(module), function)
        if table.threats == "none":
            result[name] = lay_out(read(table.source), style)
            continue
        for threat in threats:
            own = table.threats == "files"
            rows = read(suffixed(table.source, threat) if own else table.source)
            if not own:
                rows = rows[rows["threat"].isna() | (rows["threat"] == threat)]
            result[suffixed(name, threat)] = lay_out(rows, replace(style, threat=threat))
    return result
