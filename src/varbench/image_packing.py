"""The images of a catalogue as they are packed: decoded once, scaled, or as they came."""

import os
from collections.abc import Iterator

from varbench.catalogues.raw import RawCatalogue
from varbench.errors import InputError
from varbench.image_archive import decode, encode, is_plain_rgb, resize

SMALLEST = 32  # pixels of an image's side: networks halve it up to five times


def packed(
    catalogue: RawCatalogue, size: int | None, *, drop: bool
) -> Iterator[tuple[str, bytes | str]]:
    """Yield (raw id, encoded image) of every item in order.

    Parameters
    ----------
    size
        Side in pixels that images are scaled to; None keeps their size.
    drop
        Whether an item without an image that can be read is left out: text comes in the image's
        place then, which names the file and says why.

    Raises
    ------
    InputError
        Unless ``drop``: names the first item without an image, before any image is read; or the
        first that cannot be read.
    """
    if catalogue.missing and not drop:
        first, *others = (catalogue.missing[index] for index in sorted(catalogue.missing))
        more = f"; {len(others)} more have none" if others else ""
        raise InputError(f"{first}{more}; drop_unreadable leaves such items out")
    for index, item in enumerate(catalogue.items):
        if index in catalogue.missing:
            yield item, catalogue.missing[index]
            continue
        try:
            yield item, _packed(catalogue, index, size)
        except InputError as error:
            message = f"{catalogue.where('item', index)}: {error}"
            if not drop:
                raise InputError(f"{message}; drop_unreadable leaves such items out") from error
            yield item, message


def _packed(catalogue: RawCatalogue, index: int, size: int | None) -> bytes:
    try:
        image = catalogue.read_image(index)
    except OSError as error:
        if error.errno is None:
            raise
        raise InputError(os.strerror(error.errno)) from error
    pixels = decode(image) if isinstance(image, bytes) else image
    if size is None and min(pixels.shape[:2]) < SMALLEST:
        raise InputError(
            f"{pixels.shape[1]} x {pixels.shape[0]} pixels are too few for a network at their own "
            f"size; {SMALLEST} are needed, or a number as extractor.image_size"
        )
    if isinstance(image, bytes) and is_plain_rgb(image, size):
        return image  # as it came: nothing is encoded twice
    return encode(resize(pixels, size))
