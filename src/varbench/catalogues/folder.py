"""A catalogue from a folder: ``items.csv``, ``interactions.tsv`` and ``images/ITEM.jpg``."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from varbench.catalogues.image_files import find_images
from varbench.catalogues.raw import INTERACTION_COLUMNS, RawCatalogue
from varbench.catalogues.tables import read
from varbench.catalogues.times import Times
from varbench.errors import InputError


def load(
    *,
    path: str,
    items: str = "items.csv",
    interactions: str = "interactions.tsv",
    images: str = "images",
    columns: Mapping[str, str | None] | None = None,
) -> RawCatalogue:
    """Read a folder's tables and find its images; images are opened when they are needed.

    Parameters
    ----------
    path
        The folder.
    items
        Table with a column ``item`` (raw id), one row an item, and perhaps ``category``.
    interactions
        Table with columns ``user`` and ``item``, and perhaps ``rating`` and ``timestamp`` (seconds
        or ISO dates).
    images
        Sub-folder with one image an item, named by the item's id, perhaps in sub-folders of its
        own.
    columns
        The tables' own names of these columns; ``item`` and ``category`` are those of ``items``
        too. None: the column is not read.

    Raises
    ------
    InputError
        A file or column is missing or damaged, or an item is named twice or has two images.
    """
    root = Path(path)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; set the catalogue's source.path")
    names = dict(columns or {})
    listed = pd.concat(
        read(
            root / items,
            required=["item"],
            optional=["category"],
            names={column: names[column] for column in ("item", "category") if column in names},
            loose=["item"],  # of interactions; both tables may call it so
        )
    )
    if listed.empty:
        raise InputError(f"{root / items} row 1: lists no item")
    paths, missing = find_images(root / images, listed["item"], root / items)
    table = _read_interactions(root / interactions, names)
    rows = table.index

    def where(kind: str, row: int) -> str:
        if kind == "item":
            return str(paths[row] or f"{root / items} row {listed.index[row]}")
        return f"{root / interactions} row {rows[row] if len(rows) else 1}"

    def read_image(index: int) -> bytes:
        image = paths[index]
        if image is None:
            raise InputError(missing[index])
        return image.read_bytes()

    return RawCatalogue(
        items=listed["item"].tolist(),
        read_image=read_image,
        interactions=table.reset_index(drop=True),
        labels=listed["category"].tolist() if "category" in listed else None,
        where=where,
        missing=missing,
    )


def _read_interactions(path: Path, names: Mapping[str, str | None]) -> pd.DataFrame:
    """Read a table of interactions: categorical ids, and numbers, NaN where there is none.

    A rating that is no number is as good as none: only a catalogue with ``min_rating`` needs one.
    """
    times = Times(path)
    parts = [
        pd.DataFrame(
            {column: chunk[column].astype("category") for column in ("user", "item")}
            | {"rating": _numbers(chunk, "rating")}
            | {"timestamp": times.read(chunk["timestamp"]) if "timestamp" in chunk else np.nan}
        )
        for chunk in read(
            path, required=["user", "item"], optional=["rating", "timestamp"], names=names
        )
    ]
    numbers = pd.concat([part[["rating", "timestamp"]] for part in parts])
    return numbers.assign(
        **{column: union_categoricals([p[column] for p in parts]) for column in ("user", "item")}
    )[list(INTERACTION_COLUMNS)]


def _numbers(chunk: pd.DataFrame, column: str) -> "pd.Series[float] | float":
    """Return a column's numbers, NaN where it holds none or is not there."""
    if column not in chunk:
        return np.nan
    return pd.to_numeric(chunk[column], errors="coerce")
