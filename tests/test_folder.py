"""Catalogues from a folder, good and bad."""

import numpy as np
import pytest
from PIL import Image

from varbench.catalogues import folder
from varbench.errors import InputError
from varbench.image_archive import decode

ITEMS = "item,category\na,Hat\nb,Shoe\n"
LOG = "user\titem\trating\ttimestamp\nu\ta\t5\t10\nv\tb\t4\t20\n"


@pytest.fixture
def catalogue(tmp_path):
    (tmp_path / "images").mkdir()
    for name, colour in (("a.jpg", "red"), ("b.png", "blue")):
        Image.new("RGB", (8, 8), colour).save(tmp_path / "images" / name)
    (tmp_path / "items.csv").write_text(ITEMS)
    (tmp_path / "interactions.tsv").write_text(LOG)
    return tmp_path


def test_reads_items_images_and_interactions(catalogue):
    raw = folder.load(path=str(catalogue))
    assert raw.items == ["a", "b"]
    assert np.array_equal(decode(raw.read_image(1))[0, 0], [0, 0, 255])
    assert raw.interactions["timestamp"].tolist() == [10, 20]
    assert raw.where("interaction", 1).endswith("interactions.tsv row 3")


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + LOG,
        LOG.replace("\n", "\r\n"),
        LOG.replace("\t", ","),
        LOG.replace("timestamp\n", "timestamp\textra\n").replace("0\n", "0\tx\n"),
        LOG.replace("u\ta", '"u"\t"a"'),
    ],
    ids=["byte order mark", "crlf", "commas", "extra column", "quotes"],
)
def test_dialects_of_tables(catalogue, text):
    (catalogue / "interactions.tsv").write_bytes(text.encode())
    raw = folder.load(path=str(catalogue))
    assert raw.interactions[["user", "item"]].to_numpy().tolist() == [["u", "a"], ["v", "b"]]
    assert raw.interactions["timestamp"].tolist() == [10, 20]


def test_ids_that_look_like_numbers_or_missing_values_stay_strings(catalogue):
    (catalogue / "items.csv").write_text("item\n007\nNA\n")
    for name in ("007", "NA"):
        Image.new("RGB", (8, 8)).save(catalogue / "images" / f"{name}.png")
    (catalogue / "interactions.tsv").write_text("user\titem\trating\ttimestamp\nnan\tNA\t1\t2\n")
    raw = folder.load(path=str(catalogue))
    assert raw.items == ["007", "NA"]
    assert raw.interactions.loc[0, ["user", "item"]].tolist() == ["nan", "NA"]


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("items.csv", "name\na\n", r"items\.csv row 1: lacks the column\(s\) item"),
        ("items.csv", "item\na\na\n", r"items\.csv row 3: item 'a' is empty or was named before"),
        ("items.csv", "item\na\nghost\n", r"items\.csv row 3: item 'ghost' has no image in"),
        ("items.csv", "item\n../items\n", r"row 2: item '\.\./items' has no image"),
        ("interactions.tsv", "user\titem\n", r"row 1: lacks the column\(s\) rating, timestamp"),
        ("interactions.tsv", "", r"interactions\.tsv row 1: lacks"),
    ],
)
def test_faults_are_named(catalogue, file, text, message):
    (catalogue / file).write_text(text)
    with pytest.raises(InputError, match=message):
        folder.load(path=str(catalogue))


def test_missing_files_are_named(catalogue):
    with pytest.raises(InputError, match=r"nowhere: no such folder; set .*source\.path"):
        folder.load(path=str(catalogue / "nowhere"))
    with pytest.raises(InputError, match=r"pictures: no such folder of images"):
        folder.load(path=str(catalogue), images="pictures")
    (catalogue / "interactions.tsv").unlink()
    with pytest.raises(InputError, match=r"interactions\.tsv: no such file"):
        folder.load(path=str(catalogue))
