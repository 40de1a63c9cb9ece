"""Images found by id: formats, sub-folders, links that lead nowhere, what is there instead."""

import io
import os

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from varbench import image_archive
from varbench.catalogues.image_files import IMAGE_SUFFIXES, below, find_images
from varbench.errors import InputError
from varbench.experiment.listings import listing


@pytest.fixture
def images(tmp_path):
    (tmp_path / "images").mkdir()
    return tmp_path / "images"


def find(images, *ids: str):
    return find_images(images, pd.Series(ids, index=range(2, len(ids) + 2)), images / "items.csv")


@pytest.mark.parametrize("suffix", IMAGE_SUFFIXES)
@pytest.mark.parametrize("change", [str.lower, str.upper])
def test_endings_of_readable_formats_are_found(images, suffix, change):
    path = images / f"a{change(suffix)}"
    path.touch()
    assert find(images, "a") == ([path], {})


def test_images_are_found_in_sub_folders(images):
    for place, name in (("010", "0100000001"), ("011/x", "0110000001"), (".", "7")):
        (images / place).mkdir(parents=True, exist_ok=True)
        (images / place / f"{name}.jpg").touch()
    paths, missing = find(images, "7", "0110000001", "0100000001")
    assert [path.relative_to(images).as_posix() for path in paths] == [
        "7.jpg",
        "011/x/0110000001.jpg",
        "010/0100000001.jpg",
    ]
    assert not missing
    (images / "012").mkdir()
    (images / "012" / "0110000001.png").touch()
    with pytest.raises(
        InputError, match=r"row 2: .*several images, 011/x/0110000001\.jpg and 012/0110000001\.png"
    ):
        find(images, "0110000001")


def test_hidden_folders_are_left_out_and_links_to_folders_followed_once(images):
    (images / "real").mkdir()
    (images / "real" / "a.jpg").touch()
    for litter in (".thumbnails", "@eaDir", "__MACOSX"):
        (images / litter).mkdir()
        (images / litter / "a.jpg").touch()
    (images / "again").symlink_to(images / "real")
    (images / "loop").symlink_to(images)
    assert len([*below(images)]) == 1
    assert find(images, "a")[1] == {}


def test_what_cannot_be_read_does_not_matter_unless_an_item_needs_it(images):
    (images / "a.jpg").touch()
    (images / ".#a.jpg").symlink_to("editor@host.1234")  # an editor's lock
    (images / "dropped.jpg").symlink_to(".git/annex/objects/x")
    os.mkfifo(images / "pipe.jpg")
    (images / "folder.jpg").mkdir()
    assert find(images, "a")[1] == {}
    assert listing(images) != listing(images / "nowhere")
    messages = find(images, "a", "dropped", "pipe", "folder")[1]
    assert "row 3: item 'dropped' has no image" in messages[1]
    assert "dropped.jpg is a link that leads nowhere" in messages[1]
    assert "pipe.jpg is no readable file" in messages[2]
    assert 3 in messages


def test_listing_sees_sub_folders(images):
    (images / "010").mkdir()
    before = listing(images)
    (images / "010" / "a.jpg").touch()
    assert listing(images) != before


@pytest.mark.parametrize(
    ("file", "item", "message"),
    [
        ("a.tif", "a", r"has no image in .*; a\.tif is there, but only \.jpg, .* are read: conv"),
        ("a.HEIC", "a", r"a\.HEIC is there"),
        ("a", "a", "; a is there"),
        ("b.jpg", "B", "'b' differs in case"),
        ("0108775015.jpg", "108775015", "'0108775015' differs in .* leading zeros"),
        ("1000.jpg", "1000.0", "'1000' differs in .* a '.0' behind it"),
        ("1000.jpg", " 1000", "'1000' differs in .* blanks around it"),
        ("a/main.jpg", "a", "there is a folder 'a': it is the image that is named"),
        ("a.jpg", "a.jpg", "ids come without the ending"),
        ("a.jpg", "c", "images$"),
    ],
)
def test_what_is_there_instead_is_named(images, file, item, message):
    (images / file).parent.mkdir(exist_ok=True)
    (images / file).touch()
    paths, missing = find(images, item)
    assert paths == [None]
    assert pd.Series(missing[0]).str.contains(message).all(), missing[0]


# What is in them


PIXELS = np.random.default_rng(0).integers(0, 256, (12, 20, 3), np.uint8)


def encoded(form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, form, **options)
    return buffer.getvalue()


@pytest.mark.skipif("AVIF" not in image_archive.FORMATS, reason="Pillow without AVIF")
def test_avif_is_read_whatever_it_is_called():
    read = image_archive.decode(encoded("AVIF", quality=100, subsampling="4:4:4"))
    assert read.shape == PIXELS.shape
    assert abs(read.astype(int) - PIXELS).mean() < 3


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (encoded("TIFF"), "TIFF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"", "an empty file"),
        (b"<!DOCTYPE html><html>403", "a web page"),
        (b"<?xml version='1.0'?><svg>", "SVG"),
        (encoded("PDF"), "PDF"),
        (b"version https://git-lfs", "of no known format"),
    ],
)
def test_what_is_not_read_is_named_with_what_is(data, kind):
    with pytest.raises(InputError, match=rf"not a readable image \({kind}.*; JPEG, PNG, WEBP"):
        image_archive.decode(data)


def test_avif_is_named_where_pillow_cannot_read_it(monkeypatch):
    monkeypatch.setattr(image_archive, "FORMATS", ("JPEG", "PNG"))
    with pytest.raises(InputError, match=r"\(AVIF; JPEG, PNG are read\)"):
        image_archive.decode(b"\0\0\0\x1cftypavif\0\0\0\0avifmif1")
