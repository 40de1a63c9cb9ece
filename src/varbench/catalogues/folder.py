"""A catalogue from a folder: ``items.csv``, ``interactions.tsv`` and ``images/ITEM.jpg``."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from unicodedata import normalize

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from varbench.catalogues.raw import INTERACTION_COLUMNS, RawCatalogue
from varbench.errors import InputError

CHUNK = 1_000_000  # rows of a table that are held as strings at a time
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


def load(
    *,
    path: str,
    items: str = "items.csv",
    interactions: str = "interactions.tsv",
    images: str = "images",
) -> RawCatalogue:
    """Read a folder's tables and find its images; images are opened when they are needed.

    Parameters
    ----------
    path
        The folder.
    items
        Table with a column ``item`` (raw id), one row an item, and perhaps ``category``.
    interactions
        Table with columns ``user``, ``item``, ``rating``, ``timestamp`` (seconds).
    images
        Sub-folder with one image an item, named by the item's id.

    Raises
    ------
    InputError
        A file or column is missing or damaged, an item is named twice, or has no image or two.
    """
    root = Path(path)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; set the catalogue's source.path")
    listed = pd.concat(_read(root / items, ["item"]))
    paths = _find_images(root / images, listed["item"], root / items)
    table = _read_interactions(root / interactions)
    rows = table.index
    return RawCatalogue(
        items=listed["item"].tolist(),
        read_image=lambda index: paths[index].read_bytes(),
        interactions=table.reset_index(drop=True),
        labels=listed["category"].tolist() if "category" in listed else None,
        where=lambda kind, row: (
            f"{root / interactions} row {rows[row] + 2 if len(rows) else 1}"
            if kind == "interaction"
            else str(paths[row])
        ),
    )


def _read_interactions(path: Path) -> pd.DataFrame:
    """Read a table of interactions: categorical ids, and numbers, NaN where a cell is empty."""
    parts = [
        pd.DataFrame(
            {column: chunk[column].astype("category") for column in ("user", "item")}
            | {c: _numbers(chunk[c], path) for c in ("rating", "timestamp")}
        )
        for chunk in _read(path, list(INTERACTION_COLUMNS))
    ]
    numbers = pd.concat([part[["rating", "timestamp"]] for part in parts])
    return numbers.assign(
        **{column: union_categoricals([p[column] for p in parts]) for column in ("user", "item")}
    )[list(INTERACTION_COLUMNS)]


def _numbers(texts: pd.Series, path: Path) -> pd.Series:
    """Convert a column to numbers; a text that is none is an error, which shows it."""
    numbers = pd.to_numeric(texts, errors="coerce")
    wrong = numbers.isna() & texts.notna()
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        unit = " of seconds" if texts.name == "timestamp" else ""
        raise InputError(
            f"{path} row {texts.index[place] + 2}: a {texts.name} that is not a number{unit}: "
            f"{texts.iloc[place]!r}"
        )
    return numbers


def _read(path: Path, columns: list[str]) -> Iterator[pd.DataFrame]:
    """Read a delimited text file as strings, a chunk at a time.

    A byte order mark and CRLF are understood. Empty rows are left out; the index is a row's place
    in the file, the first below the header being 0.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            header = file.readline().rstrip("\r\n")
        delimiter = "\t" if "\t" in header else ","
        present = next(csv.reader([header], delimiter=delimiter), [])
        missing = [column for column in columns if column not in present]
        if missing:
            raise InputError(
                f"{path} row 1: lacks the column(s) {', '.join(missing)}; it is {header[:200]!r}, "
                "and columns are separated by tabs or commas"
            )
        twice = next((column for column in columns if present.count(column) > 1), None)
        if twice:
            raise InputError(f"{path} row 1: names the column {twice} twice; remove one")
        with pd.read_csv(
            path,
            sep=delimiter,
            dtype=str,
            index_col=False,  # else rows longer than the header are shifted by a column
            usecols=[column for column in present if column in {*columns, "category"}],
            encoding="utf-8-sig",
            na_values=[""],
            keep_default_na=False,
            skip_blank_lines=False,
            chunksize=CHUNK,
        ) as chunks:
            for chunk in chunks:
                for column in chunk.columns.intersection(["user", "item"]):
                    _check_ids(path, chunk[column])
                yield chunk[chunk.notna().any(axis=1)]
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: {error}; save it as UTF-8") from error
    except (csv.Error, pd.errors.ParserError) as error:
        raise InputError(f"{path}: {str(error).strip().splitlines()[0]}") from error


def _check_ids(path: Path, ids: "pd.Series[str]") -> None:
    """Refuse ids that hold a line: a quote that is not closed has swallowed it."""
    broken = [value for value in ids.dropna().unique() if "\n" in value or "\r" in value]
    if broken:
        row = int(ids.index[ids == broken[0]][0])
        raise InputError(
            f"{path} row {row + 2}: {ids.name} {broken[0][:80]!r} holds a line break; "
            "is a quote not closed?"
        )


def _find_images(folder: Path, ids: "pd.Series[str]", table: Path) -> list[Path]:
    """Return the image of every item, in order."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of images")
    # Looked up in a listing, so that an id such as ../x can never leave the folder.
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file():
            found[path.stem].append(path)
    seen: set[str] = set()
    for row, item in zip(ids.index.tolist(), ids, strict=True):
        where = f"{table} row {row + 2}"
        if item in seen or pd.isna(item):
            raise InputError(f"{where}: item {item!r} is empty or was named before")
        if item not in found:
            like = [stem for stem in found if _alike(stem) == _alike(item)]
            hint = f"; {like[0]!r} differs in case or in Unicode form" if like else ""
            raise InputError(f"{where}: item {item!r} has no image in {folder}{hint}")
        if len(found[item]) > 1:
            names = " and ".join(path.name for path in found[item])
            raise InputError(f"{where}: item {item!r} has several images, {names}; keep one")
        seen.add(item)
    return [found[item][0] for item in ids]


def _alike(name: str) -> str:
    """Return what names have in common that a file system or an eye may take for the same."""
    return normalize("NFC", normalize("NFC", name).casefold())
