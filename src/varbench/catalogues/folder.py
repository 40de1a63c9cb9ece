"""A catalogue from a folder: ``items.csv``, ``interactions.tsv`` and ``images/ITEM.jpg``."""

import csv
from pathlib import Path

import pandas as pd

from varbench.catalogues.raw import INTERACTION_COLUMNS, RawCatalogue
from varbench.errors import InputError

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
        A file or column is missing, an item is named twice or is no plain file name, or an item
        has no image.
    """
    root = Path(path)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; set the catalogue's source.path")
    listed = _read(root / items, ["item"])
    ids = listed["item"].fillna("").tolist()
    paths = _find_images(root / images, ids, root / items)
    table = _read(root / interactions, list(INTERACTION_COLUMNS))
    for column in ("rating", "timestamp"):
        table[column] = pd.to_numeric(table[column], errors="coerce")
    return RawCatalogue(
        items=ids,
        read_image=lambda index: paths[index].read_bytes(),
        interactions=table,
        labels=listed["category"].tolist() if "category" in listed else None,
        where=lambda kind, row: (
            f"{root / interactions} row {row + 2}" if kind == "interaction" else str(paths[row])
        ),
    )


def _read(path: Path, columns: list[str]) -> pd.DataFrame:
    """Read a delimited text file as strings; a byte order mark and CRLF are understood."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            header = file.readline()
        delimiter = "\t" if "\t" in header else ","
        present = next(csv.reader([header.strip()], delimiter=delimiter), [])
        missing = [column for column in columns if column not in present]
        if missing:
            raise InputError(f"{path} row 1: lacks the column(s) {', '.join(missing)}")
        return pd.read_csv(
            path,
            sep=delimiter,
            dtype=str,
            usecols=[column for column in present if column in {*columns, "category"}],
            encoding="utf-8-sig",
            na_values=[""],
            keep_default_na=False,
        )
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (UnicodeDecodeError, pd.errors.ParserError) as error:
        raise InputError(f"{path}: {str(error).strip().splitlines()[0]}") from error


def _find_images(folder: Path, ids: list[str], table: Path) -> list[Path]:
    """Return the image of every item, in order."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of images")
    # Looked up in a listing, so that an id such as ../x can never leave the folder.
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file():
            found.setdefault(path.stem, path)
    seen: set[str] = set()
    for row, item in enumerate(ids, start=2):
        if item in seen or not item:
            raise InputError(f"{table} row {row}: item {item!r} is empty or was named before")
        if item not in found:
            raise InputError(f"{table} row {row}: item {item!r} has no image in {folder}")
        seen.add(item)
    return [found[item] for item in ids]
