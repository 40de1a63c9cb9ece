"""Images in ImageNet's layout, ``train/CLASS/*.JPEG`` and ``val/CLASS/*.JPEG``, read as needed.

Augmented as in the published recipes (He et al. 2016; Shafahi et al. 2019): a random crop of 8 to
100 % of the area, scaled to the side of the images, half of them flipped; in validation the
centre.
"""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.datasets.folder import IMG_EXTENSIONS, default_loader, make_dataset

from varbench.catalogues.image_files import IMAGE_SUFFIXES, is_file, is_litter
from varbench.errors import InputError
from varbench.extractors import processes
from varbench.extractors.data import Batch, Labels, Pixels, shuffled
from varbench.images import to_unit
from varbench.seeds import derive

SUFFIXES = {*IMG_EXTENSIONS, *IMAGE_SUFFIXES}
log = logging.getLogger(__name__)

MARGIN = 256 / 224  # of the validation images' shorter side, before the centre is cut out


class Folder:
    """The images of a folder; see ``extractors.data.Data``.

    Parameters
    ----------
    path
        The folder that holds ``train`` and ``val``, with the same sub-folders, one a class; the
        number of a class is its place in their sorted names.
    classes
        How many there must be.
    size
        Side of the images in pixels.
    workers
        Processes that read images, for each that trains; 0 reads in the training's own.

    Raises
    ------
    InputError
        A folder is missing or holds no image, or the classes are others; in training, names an
        image that cannot be read.
    """

    def __init__(self, path: Path, *, classes: int, size: int, workers: int = 0) -> None:
        self._train, self._val = (_Listing(path / half, classes) for half in ("train", "val"))
        if self._train.classes != self._val.classes:
            odd = sorted(set(self._train.classes) ^ set(self._val.classes))[0]
            raise InputError(f"{path}: the class {odd!r} is in one of train and val only")
        self.count, self.held_out = len(self._train.labels), len(self._val.labels)
        self.size = (size, size)
        self._workers = workers

    def training(self, epoch: int, batch_size: int, *, seed: int, skip: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch; see ``Data``."""
        crop = transforms.Compose(
            [transforms.RandomResizedCrop(self.size), transforms.RandomHorizontalFlip()]
        )
        order = torch.Generator().manual_seed(derive("training", seed, epoch))
        batches = shuffled(self.count, batch_size, order)[skip:]
        return self._read(_Images(self._train, crop, ("augmentation", seed, epoch)), batches)

    def validation(self, batch_size: int) -> Iterator[Batch]:
        """Yield the images held out; see ``Data``."""
        centre = transforms.Compose(
            [transforms.Resize(round(self.size[0] * MARGIN)), transforms.CenterCrop(self.size)]
        )
        order = torch.Generator().manual_seed(derive("validation order"))
        rows: Tensor = torch.randperm(self.held_out, generator=order)
        images = _Images(self._val, centre, ("validation",))
        return self._read(images, torch.split(rows, batch_size))

    def _read(self, images: "_Images", batches: tuple[Tensor, ...]) -> Iterator[Batch]:
        shares = [processes.share(rows).tolist() for rows in batches]
        loader = DataLoader(
            images,
            batch_size=None,  # a sample of the data set is a whole batch
            sampler=[rows for rows in shares if rows],
            num_workers=self._workers,
            generator=torch.Generator(),  # else it draws from the global stream, dropout's
        )
        for batch in loader:
            if isinstance(batch, str):
                raise InputError(batch)
            pixels, labels = batch
            yield to_unit(pixels.numpy()), labels


class _Listing:
    """The files of ``train`` or ``val`` and the classes that they are of."""

    def __init__(self, root: Path, classes: int) -> None:
        if not root.is_dir():
            raise InputError(f"{root}: no such folder; images belong in train/CLASS and val/CLASS")
        self.root = root
        self.classes = sorted(
            entry.name for entry in root.iterdir() if entry.is_dir() and not is_litter(entry.name)
        )
        if len(self.classes) != classes:
            raise InputError(
                f"{root}: has {len(self.classes)} sub-folders, one a class, and the extractor "
                f"{classes} classes (extractor.classes)"
            )
        try:
            samples = _samples(root, self.classes)
        except FileNotFoundError as error:  # a class without images
            raise InputError(f"{root}: {str(error).splitlines()[0]}") from error
        # Arrays, which the reading processes share; of a million strings each would get a copy.
        self.paths = np.array([str(Path(path).relative_to(root)) for path, _ in samples])
        self.labels: Labels = np.array([label for _, label in samples])


def _samples(root: Path, classes: list[str]) -> list[tuple[str, int]]:
    """Return the images of some sub-folders and their classes' numbers, in the names' order.

    What is hidden, or no file (any more), is left out, which is logged.
    """
    left_out: list[str] = []

    def is_image(name: str) -> bool:
        path = Path(name)
        if path.name.startswith(".") or path.suffix.lower() not in SUFFIXES:
            return False
        if not is_file(path):
            left_out.append(str(path.relative_to(root)))
            return False
        return True

    numbers = {name: number for number, name in enumerate(classes)}
    found: list[tuple[str, int]] = make_dataset(str(root), numbers, is_valid_file=is_image)
    if left_out:
        log.warning(
            "%s: %d links that lead nowhere or are no files, such as %s, are left out",
            *(root, len(left_out), left_out[0]),
        )
    return found


class _Images(Dataset[tuple[Pixels, Labels] | str]):
    """Batches of images, read and transformed; an image that cannot be read becomes a message.

    (An exception would reach the training's process as a traceback of many lines.)
    """

    def __init__(
        self, listing: _Listing, transform: Callable[[Any], Any], stream: tuple[str | int, ...]
    ) -> None:
        self._listing, self._transform, self._stream = listing, transform, stream

    def __getitem__(self, rows: list[int]) -> tuple[Pixels, Labels] | str:
        images = []
        for row in rows:
            path = self._listing.root / self._listing.paths[row]
            try:
                image = default_loader(path)
            except Exception as error:
                reason = str(error).splitlines()[0] if str(error) else repr(error)
                return f"{path}: not a readable image ({reason})"
            with torch.random.fork_rng(devices=[]):  # transforms draw from the global stream
                torch.default_generator.manual_seed(derive(*self._stream, row))
                images.append(np.asarray(self._transform(image)))
        return np.stack(images), self._listing.labels[rows]
