"""The paper's own folder of a dataset: numbered images, a training and a test table."""

from pathlib import Path

import numpy as np
import pandas as pd

from varbench.catalogues.raw import INTERACTION_COLUMNS, RawCatalogue
from varbench.errors import InputError

TABLES = ("trainingset.tsv", "testset.tsv")
IMAGES = Path("original") / "images"


def load(*, path: str) -> RawCatalogue:
    """Read ``original/images/ID.jpg``, ``trainingset.tsv`` and ``testset.tsv``.

    The tables have no header and two columns, user and item, or four, with rating and timestamp.
    Without timestamps the order of the rows stands for time, training before test.

    Raises
    ------
    InputError
        A folder or file is missing, a table has another number of columns or an id that is no
        number, or the items are not numbered from 0 without gaps, each with its image.
    """
    root = Path(path)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; set the catalogue's source.path")
    parts = [_read(root / name) for name in TABLES]
    table = pd.concat(parts, ignore_index=True)
    if table["timestamp"].isna().all():
        table["timestamp"] = np.arange(len(table))
    count = _count_images(root / IMAGES)
    known = table["item"].isin({str(item) for item in range(count)})
    if not known.all():
        row = int(np.flatnonzero(~known)[0])
        raise InputError(
            f"{_where(root, len(parts[0]), row)}: item {table['item'][row]} has no image; "
            f"{root / IMAGES} holds {count}, numbered from 0"
        )
    return RawCatalogue(
        items=[str(item) for item in range(count)],
        read_image=lambda index: (root / IMAGES / f"{index}.jpg").read_bytes(),
        interactions=table,
        where=lambda kind, row: (
            _where(root, len(parts[0]), row)
            if kind == "interaction"
            else str(root / IMAGES / f"{row}.jpg")
        ),
    )


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, sep="\t", header=None, dtype=str, encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"{path}: {str(error).strip().splitlines()[0]}") from error
    width = table.shape[1]
    if width not in (2, 4):
        raise InputError(f"{path}: has {width} columns; 2 (user, item) or 4 are expected")
    table.columns = list(INTERACTION_COLUMNS[:width])
    for column in ("user", "item"):
        numbered = table[column].fillna("").str.fullmatch(r"\d+")
        if not numbered.all():
            row = int(np.flatnonzero(~numbered)[0])
            value = table[column][row]
            raise InputError(f"{path} row {row + 1}: {column} {value!r} is no number from 0")
    for column, default in (("rating", 1.0), ("timestamp", np.nan)):
        given = table[column] if column in table else pd.Series(default, index=table.index)
        table[column] = pd.to_numeric(given, errors="coerce")
    return table


def _count_images(folder: Path) -> int:
    """Count the images and check that their names are 0 to count - 1."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of images")
    numbers = {path.stem for path in folder.glob("*.jpg")}
    missing = [str(n) for n in range(len(numbers)) if str(n) not in numbers]
    if missing or not numbers:
        raise InputError(
            f"{folder}: {len(numbers)} images that are not numbered from 0 without gaps; "
            f"{'.jpg, '.join(missing[:3]) or 0}.jpg is missing"
        )
    return len(numbers)


def _where(root: Path, training_rows: int, row: int) -> str:
    if row < training_rows:
        return f"{root / TABLES[0]} row {row + 1}"
    return f"{root / TABLES[1]} row {row - training_rows + 1}"
