"""Catalogues from a folder, good and bad."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from varbench.catalogues import folder, tables
from varbench.catalogues.interactions import check
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
        LOG.replace("timestamp\n", "timestamp\textra\n").replace("0\n", "0\tx\ty\tz\n"),
        LOG.replace("0\n", "0\t\n"),
        "\t" + LOG.replace("\nu", "\n0\tu").replace("\nv", "\n1\tv"),
        LOG.replace("u\ta", '"u"\t"a"'),
        LOG.replace("\n", "\n\n\t\t\t\n"),
        LOG.replace("\n", "\r"),
        "\ufeff" + LOG.replace("\t", '","').replace("\n", '"\r\n"')[:-1].replace("user", '"user'),
    ],
    ids=[
        *("byte order mark", "crlf", "commas", "extra column", "rows longer than the header"),
        *("trailing tabs", "row numbers in front", "quotes", "empty rows", "Macintosh", "Windows"),
    ],
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
    "ids",
    [
        ["$(reboot)", "a; b", "'", '"', "a\tb", "a b "],
        ["Q", "q"],
        ["é", "e\u0301", "日本", "\U0001f45f", "\u202e"],
        ["001", "1", "1.0", "nan", "null", "None", "-", "-1", "True"],
        ["..", "...", ".hidden", "~", "con", "x" * 200],
    ],
    ids=["shell", "case", "unicode", "values", "names"],
)
def test_ids_are_what_they_are(catalogue, ids):
    for n, item in enumerate(ids):
        Image.new("RGB", (4, 4), (n, 0, 0)).save(catalogue / "images" / f"{item}.png", "PNG")
    pd.DataFrame({"item": ids}).to_csv(catalogue / "items.csv", index=False)
    log = pd.DataFrame({"user": ids, "item": ids, "rating": 1, "timestamp": range(len(ids))})
    log.to_csv(catalogue / "interactions.tsv", sep="\t", index=False)
    raw = folder.load(path=str(catalogue))
    check(raw)
    assert raw.items == ids
    assert raw.interactions["user"].tolist() == raw.interactions["item"].tolist() == ids
    assert [decode(raw.read_image(n))[0, 0, 0] for n in range(len(ids))] == [*range(len(ids))]


@pytest.mark.parametrize("item", ["../../secret", "/etc/passwd", "images/a", "x" * 300, "a.jpg"])
def test_ids_that_look_like_paths_lead_nowhere(catalogue, item):
    Image.new("RGB", (4, 4)).save(catalogue.parent / "secret.png")
    (catalogue / "items.csv").write_text(f"item\na\n{item}\n")
    raw = folder.load(path=str(catalogue))
    assert list(raw.missing) == [1]
    with pytest.raises(InputError, match=r"items\.csv row 3: item '.*' has no image in"):
        raw.read_image(1)


def test_chunks_of_a_table_are_one_table(catalogue, monkeypatch):
    rows = [(f"u{n % 7}", "ab"[n % 2], n / 2, n) for n in range(20)]
    log = pd.DataFrame(rows, columns=["user", "item", "rating", "timestamp"])
    log.to_csv(catalogue / "interactions.tsv", sep="\t", index=False)
    monkeypatch.setattr(tables, "CHUNK", 3)
    raw = folder.load(path=str(catalogue))
    assert [tuple(row) for row in raw.interactions.itertuples(index=False)] == rows
    assert raw.where("interaction", 19).endswith("row 21")
    log.loc[11, "timestamp"] = -1
    text = log.to_csv(sep="\t", index=False).replace("\nu3", "\n\nu3", 1)
    (catalogue / "interactions.tsv").write_text(text)
    with pytest.raises(InputError, match=r"interactions\.tsv row 14: a timestamp .*-1"):
        check(folder.load(path=str(catalogue)))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("u\ta\tNaN\t1", "row 3: a rating that is not a number"),
        ("u\ta\tinf\t1", "row 3: a rating that is not a number"),
        ("u\ta\t\t1", "row 3: a rating that is not a number"),
        ("u\ta\t1\t-1", "row 3: a timestamp that is not a number of 0 or more"),
        ("u\ta\t1\tNaN", "row 3: a timestamp"),
        ("u\ta\t1\tinf", "row 3: a timestamp"),
        ("u\ta\t1\t01/02/2020", "row 3: a timestamp that is not .* an ISO date .*'01/02/2020'"),
        ("u\ta\t1\t2020-01-01", "row 3: a date as timestamp, '2020-01-01', where .* numbers"),
        ("u\ta\t1", "row 3: a timestamp"),
        ("\ta\t1\t1", "row 3: an empty user"),
        ('""\ta\t1\t1', "row 3: an empty user"),
        ("u\t\t1\t1", "row 3: an empty item"),
        ("u\tA\t1\t1", "row 3: an unknown item"),
        ('"w\ta\t1\t1\n"x\ta\t1\t1', r"row 3: user 'w\\ta.* holds a line break; is a quote"),
        ('"w\ta\t1\t1', r"interactions\.tsv: .*EOF inside string"),
    ],
)
def test_bad_rows_are_named(catalogue, row, message):
    lines = LOG.splitlines()
    (catalogue / "interactions.tsv").write_text("\n".join([*lines[:2], row, *lines[2:]]))
    with pytest.raises(InputError, match=message):
        check(folder.load(path=str(catalogue)), by_rating=True)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("items.csv", "name\na\n", r"items\.csv row 1: lacks the column\(s\) item"),
        ("items.csv", "item\n", r"items\.csv row 1: lists no item"),
        ("items.csv", "item\na\na\n", r"items\.csv row 3: item 'a' is empty or was named before"),
        (
            "interactions.tsv",
            "user\tnumber\n",
            r"row 1: lacks the column\(s\) item; it has 'user', 'n",
        ),
        ("interactions.tsv", "", r"interactions\.tsv row 1: lacks"),
        (
            "interactions.tsv",
            LOG.replace("\t", ";"),
            "'user;item;.* are separated by tabs or commas",
        ),
        ("interactions.tsv", LOG.replace("rating", "user"), "row 1: names the column user twice"),
        ("interactions.tsv", LOG.replace("\n", "\titem\n"), "row 1: names the column item twice"),
        ("items.csv", 'item\n"a\nb"\n', r"items\.csv row 2: item 'a\\nb' holds a line break"),
        ("items.csv", b"item\n\xe9\n", r"items\.csv: 'utf-8' codec .*; save it as UTF-8"),
        ("interactions.tsv", LOG.encode("utf-16"), r"interactions\.tsv: .*; save it as UTF-8"),
        ("interactions.tsv", LOG.replace("\n", "\t" + "x" * 200_000 + "\n", 1), "field limit"),
        ("images/a.png", b"", r"items\.csv row 2: item 'a' has several images, a\.jpg and a\.png"),
    ],
)
def test_faults_are_named(catalogue, file, text, message):
    (catalogue / file).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=message):
        folder.load(path=str(catalogue))


def test_columns_of_the_table_of_items(catalogue):
    (catalogue / "articles.csv").write_text(ITEMS.replace("item,category", "article,group"))
    columns = {"item": "article", "category": "group"}
    (catalogue / "interactions.tsv").write_text(LOG.replace("item", "article"))
    raw = folder.load(path=str(catalogue), items="articles.csv", columns=columns)
    assert (raw.items, raw.labels) == (["a", "b"], ["Hat", "Shoe"])
    # What interactions call the item need not be what the table of items calls it.
    assert folder.load(path=str(catalogue), columns={"item": "article"}).items == ["a", "b"]
    with pytest.raises(InputError, match=r"items\.csv row 1: lacks the column\(s\) group"):
        folder.load(path=str(catalogue), columns=columns)


def test_missing_files_are_named(catalogue):
    with pytest.raises(InputError, match=r"nowhere: no such folder; set .*source\.path"):
        folder.load(path=str(catalogue / "nowhere"))
    with pytest.raises(InputError, match=r"pictures: no such folder of images"):
        folder.load(path=str(catalogue), images="pictures")
    (catalogue / "interactions.tsv").unlink()
    with pytest.raises(InputError, match=r"interactions\.tsv: no such file"):
        folder.load(path=str(catalogue))
