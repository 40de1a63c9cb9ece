"""Tables of items and interactions as strings: delimited text or JSON lines, under other names.

Columns are called ``user``, ``item``, ``rating``, ``timestamp`` and ``category`` here. A file may
have names of its own, which the configuration gives; those of RecBole, MMRec and Amazon's reviews
are known.
"""

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import pandas as pd

from varbench.catalogues.compression import open_text
from varbench.errors import InputError

CHUNK = 1_000_000  # rows of a table that are held as strings at a time
LONGEST = 1000  # characters of a JSON value that may be an id, a time or a category
ALIASES = {
    "user": ("user_id", "userID", "reviewerID"),
    "item": ("item_id", "itemID", "asin"),
    "rating": ("overall",),
    "timestamp": ("unixReviewTime",),
}
RECBOLE_TYPES = ("token", "float", "token_seq", "float_seq")  # user_id:token, rating:float, ...

Choose = Callable[[list[str]], dict[str, str]]


def read(
    path: Path,
    *,
    required: Sequence[str],
    optional: Sequence[str] = (),
    names: Mapping[str, str | None] | None = None,
    loose: Sequence[str] = (),
) -> Iterator[pd.DataFrame]:
    """Read a table as strings, a chunk at a time.

    Tabs or commas separate columns, a byte order mark and CRLF are understood, JSON lines are told
    by their first character, compressions by content. Empty rows are left out.

    Parameters
    ----------
    required, optional
        The columns to read, by our names; optional ones are left out where the file has none.
    names
        The file's name of a column, where it is not ours; None: the column is not read.
    loose
        Columns that ``names`` may give a name that the file does not have: the usual ones will do.

    Yields
    ------
    Columns by our names, NaN where a cell is empty; the index is a row's number in the file, the
    header's being 1.

    Raises
    ------
    InputError
        Names the file and the row.
    """

    def choose(header: list[str]) -> dict[str, str]:
        return _choose(path, header, required, optional, names or {}, loose)

    try:
        with open_text(path) as file:
            start = file.read(1)
            is_json = start in ("{", "[")
        with open_text(path) as file:
            chunks = _json_lines(path, file, choose) if is_json else _delimited(path, file, choose)
            for chunk in chunks:
                for column in chunk.columns.intersection(["user", "item"]):
                    _check_ids(path, chunk[column])
                yield chunk[chunk.notna().any(axis=1)]
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: {error}; save it as UTF-8") from error
    except (csv.Error, pd.errors.ParserError) as error:
        raise InputError(f"{path}: {str(error).strip().splitlines()[0]}") from error


def _delimited(path: Path, file: TextIO, choose: Choose) -> Iterator[pd.DataFrame]:
    with open_text(path) as head:
        header = head.readline().rstrip("\r\n")
    delimiter = "\t" if "\t" in header else ","
    present = next(csv.reader([header], delimiter=delimiter), [])
    chosen = {present.index(name): column for column, name in choose(present).items()}
    with pd.read_csv(
        file,
        sep=delimiter,
        dtype=str,
        index_col=False,  # else rows longer than the header are shifted by a column
        usecols=sorted(chosen),
        na_values=[""],
        keep_default_na=False,
        skip_blank_lines=False,
        chunksize=CHUNK,
    ) as chunks:
        for chunk in chunks:
            chunk.columns = pd.Index([chosen[place] for place in sorted(chosen)])
            chunk.index += 2
            yield chunk


def _json_lines(path: Path, file: TextIO, choose: Choose) -> Iterator[pd.DataFrame]:
    """Read objects, one a line; a key may be missing in any of them."""
    chosen: dict[str, str] | None = None
    lines = enumerate(file, start=1)
    while part := [(row, _object(path, row, line)) for row, line in islice(lines, CHUNK)]:
        objects = {row: found for row, found in part if found is not None}
        if chosen is None:
            chosen = choose(list(dict.fromkeys(key for found in objects.values() for key in found)))
        yield pd.DataFrame(
            {
                column: [_text(path, row, key, found.get(key)) for row, found in objects.items()]
                for column, key in chosen.items()
            },
            index=pd.Index(objects, dtype="int64"),
            dtype=object,
        )


def _object(path: Path, row: int, line: str) -> dict[str, Any] | None:
    """Parse a line; None if it is empty. Long texts, such as reviews, are left out."""
    if not line.strip():
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} row {row}: not JSON ({error}); give one object a line") from error
    if not isinstance(found, dict):
        raise InputError(f"{path} row {row}: JSON, but no object; give one object a line")
    return {key: value for key, value in found.items() if len(str(value)) <= LONGEST}


def _text(path: Path, row: int, key: str, value: Any) -> str | None:
    """Return a value as a table of text would have it; an empty one is missing."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list) and value:  # such as categories, from wide to narrow
        return _text(path, row, key, value[-1])
    raise InputError(f"{path} row {row}: {key} is {str(value)[:80]}, neither text nor a number")


def _choose(
    path: Path,
    header: list[str],
    required: Sequence[str],
    optional: Sequence[str],
    names: Mapping[str, str | None],
    loose: Sequence[str],
) -> dict[str, str]:
    """Return the file's name of every column that is read."""
    plain = {_plain_name(name): name for name in reversed(header)}
    chosen: dict[str, str] = {}
    missing: list[str] = []
    for column in (*required, *optional):
        own = names.get(column, column)
        found = own if column in names and own in header else None
        if column not in names or column in loose:
            usual = [column, *ALIASES.get(column, ())]
            found = found or next((plain[name] for name in usual if name in plain), None)
        if found is not None:
            chosen[column] = found
        elif column in required or (own is not None and column in names):
            missing.append(own or column)
    if missing:
        present = ", ".join(map(repr, header))[:200]
        raise InputError(
            f"{path} row 1: lacks the column(s) {', '.join(missing)}; it has {present}, and "
            "columns are separated by tabs or commas; names of its own are given in the source, "
            f"such as columns: {{{required[0]}: NAME}}"
        )
    shared = next((n for n in chosen.values() if list(chosen.values()).count(n) > 1), None)
    if shared:
        both = " and ".join(column for column, name in chosen.items() if name == shared)
        raise InputError(f"{path} row 1: {shared} cannot be {both}; change columns of the source")
    twice = next((name for name in chosen.values() if header.count(name) > 1), None)
    if twice:
        raise InputError(f"{path} row 1: names the column {twice} twice; remove one")
    return chosen


def _plain_name(name: str) -> str:
    """Return a column's name without the type that RecBole writes behind it."""
    stem, colon, kind = name.rpartition(":")
    return stem if colon and kind in RECBOLE_TYPES else name


def _check_ids(path: Path, ids: "pd.Series[str]") -> None:
    """Refuse ids that hold a line: a quote that is not closed has swallowed it."""
    broken = [value for value in ids.dropna().unique() if "\n" in value or "\r" in value]
    if broken:
        row = int(ids.index[ids == broken[0]][0])
        raise InputError(
            f"{path} row {row}: {ids.name} {broken[0][:80]!r} holds a line break; "
            "is a quote not closed?"
        )
