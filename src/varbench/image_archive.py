"""Images of a catalogue in one zip file: entry ``000012.png`` is the image of item 12.

One file instead of thousands: it appears whole or not at all, its checksum says whether it
changed, and any program opens it. Entries are named by index, never by an id from outside.
"""

import io
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError, features

from varbench.errors import InputError
from varbench.storage import reading, replacing

# Refuses decompression bombs: decoding takes up to 16 bytes a pixel. A product photograph has a
# tenth of it.
MAX_PIXELS = 50_000_000
# What product photographs come in, whatever their files are called. Pillow knows fifty more, some
# of them programs (PostScript).
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP") + (
    ("AVIF",) if "avif" in features.modules and features.check("avif") else ()
)
_EPOCH = (1980, 1, 1, 0, 0, 0)  # a fixed time stamp: equal images make equal files


def decode(data: bytes) -> NDArray[np.uint8]:
    """Decode a JPEG, PNG, ... into RGB pixels (H, W, 3), upright.

    Raises
    ------
    InputError
        The data is no image of the ``FORMATS``, is cut short, or would unfold to over
        ``MAX_PIXELS`` pixels.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise InputError(f"{image.width} x {image.height} pixels are too many")
            return np.asarray(_rgb(ImageOps.exif_transpose(image)))
    except InputError:
        raise
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else repr(error)
        if isinstance(error, UnidentifiedImageError):
            reason = f"{_kind(data)}; {', '.join(FORMATS)} are read"
        raise InputError(f"not a readable image ({reason})") from error


def _kind(data: bytes) -> str:
    """Say what a file is that is none of the ``FORMATS``."""
    start = data[:512].lstrip()
    if not data:
        return "an empty file"
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        return "AVIF" if brand in (b"avif", b"avis") else "HEIC, or a video"
    if start.startswith(b"<"):
        return "SVG" if b"<svg" in start else "a web page or other text"
    starts = {b"II*\0": "TIFF", b"MM\0*": "TIFF", b"%PDF": "PDF", b"%!PS": "PostScript"}
    return starts.get(data[:4], "of no known format, or damaged")


def _rgb(image: Image.Image) -> Image.Image:
    """Convert any mode to RGB; transparency becomes white, as a shop's page shows it."""
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        wide = np.array(image, dtype=np.float32)
        wide /= 257
        grey = np.clip(wide, 0, 255, out=wide).round(out=wide).astype(np.uint8)
        return Image.fromarray(grey).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        canvas = Image.new("RGBA", rgba.size, "white")
        canvas.alpha_composite(rgba)
        return canvas.convert("RGB")
    return image.convert("RGB")


def is_plain_rgb(data: bytes, size: int | None) -> bool:
    """Say whether encoded ``data`` decodes to upright RGB of ``size`` as it stands."""
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        return (
            image.format in ("JPEG", "PNG")
            and image.mode == "RGB"
            and not image.has_transparency_data
            and image.getexif().get(0x0112, 1) == 1
            and (size is None or image.size == (size, size))
        )


def resize(pixels: NDArray[np.uint8], size: int | None) -> NDArray[np.uint8]:
    """Scale (H, W, 3) to (size, size, 3); ``None`` keeps the native size."""
    if size is None or pixels.shape[:2] == (size, size):
        return pixels
    scaled = Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(scaled)


def encode(pixels: NDArray[np.uint8]) -> bytes:
    """Encode (H, W, 3) pixels without loss."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def write_images(path: Path, images: Iterable[tuple[int, bytes | NDArray[np.uint8]]]) -> None:
    """Write ``(item, image)`` pairs; pixels are stored as PNG, encoded bytes as they are."""
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for item, image in images:
            data = image if isinstance(image, bytes) else encode(image)
            suffix = "png" if data.startswith(b"\x89PNG") else "jpg"
            archive.writestr(zipfile.ZipInfo(f"{item:06d}.{suffix}", _EPOCH), data)


class ImageArchive:
    """The images of a zip file by item index, in the file's order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with reading(path), zipfile.ZipFile(path) as archive:
            self._entries = {int(Path(name).stem): name for name in archive.namelist()}
        self.items: list[int] = list(self._entries)

    def read(self, items: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Return the pixels (H, W, 3) of ``items``; what is missing or damaged is an error."""
        images = []
        with reading(self.path), zipfile.ZipFile(self.path) as archive:
            for item in items:
                if item not in self._entries:
                    raise InputError(f"{self.path}: has no image of item {item}")
                with reading(self.path / self._entries[item]):
                    images.append(decode(archive.read(self._entries[item])))
        return images
