"""A small data set in Amazon's two published layouts, and the first job on it."""

import collections
import io
import pickle
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cells
from varbench.catalogues.interactions import check, deduplicate, leave_one_out, number

USERS, ITEMS = 5, 4
# (user, item) of the training and the test part; every user's test item is new.
TRAINING = [(u, (u + n) % ITEMS) for u in range(USERS) for n in (0, 1)]
TEST = [(u, (u + 2) % ITEMS) for u in range(USERS)]


def jpeg(number: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8 + number, 8), (10 * number, 0, 0)).save(buffer, "JPEG")
    return buffer.getvalue()


def held_out(raw) -> set[tuple[str, str]]:
    """The split that the first job makes of a catalogue."""
    check(raw)
    table, users, items = number(deduplicate(raw.interactions), raw.items)
    last = table[leave_one_out(table, 0)]
    return {(users[u], items[i]) for u, i in zip(last["user"], last["item"], strict=True)}


@pytest.fixture
def authors(tmp_path):
    root = tmp_path / "data" / "amazon_men"
    (root / "original" / "images").mkdir(parents=True)
    for n in range(ITEMS):
        (root / "original" / "images" / f"{n}.jpg").write_bytes(jpeg(n))
    for name, rows in (("trainingset", TRAINING), ("testset", TEST)):
        (root / f"{name}.tsv").write_text("".join(f"{u}\t{i}\n" for u, i in rows))
    return root


def parts(factory=dict):
    """The six objects of a file, with strings as Python 2 has them."""
    train, validation, test = (collections.defaultdict(list) for _ in range(3))
    for u, i in TRAINING:
        train[u].append({b"productid": i, b"reviewerID": b"A%d" % u})
    for u, i in TEST:
        (test if u else validation)[u].append({b"productid": i})
    images = {
        n: factory({b"imgs": jpeg(n), b"asin": b"B%d" % n, b"c": np.eye(ITEMS)[n]})
        for n in range(ITEMS)
    }
    return [train, validation, test, images, np.int64(USERS), ITEMS]


def listed(content) -> np.ndarray:
    array = np.empty(len(content), object)
    array[:] = content
    return array


class _Python2Pickler(pickle._Pickler):
    """Writes bytes as Python 2 wrote its strings."""

    def save_string(self, text):
        self.write(pickle.BINSTRING + len(text).to_bytes(4, "little") + text)
        self.memoize(text)

    dispatch = pickle._Pickler.dispatch | {bytes: save_string}


def save(path, content, python2=False):
    if not python2:
        np.save(path, listed(content))
        return
    with path.open("wb") as file:
        header = {"descr": "|O", "fortran_order": False, "shape": (len(content),)}
        np.lib.format.write_array_header_1_0(file, header)
        buffer = io.BytesIO()
        _Python2Pickler(buffer, protocol=2, fix_imports=True).dump(listed(content))
        file.write(buffer.getvalue().replace(b"numpy._core", b"numpy.core"))


def prepare(folder: Path, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the first job; its files go into ``folder``."""
    given = {"name": "amazon", "image_size": 32, "seed": 0, **options}
    return cells.run(
        "prepare_catalogue",
        given,
        user_ids=folder / "users.parquet",
        item_ids=folder / "items.parquet",
        interactions=folder / "interactions.parquet",
        image_archive=folder / "images.zip",
        summary=folder / "summary.json",
    )
