"""Labelled images that extractors are trained on, batch by batch, from wherever they are."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from varbench.errors import InputError
from varbench.extractors import processes
from varbench.images import to_unit
from varbench.seeds import derive

Pixels = NDArray[np.uint8]
Labels = NDArray[np.integer[Any]]
Batch = tuple[Tensor, Tensor]  # images (N, 3, H, W) in [0, 1], labels (N,)


class Data(Protocol):
    """Images to train on and others, held out, to validate on.

    Attributes
    ----------
    count, held_out
        How many of each.
    size
        (H, W) of the images to train on.
    """

    count: int
    held_out: int
    size: tuple[int, int]

    def training(self, epoch: int, batch_size: int, *, seed: int, skip: int = 0) -> Iterator[Batch]:
        """Yield this process's share of each batch of an epoch, shuffled and augmented.

        Nothing but seed and epoch decides what a batch holds; ``skip`` leaves out the first ones.
        """

    def validation(self, batch_size: int) -> Iterator[Batch]:
        """Yield this process's share of each batch held out, but empty ones.

        The order is always the same, and at random, so that the first ones are of all classes.
        """


class InMemory:
    """Images (N, H, W, 3) of one size, all in memory, flipped and shifted a little in training."""

    def __init__(
        self, images: Pixels, labels: Labels, validation: tuple[Pixels, Labels], classes: int
    ) -> None:
        """Take uint8 images, labels (N,) below ``classes``, and the same held out.

        Raises
        ------
        InputError
            There are none, or a label is out of range.
        """
        self._images, self._labels, self._validation = images, labels, validation
        self.count, self.held_out = len(images), len(validation[0])
        self.size = images.shape[1:3]
        for given in (labels, validation[1]):
            if len(given) == 0:
                raise InputError("training images: too few to hold some out for validation")
            if given.min() < 0 or given.max() >= classes:
                raise InputError(
                    f"training labels range from {given.min()} to {given.max()}, "
                    f"the extractor has classes 0 to {classes - 1}"
                )

    def training(self, epoch: int, batch_size: int, *, seed: int, skip: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch; see ``Data``."""
        generator = torch.Generator().manual_seed(derive("training", seed, epoch))
        for number, rows in enumerate(shuffled(self.count, batch_size, generator)):
            chosen = rows.numpy()
            images = augment(to_unit(self._images[chosen]), generator)
            if number >= skip:
                labels = torch.from_numpy(self._labels[chosen])
                yield processes.share(images), processes.share(labels)

    def validation(self, batch_size: int) -> Iterator[Batch]:
        """Yield the images held out; see ``Data``."""
        for start in range(0, self.held_out, batch_size):
            rows = processes.share(range(start, min(start + batch_size, self.held_out)))
            if len(rows):
                images, labels = self._validation
                yield to_unit(images[rows]), torch.from_numpy(labels[rows])


def shuffled(count: int, batch_size: int, generator: torch.Generator) -> tuple[Tensor, ...]:
    """Return the rows of each batch of an epoch, of which all processes have equal shares."""
    rows: Tensor = torch.randperm(count, generator=generator)[: processes.even(count)]
    if len(rows) < _images(count):
        rows = rows.repeat(2)  # augmented twice
    return torch.split(rows, batch_lengths(count, batch_size))


def batch_lengths(count: int, batch_size: int) -> list[int]:
    """Return how many images each batch of an epoch has, all processes together.

    A last batch that would leave each process a single image joins the one before it: batch norm
    has no variance where a network's last maps are of one position. So a batch may have that many
    images more than ``batch_size``.
    """
    images = _images(count)
    lengths = [min(batch_size, images - start) for start in range(0, images, batch_size)]
    if len(lengths) > 1 and lengths[-1] < min(2 * processes.count(), batch_size):
        last = lengths.pop()
        lengths[-1] += last
    return lengths


def _images(count: int) -> int:
    """Return how many images an epoch has: where each process has only one, that one twice."""
    even = processes.even(count)
    return 2 * even if even == processes.count() else even


def held_out(count: int, share: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of ``count`` images to train on, and those held out for validation.

    The second are a ``share`` of all, drawn at random by ``seed``, and at least one; the first are
    at least one too.

    Raises
    ------
    InputError
        There are fewer than two images.
    """
    if count < 2:
        raise InputError(f"{count} labelled images are too few: one is held out for validation")
    order = np.random.default_rng(derive("validation", seed)).permutation(count)
    first = min(count - 1, max(1, round(share * count)))
    return order[first:], order[:first]


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """Flip half of the images (N, 3, H, W) and shift all by up to a sixteenth of their side."""
    count, _, height, width = images.shape
    flip = torch.rand(count, generator=generator) < 0.5
    images = torch.where(flip.view(-1, 1, 1, 1), images.flip(3), images)
    margin = min(height, width) // 16
    padded = pad(images, (margin, margin, margin, margin), mode="replicate")
    down, right = torch.randint(0, 2 * margin + 1, (2, count, 1), generator=generator).tolist()
    return torch.stack(
        [
            image[:, row : row + height, column : column + width]
            for image, (row,), (column,) in zip(padded, down, right, strict=True)
        ]
    )
