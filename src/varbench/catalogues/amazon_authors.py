"""Amazon Women and Men as the paper's authors share them: a folder of numbered images and a split.

Layout of a data set's folder::

    original/images/ID.jpg               every item, ids from 0
    trainingset.tsv, testset.tsv         user, item[, rating, timestamp], no header, ids from 0
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from varbench.catalogues.archive import unpacked
from varbench.catalogues.image_files import is_image, not_read
from varbench.catalogues.raw import INTERACTION_COLUMNS, RawCatalogue
from varbench.errors import InputError

PARTS = ("trainingset.tsv", "testset.tsv")


def load(*, path: str, dataset: str | None = None) -> RawCatalogue:
    """Read a data set; its images are opened when they are needed.

    Without timestamps the order of the rows stands for time, training before test: a user's
    test interaction is then the last and is held out again.

    Parameters
    ----------
    path
        The data set's folder, or a zip or tar archive that holds it.
    dataset
        Name of the folder in the archive, unpacked or not, such as ``amazon_men``; None if ``path``
        is that folder.

    Raises
    ------
    InputError
        A file is missing or malformed, ids are not contiguous, or an image is of no item.
    """
    root = Path(path)
    if dataset is not None:
        root = _find(root if root.is_dir() else unpacked(root), dataset)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; set the catalogue's source.path")
    folder = root / "original" / "images"
    images = _images(folder)
    tables = [_read(root / part) for part in PARTS]
    if len({len(table.columns) for table in tables}) > 1:
        raise InputError(f"{root}: {' and '.join(PARTS)} do not have the same number of columns")
    rows = np.concatenate([table.index + 1 for table in tables])
    table = pd.concat(tables, ignore_index=True)
    for kind in ("user", "item"):
        present = np.unique(table[kind])
        if not np.array_equal(present, np.arange(len(present))):
            raise InputError(
                f"{root}: {kind} ids are not contiguous: {len(present)} of them, "
                f"from {present.min()} to {present.max()}"
            )
    items = table["item"].nunique()
    odd = next((number for number in sorted(images) if number >= items), None)
    if odd is not None:
        raise InputError(
            f"{images[odd]}: is of no item; those in {', '.join(PARTS)} are 0 to {items - 1}"
        )
    missing = _missing(folder, items, images)
    if "timestamp" not in table:
        table = table.assign(rating=1.0, timestamp=np.arange(len(table)))
    table = table.astype({"user": str, "item": str})
    table["test"] = np.arange(len(table)) >= len(tables[0])

    def where(kind: str, row: int) -> str:
        if kind == "item":
            return str(images.get(row, folder / f"{row}.jpg"))
        return f"{root / PARTS[int(row >= len(tables[0]))]} row {rows[row]}"

    return RawCatalogue(
        items=[str(number) for number in range(items)],
        read_image=lambda index: images[index].read_bytes(),
        interactions=table,
        where=where,
        missing=missing,
    )


def _find(folder: Path, dataset: str) -> Path:
    """Return the folder named ``dataset`` in an unpacked archive, at most one level down."""
    if Path(dataset).name != dataset:
        raise InputError(f"source.dataset: {dataset!r} is not the name of a folder")
    found = [
        path for path in (folder / dataset, *sorted(folder.glob(f"*/{dataset}"))) if path.is_dir()
    ]
    if not found:
        names = sorted(path.parent.parent.name for path in folder.glob("**/original/images"))
        raise InputError(
            f"{folder}: holds no data set {dataset!r}; found: {', '.join(names) or 'none'}"
        )
    return found[0]


def _images(folder: Path) -> dict[int, Path]:
    """Return the images by the items' numbers."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of images")
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        if not is_image(path) or path.name.startswith("."):
            continue
        if not (path.stem.isascii() and path.stem.isdigit()) or int(path.stem) in found:
            raise InputError(f"{path}: images are named by the item's number, each once")
        found[int(path.stem)] = path
    return found


def _missing(folder: Path, items: int, images: Mapping[int, Path]) -> dict[int, str]:
    """Return what is to be said of each item that has no image."""
    lacking = [number for number in range(items) if number not in images]
    others = {path.stem: path for path in folder.iterdir() if lacking and not is_image(path)}
    hints = {stem: f"; {not_read(path)}" for stem, path in others.items()}
    return {n: f"{folder}: item {n} has no image{hints.get(str(n), '')}" for n in lacking}


def _read(path: Path) -> pd.DataFrame:
    """Read rows of two or four numbers; the index is a row's place, empty rows are left out."""
    try:
        table = pd.read_csv(
            path, sep="\t", header=None, dtype=str, keep_default_na=False, skip_blank_lines=False
        )
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"{path}: {str(error).strip().splitlines()[0]}") from error
    table = table[(table != "").any(axis=1)]
    if len(table.columns) not in (2, 4):
        raise InputError(
            f"{path}: {len(table.columns)} columns; user and item are needed, "
            "or user, item, rating and timestamp"
        )
    table.columns = pd.Index(INTERACTION_COLUMNS[: len(table.columns)])
    for column in ("user", "item"):
        wrong = ~table[column].str.fullmatch("[0-9]+")
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise InputError(
                f"{path} row {table.index[row] + 1}: {column} {table[column].iloc[row]!r} "
                "is not a whole number"
            )
    numbers: pd.DataFrame = table.apply(pd.to_numeric, errors="coerce")
    return numbers
