"""Images in a folder and its sub-folders, found by the ids that they are named by."""

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from varbench.catalogues.likeness import DIFFERENCES, alike
from varbench.errors import InputError

if TYPE_CHECKING:  # the workflow lists folders too, and has no use for pandas
    import pandas as pd

# Folders that systems put beside images, with small ones of the same names.
LITTER = ("@eaDir", "__MACOSX")
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".avif")


def below(folder: Path) -> Iterator[Path]:
    """Yield what a folder and its sub-folders hold, in order, but for the sub-folders themselves.

    Links to folders are followed, each folder once. Hidden sub-folders (thumbnails, version
    control) and ``LITTER`` are left out. What is yielded may be no readable file, such as a link
    that leads nowhere.
    """
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not is_litter(name))
        for name in sorted(names):
            yield Path(place, name)


def is_litter(folder: str) -> bool:
    """Say whether a folder's name is a hidden one's, or one that systems put beside images."""
    return folder.startswith(".") or folder in LITTER


def is_image(path: Path) -> bool:
    """Say whether a path is a file (or a link to one) that is named as an image."""
    return path.suffix.lower() in IMAGE_SUFFIXES and is_file(path)


def is_file(path: Path) -> bool:
    """Say whether a path is a file or a link to one; False too where nobody may look."""
    try:
        return path.is_file()
    except OSError:
        return False


def find_images(
    folder: Path, ids: "pd.Series[str]", table: Path
) -> tuple[list[Path | None], dict[int, str]]:
    """Return the image of every item, and what is to be said of items that have none.

    Parameters
    ----------
    ids
        The items' ids; the index is the row in ``table``.

    Returns
    -------
    Paths in the order of ``ids``, None where there is none; and by place in ``ids`` a message that
    names the item and what was found in its stead.

    Raises
    ------
    InputError
        The folder is missing; an id is empty or named twice, or has several images.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of images")
    # Looked up in a listing, so that an id such as ../x can never leave the folder.
    found: dict[str, list[Path]] = defaultdict(list)
    others: dict[str, Path] = {}
    for path in below(folder):
        if is_image(path):
            found[path.stem].append(path)
        else:
            others[path.stem] = path
    known = {alike(stem): stem for stem in found}
    parents = {path.parent.name for paths in found.values() for path in paths}
    paths: list[Path | None] = []
    missing: dict[int, str] = {}
    seen: set[str] = set()
    for row, item in zip(ids.index.tolist(), ids, strict=True):
        where = f"{table} row {row}"
        if item in seen or not isinstance(item, str):
            raise InputError(f"{where}: item {item!r} is empty or was named before")
        seen.add(item)
        images = found.get(item, [])
        if len(images) > 1:
            names = " and ".join(str(path.relative_to(folder)) for path in images)
            raise InputError(f"{where}: item {item!r} has several images, {names}; keep one")
        if not images:
            hint = _hint(item, known, others, parents)
            missing[len(paths)] = f"{where}: item {item!r} has no image in {folder}{hint}"
        paths.append(images[0] if images else None)
    return paths, missing


def not_read(path: Path) -> str:
    """Say why a path, which is no image by ``is_image``, is not read as one."""
    if path.is_symlink() and not path.exists():
        return f"{path.name} is a link that leads nowhere"
    if not is_file(path):
        return f"{path.name} is no readable file"
    return f"{path.name} is there, but only {', '.join(IMAGE_SUFFIXES)} are read: convert it"


def _hint(item: str, known: dict[str, str], others: dict[str, Path], parents: set[str]) -> str:
    """Say what is there instead of an item's image."""
    if item in others:
        return f"; {not_read(others[item])}"
    like = known.get(alike(item))
    if like is not None:
        return f"; {like!r} differs in {DIFFERENCES}"
    if item in parents:
        return f"; there is a folder {item!r}: it is the image that is named by the item"
    stem, _, suffix = item.rpartition(".")
    if f".{suffix.lower()}" in IMAGE_SUFFIXES and alike(stem) in known:
        return "; ids come without the ending of the file's name"
    return ""
