"""Images in and out of archives: lossless, upright, RGB, and bounded."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from varbench import image_archive
from varbench.errors import InputError

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (12, 20, 3), dtype=np.uint8)


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def test_pixels_come_back_unchanged_and_the_file_is_reproducible(tmp_path):
    images = [(7, PIXELS), (3, PIXELS[::-1].copy()), (11, encoded(Image.fromarray(PIXELS)))]
    for name in ("a.zip", "b.zip"):
        image_archive.write_images(tmp_path / name, images)
    archive = image_archive.ImageArchive(tmp_path / "a.zip")
    assert archive.items == [7, 3, 11]
    assert all(
        np.array_equal(a, b)
        for a, b in zip(archive.read([3, 7, 11]), [PIXELS[::-1], PIXELS, PIXELS], strict=True)
    )
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_modes_become_rgb():
    grey = Image.fromarray(PIXELS).convert("L")
    expected = np.repeat(np.asarray(grey)[..., None], 3, axis=2)
    assert np.array_equal(image_archive.decode(encoded(grey)), expected)
    sixteen_bit = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    assert np.array_equal(image_archive.decode(encoded(sixteen_bit)), expected)
    palette = Image.fromarray(PIXELS).quantize(16)
    assert np.array_equal(
        image_archive.decode(encoded(palette)), np.asarray(palette.convert("RGB"))
    )
    red = Image.new("RGB", (16, 16), "red").convert("CMYK")
    assert (abs(image_archive.decode(encoded(red, "JPEG")) - np.array([255, 0, 0])) < 4).all()
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert (image_archive.decode(encoded(clear)) == 255).all()


def test_all_values_of_sixteen_bits_are_rounded():
    values = np.arange(2**16, dtype=np.uint16).reshape(256, 256)
    pixels = image_archive.decode(encoded(Image.fromarray(values)))
    assert np.array_equal(pixels[..., 0], (values.astype(int) + 128) // 257)


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_animation_gives_its_first_frame(form):
    frames = [Image.new("RGB", (8, 8), c) for c in ("red", "blue")]
    options = {"lossless": True} if form == "WEBP" else {}
    data = encoded(frames[0], form, save_all=True, append_images=frames[1:], **options)
    assert (image_archive.decode(data) == [255, 0, 0]).all()


@pytest.mark.parametrize("form", ["EPS", "PDF", "TIFF", "PPM", "ICO"])
def test_formats_that_no_shop_uses_are_not_even_tried(form):
    """Among those that Pillow knows are programs, which it gives to Ghostscript."""
    with pytest.raises(InputError, match="not a readable image"):
        image_archive.decode(encoded(Image.fromarray(PIXELS), form))


def test_exif_rotation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees
    data = encoded(Image.fromarray(PIXELS), exif=exif)
    assert np.array_equal(image_archive.decode(data), np.rot90(PIXELS, -1))
    assert not image_archive.is_plain_rgb(data, None)


def png_of_claimed_size(width: int, height: int) -> bytes:
    """A small PNG whose header says that it is of another size."""
    data = bytearray(encoded(Image.new("L", (4, 4))))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


def test_damage_and_bombs_are_refused(monkeypatch):
    data = encoded(Image.fromarray(PIXELS), "JPEG")
    for broken in (b"", b"no image", data[:100], encoded(Image.fromarray(PIXELS))[:-30]):
        with pytest.raises(InputError, match="not a readable image"):
            image_archive.decode(broken)
    for width, height in ((9000, 9000), (60000, 60000), (2**31 - 1, 1), (1, 2**31 - 1)):
        bomb = png_of_claimed_size(width, height)
        assert len(bomb) < 1000
        with pytest.raises(InputError, match=r"pixels are too many|not a readable image"):
            image_archive.decode(bomb)
    monkeypatch.setattr(image_archive, "MAX_PIXELS", 100)
    with pytest.raises(InputError, match="20 x 12 pixels are too many"):
        image_archive.decode(data)


def test_missing_and_truncated_archives_are_named(tmp_path):
    path = tmp_path / "a.zip"
    image_archive.write_images(path, [(0, PIXELS)])
    with pytest.raises(InputError, match=r"a\.zip: has no image of item 5"):
        image_archive.ImageArchive(path).read([5])
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"a\.zip: cannot be read"):
        image_archive.ImageArchive(path)
