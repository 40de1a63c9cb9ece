"""Configurations, tables and images at random: a result, or one line that names what is wrong.

The same examples in each run; HYPOTHESIS_PROFILE=long draws ten times as many, new ones each time.
"""

import bz2
import csv
import gzip
import io
import os
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from varbench.catalogues import amazon_authors, folder
from varbench.catalogues.interactions import check
from varbench.errors import InputError
from varbench.experiment import protocol
from varbench.experiment.configuration import SECTIONS, complete, in_order, read_classes
from varbench.image_archive import decode, encode, is_plain_rgb, resize

BASE = Path(__file__).parents[1]
SCHEMA = BASE / "resources" / "config.schema.yaml"
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


def examples(count: int) -> settings:
    """So many examples, or ten times as many if asked for."""
    return settings(
        max_examples=10 * count if LONG else count,
        derandomize=not LONG,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def result_of(function: Callable[[], Any], *named: str) -> Any:
    """Return what a function returns; None where it raises an InputError, as it should be."""
    try:
        return function()
    except InputError as error:
        message = str(error)
        assert message.isprintable(), "more than one line"
        assert all(name in message for name in named), message
        return None


# The configuration


def completed(config: dict[str, Any]) -> dict[str, Any]:
    """Do what the workflow does with a configuration before it makes a rule of it."""
    complete(config, SCHEMA)
    again = deepcopy(config)
    complete(again, SCHEMA)
    assert again == config, "defaults are filled in at once"
    protocol.apply(config)
    read_classes(config, BASE)
    assert all(in_order(config, axis) for axis in SECTIONS[1:])
    return config


def blocks(config: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the paths of all keys."""
    if not isinstance(config, dict):
        return []
    below = [inner for key, value in config.items() for inner in blocks(value, (*path, key))]
    return [*((*path, key) for key in config), *below]


VALID = yaml.safe_load((BASE / "config.yaml").read_text())
FULL = completed(deepcopy(VALID))
PATHS = blocks(FULL)
WORDS = sorted({key for path in PATHS for key in path} | {"corrected", "as_published", "pgd", "T"})
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-2, 300)
    | st.integers()
    | st.floats()
    | st.sampled_from(WORDS)
    | st.text(max_size=6)
)
keys = st.sampled_from(WORDS) | st.text(max_size=4) | st.integers(0, 9) | st.none()
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=5,
)
changes = st.tuples(st.sampled_from(PATHS), st.just(()) | st.tuples(keys), values)


@examples(150)
@given(st.lists(changes, min_size=1, max_size=2))
def test_any_change_of_a_configuration_is_completed_or_named(changed):
    config = deepcopy(VALID)
    for path, more, value in changed:
        *parents, last = (*path, *more)
        block = config
        for key in parents:
            if not isinstance(block.get(key), dict):
                block[key] = {}
            block = block[key]
        block[last] = deepcopy(value)
    done = result_of(lambda: completed(config))
    if done is not None:
        assert FULL.keys() == done.keys()


def at(config: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        config = config[key]
    return config


WHOLE = ("epochs", "steps", "seed", "k", "batch_size", "users", "core_users", "list_length")
NUMBERS = [path for path in PATHS if type(at(FULL, path)) in (int, float)]


@examples(150)
@given(
    st.sampled_from(NUMBERS),
    st.integers(-1, 300) | st.integers(0, 20).map(float) | st.floats(0, 1) | st.floats(),
)
def test_numbers_that_pass_are_finite_and_whole_where_they_must_be(path, value):
    config = deepcopy(FULL)
    at(config, path[:-1])[path[-1]] = value
    named = ".".join(path) if isinstance(value, float) and not np.isfinite(value) else ""
    done = result_of(lambda: completed(config), named)
    if done is not None:
        assert np.isfinite(at(done, path))
        assert type(value) is int or path[-1] not in WHOLE


# Tables

# No line breaks: an id that holds one is taken for a quote that is not closed. No surrogates: no
# UTF-8 file holds one.
ids = st.text(
    st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1, max_size=8
) | st.sampled_from(["nan", "NA", "null", "None", "001", "1", "1.0", "-", '"', "a\tb", "a,b", " "])
rows = st.lists(
    st.tuples(ids, st.integers(0, 2), st.integers(-5, 5), st.integers(0, 2**40)), min_size=1
)
NAMES = ["user", "item", "rating", "timestamp", "category"]
CELLS = ["a", "b", "1", "2", "-1", "nan", "1e999", ";", "\u0301", "\r\n"]
pieces = st.sampled_from([*NAMES, *CELLS, *'\t,\n\r"\0\ufeff\x85\x1b '])
texts = st.lists(pieces, max_size=40).map("".join)
HEADER = "user\titem\trating\ttimestamp\n"
OBJECTS = [
    '{"user": "a", "item": "a", "timestamp": 1}',
    '{"item": [1, "b"]}',
    "{",
    "[]",
    "null",
    "",
]
contents = (
    st.binary(max_size=60)
    | texts.map(str.encode)
    | texts.map(lambda text: (HEADER + text).encode())
    | st.lists(st.lists(pieces, min_size=4, max_size=4).map("\t".join)).map(
        lambda lines: (HEADER + "\n".join(lines)).encode()
    )
    | st.lists(st.sampled_from(OBJECTS)).map("\n".join).map(str.encode)
)
contents |= st.tuples(contents, st.sampled_from([gzip.compress, bz2.compress]), st.booleans()).map(
    lambda given: given[1](given[0])[: -3 if given[2] else None]
)


def a_shop(root: Path, names: tuple[str, ...] = ("a", "b", "1")) -> None:
    (root / "images").mkdir()
    for name in names:
        Image.new("RGB", (4, 4)).save(root / "images" / f"{name}.png")
    (root / "items.csv").write_text("item\n" + "\n".join(names) + "\n")
    (root / "interactions.tsv").write_text(HEADER + "a\ta\t1\t1\n")


@examples(100)
@given(rows, st.sampled_from("\t,"), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_what_a_writer_of_tables_writes_is_read(table, delimiter, end, mark):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end)
    writer.writerow(["user", "item", "rating", "timestamp"])
    writer.writerows((user, "ab1"[item], *others) for user, item, *others in table)
    with TemporaryDirectory() as place:
        a_shop(Path(place))
        encoding = "utf-8-sig" if mark else "utf-8"
        (Path(place) / "interactions.tsv").write_bytes(text.getvalue().encode(encoding))
        raw = folder.load(path=place)
        check(raw)
    read = [tuple(row) for row in raw.interactions.itertuples(index=False)]
    assert read == [(user, "ab1"[item], *others) for user, item, *others in table]


@examples(250)
@given(st.sampled_from(["items.csv", "interactions.tsv"]), contents)
def test_any_table_is_read_or_named(file, content):
    with TemporaryDirectory() as place:
        a_shop(Path(place))
        (Path(place) / file).write_bytes(content)
        raw = result_of(lambda: folder.load(path=place), f"{place}/{file}")
        if raw is None:
            return
        assert all(isinstance(item, str) for item in raw.items)
        if result_of(lambda: check(raw) or True, f"{place}/interactions.tsv row "):
            assert set(raw.interactions["item"]) <= set(raw.items)
            assert all(isinstance(user, str) and user for user in raw.interactions["user"])
            assert np.isfinite(raw.interactions["timestamp"].to_numpy(float)).all()


@examples(100)
@given(
    st.sampled_from(amazon_authors.PARTS),
    st.binary(max_size=40)
    | st.lists(st.sampled_from([*"001129\t\t\n\n", "\r\n", '"', "-", "9" * 30, "\ufeff", "x"]))
    .map("".join)
    .map(str.encode),
)
def test_any_table_of_the_authors_is_read_or_named(file, content):
    with TemporaryDirectory() as place:
        (Path(place) / "original" / "images").mkdir(parents=True)
        for number in range(2):
            Image.new("RGB", (4, 4)).save(Path(place) / f"original/images/{number}.jpg")
        for part in amazon_authors.PARTS:
            (Path(place) / part).write_text("0\t0\n1\t1\n0\t1\n")
        (Path(place) / file).write_bytes(content)
        raw = result_of(lambda: amazon_authors.load(path=place), place)
        if raw is not None:
            result_of(lambda: check(raw), f"{place}/")


# Images


def encoded(mode: str, form: str, **options: object) -> bytes:
    image = Image.fromarray(np.arange(300, dtype=np.uint8).reshape(10, 10, 3)).convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


_exif = Image.Exif()
_exif[0x0112] = 6
IMAGES = [
    encoded("RGB", "JPEG"),
    encoded("RGB", "JPEG", exif=_exif),
    encoded("CMYK", "JPEG"),
    encoded("RGB", "PNG"),
    encoded("P", "PNG"),
    encoded("RGBA", "PNG"),
    encoded("I;16", "PNG"),
    encoded("RGB", "WEBP"),
    encoded("P", "GIF"),
    encoded("1", "BMP"),
]


@st.composite
def damaged(draw: Any) -> bytes:
    data = bytearray(draw(st.sampled_from(IMAGES)))
    for _ in range(draw(st.integers(0, 4))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)) | st.just(len(data)))])


@examples(300)
@given(damaged() | st.binary(max_size=40))
@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, on damaged metadata
def test_any_image_is_pixels_or_named(data):
    pixels = result_of(lambda: decode(data), "not a readable image")
    if pixels is None:
        return
    assert pixels.dtype == np.uint8
    assert pixels.shape[2:] == (3,)
    plain = is_plain_rgb(data, None)
    stored = data if plain else encode(resize(pixels, None))
    assert np.array_equal(decode(stored), pixels)
