"""The labelled images that extractors are trained on, and those of them held out."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varbench.errors import InputError
from varbench.extractors.data import Data, InMemory, Labels, held_out
from varbench.extractors.image_folder import Folder
from varbench.image_archive import ImageArchive
from varbench.storage import read_table


def open_images(
    images: Path, labels: Path | None, options: dict[str, Any], *, workers: int
) -> Data:
    """Return what a network is trained on.

    Parameters
    ----------
    images
        A folder with train/CLASS and val/CLASS, or an archive.
    labels
        Table (item, class) of an archive.
    options
        ``network``, of which the number of ``classes`` counts; of a folder ``training_size``, the
        side of its crops; of an archive ``validation``, the share held out, and ``seed``.
    workers
        Processes that read a folder's images.

    Raises
    ------
    InputError
        As for ``Folder`` and ``InMemory``, and where an archive has no labels or one image.
    """
    classes = options["network"]["classes"]
    if images.is_dir():
        size = options["training_size"]
        return Folder(images, classes=classes, size=size, workers=workers)
    pixels, truth, training, validation = _labelled(images, labels, options)
    held = pixels[validation], truth[validation]
    return InMemory(pixels[training], truth[training], validation=held, classes=classes)


def held_out_images(
    images: Path, labels: Path, options: dict[str, Any]
) -> tuple[NDArray[np.uint8], Labels]:
    """Return the images (N, H, W, 3) of an archive that training kept out, and their classes.

    ``options`` has the ``validation`` and the ``seed`` that the training had; a ``validation`` of
    null takes all images, for networks that were trained on others.
    """
    pixels, truth, _, validation = _labelled(images, labels, options)
    return pixels[validation], truth[validation]


def _labelled(
    images: Path, labels: Path | None, options: dict[str, Any]
) -> tuple[NDArray[np.uint8], Labels, Labels, Labels]:
    """Read pixels and classes of an archive, and the rows to train on and held out."""
    if labels is None:
        raise InputError(f"{images}: the images of an archive need --labels")
    table = read_table(labels, ["item", "class"])
    pixels = np.stack(ImageArchive(images).read(table["item"].tolist()))
    truth: Labels = table["class"].to_numpy()
    if options.get("validation") is None:
        return pixels, truth, np.arange(0), np.arange(len(truth))
    try:
        training, validation = held_out(len(truth), options["validation"], options["seed"])
    except InputError as error:
        raise InputError(f"{labels}: {error}") from error
    return pixels, truth, training, validation
