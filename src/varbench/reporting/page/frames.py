"""Tables as a page holds them: columns and rows of JSON, and rows picked from several tables."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from varbench.axes import THREATS, WITHIN_THREAT
from varbench.errors import InputError
from varbench.reporting.page.options import AXES, Options
from varbench.reporting.tables import suffixed
from varbench.storage import read_table

Tables = Mapping[str, pd.DataFrame]
CELL = list(WITHIN_THREAT)
TABLE1 = {threat: suffixed("table1", threat) for threat in THREATS}
NEEDED = ("table1", "table2", "changes")


def read_tables(paths: Iterable[Path]) -> dict[str, pd.DataFrame]:
    """Return the tables by name; those that a page cannot be without are asked for.

    Raises InputError where one of them is missing or a file cannot be read.
    """
    tables = {path.stem: read_table(path) for path in paths}
    missing = [name for name in NEEDED if name not in tables]
    if missing:
        raise InputError(f"--tables: name {', '.join(f'{name}.csv' for name in missing)} too")
    return tables


def every_threat(tables: Tables, options: Options) -> pd.DataFrame:
    """Return table 1 of all threats, with the column ``threat``."""
    parts = [
        tables[TABLE1[threat]].assign(threat=threat)
        for threat in options.axes["threats"]
        if TABLE1.get(threat, "") in tables
    ]
    return pd.concat(parts, ignore_index=True)


def shown(table: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Keep the rows of the experiment's own names, in the configuration's order."""
    for axis in AXES:
        if axis in table:
            table = table[table[axis].isna() | table[axis].isin(options.axes[AXES[axis]])]
    places = positions(table, options)
    return (
        table.loc[places.sort_values(list(map(str, places)), kind="stable").index]
        if len(places)
        else table
    )


def without_controls(table: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Leave out the rows of what is no attack: noise, and the ceiling of borrowed features."""
    return table[~table["attack"].isin(options.controls)]


def positions(table: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Return the place of each row's names along their axes, a column an axis."""
    return pd.DataFrame(
        {
            axis: table[axis].map({name: i for i, name in enumerate(options.axes[AXES[axis]])})
            for axis in AXES
            if axis in table
        }
    )


def columns_and_rows(table: pd.DataFrame) -> dict[str, Any]:
    """Return {"columns": [...], "rows": [[...], ...]}, ready for JSON; empty is null."""
    return {
        "columns": list(table.columns),
        "rows": [[plain(value) for value in row] for row in table.itertuples(index=False)],
    }


def plain(value: Any) -> Any:
    """Return a table's value as JSON has it: nothing, a truth, a number or a text."""
    if value is None or value is pd.NA or (isinstance(value, float) and not np.isfinite(value)):
        return None
    return value.item() if isinstance(value, np.generic) else value


def columnwise(table: pd.DataFrame, digits: int = 6) -> dict[str, Any]:
    """Return a long table column by column: texts as an index into their list, numbers rounded.

    Thousands of images come to a tenth of the size that rows would have.
    """
    columns: dict[str, Any] = {}
    for name in table.columns:
        column = table[name]
        if pd.api.types.is_bool_dtype(column):
            columns[name] = {"values": [None if pd.isna(v) else int(v) for v in column]}
        elif pd.api.types.is_integer_dtype(column):
            columns[name] = {"values": column.tolist()}
        elif pd.api.types.is_float_dtype(column):
            rounded = [float(f"{v:.{digits}g}") if np.isfinite(v) else None for v in column]
            columns[name] = {"values": rounded}
        else:
            codes, texts = pd.factorize(column)
            columns[name] = {"values": codes.tolist(), "texts": [str(text) for text in texts]}
    return {"length": len(table), "columns": columns}


def strongest(changes: pd.DataFrame, options: Options, keys: Sequence[str]) -> pd.DataFrame:
    """Return, for each value of ``keys``, the row of the attack that raises CHR most."""
    known = without_controls(shown(changes, options), options).dropna(subset="change")
    best = known.groupby(list(keys), sort=False)["change"].idxmax()
    return known.loc[best]
