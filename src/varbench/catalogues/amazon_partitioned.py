"""Amazon Women and Men as McAuley's group shares them: one pickled ``.npy`` file with the images.

The file is a list of ``user_train``, ``user_validation``, ``user_test`` (lists of interactions by
user), ``Item`` (by number, each with its JPEG), ``usernum`` and ``itemnum`` (Kang et al.,
"Visually-aware fashion recommendation and design with generative image models", ICDM 2017).
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from varbench.catalogues.containers import read_containers
from varbench.catalogues.raw import RawCatalogue
from varbench.errors import InputError

PARTS = ("user_train", "user_validation", "user_test")


def load(*, path: str) -> RawCatalogue:
    """Read a file whole: it takes as much memory as it is long.

    The file's own split is not used. Unless all its interactions have a time (``unixReviewTime``),
    their order stands for it, training before validation before test; a user's test interaction
    is then the last and is held out again.

    Raises
    ------
    InputError
        The file is damaged, asks to run code, or has another layout; ids are not contiguous, or
        there are not as many images as items.
    """
    content = read_containers(Path(path))
    if len(content) != len(PARTS) + 3:
        raise InputError(f"{path}: holds {len(content)} objects; {', '.join(PARTS)}, Item, "
                         "usernum and itemnum are needed")  # fmt: skip
    *parts, items, users, count = content
    images = [_image(path, number, item) for number, item in _numbered(path, "Item", items)]
    if len(images) != count:
        raise InputError(f"{path}: {len(images)} images for {count} items (itemnum)")
    places: list[str] = []
    rows: list[tuple[int, str, Any]] = []
    for name, part in zip(PARTS, parts, strict=True):
        for user, interactions in _numbered(path, name, part, gaps=True):
            for position, interaction in _numbered(path, f"{name}[{user}]", interactions):
                places.append(f"{name}[{user}][{position}]")
                item = _get(path, places[-1], interaction, "productid")
                time = _get(path, places[-1], interaction, "unixReviewTime", None)
                rows.append((user, str(item), time))
    if not rows:
        raise InputError(f"{path}: holds no interactions")
    present = {user for user, *_ in rows}
    if (len(present), min(present), max(present)) != (users, 0, len(present) - 1):
        raise InputError(
            f"{path}: users should be numbered 0 to usernum - 1 without gaps; {len(present)} from "
            f"{min(present)} to {max(present)} have interactions, and usernum is {users!r}"
        )
    table = pd.DataFrame(rows, columns=["user", "item", "timestamp"]).astype({"user": str})
    if table["timestamp"].isna().any():
        table["timestamp"] = np.arange(len(table))
    table["timestamp"] = pd.to_numeric(table["timestamp"], errors="coerce")
    return RawCatalogue(
        items=[str(number) for number in range(len(images))],
        read_image=lambda index: images[index],
        interactions=table.assign(rating=1.0),
        where=lambda kind, row: f"{path} {f'Item[{row}]' if kind == 'item' else places[row]}",
    )


def _numbered(path: str, name: str, content: Any, gaps: bool = False) -> list[tuple[int, Any]]:
    """Return (number, content) in order; numbers run from 0, be they a dict's keys or a list's."""
    if isinstance(content, list):
        return list(enumerate(content))
    if not isinstance(content, dict) or not all(isinstance(number, int) for number in content):
        raise InputError(f"{path}: {name} is neither a list nor numbered")
    if not gaps and set(content) != set(range(len(content))):
        raise InputError(f"{path}: {name} is not numbered from 0 without gaps")
    return sorted(content.items())


def _image(path: str, number: int, item: Any) -> bytes:
    image = _get(path, f"Item[{number}]", item, "imgs")
    if not isinstance(image, bytes):
        raise InputError(f"{path}: Item[{number}] has no encoded image under imgs")
    return image


def _get(path: str, place: str, content: Any, key: str, *default: Any) -> Any:
    """Return ``content[key]``, or the default if one is given; Python 2 wrote keys as bytes."""
    if isinstance(content, dict):
        for name in (key.encode(), key):
            if name in content:
                return content[name]
        if default:
            return default[0]
    raise InputError(f"{path}: {place} has no {key}")
