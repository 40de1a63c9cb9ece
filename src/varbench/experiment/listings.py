"""The files that a catalogue is read from, as Snakemake is to know them."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from varbench.catalogues.image_files import below, is_file


def listing(folder: Path) -> str:
    """Return a digest of the names and sizes of the files in a folder and its sub-folders.

    It stands for thousands of images among a job's parameters: an added, removed or replaced one is
    noticed, ``touch`` is not. What is no readable file, such as a link that leads nowhere, is left
    out, and a folder that is not there is as an empty one.
    """
    digest = hashlib.sha256()
    for path in below(folder):
        if is_file(path):
            name = path.relative_to(folder).as_posix()
            digest.update(f"{name}\0{path.stat().st_size}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:12]


def source_files(source: Mapping[str, Any]) -> list[Path]:
    """Return the files that a catalogue is read from, so that a change of them is noticed."""
    if "path" not in source:
        return []
    path = Path(source["path"])
    if source["method"] == "folder":
        return [path / source[key] for key in ("items", "interactions")]
    if source["method"] == "amazon_authors" and "dataset" not in source:
        return [path / name for name in ("trainingset.tsv", "testset.tsv")]
    return [path]


def image_listing(source: Mapping[str, Any]) -> str:
    """Return a digest of the list of images that a catalogue's source folder holds, if any."""
    folders = {"folder": source.get("images", ""), "amazon_authors": "original/images"}
    if source["method"] not in folders:
        return ""
    return listing(Path(source["path"]) / folders[source["method"]])
