"""The authors' folder: its split, and every fault of it that is named."""

import json

import pandas as pd
import pytest

from amazon import ITEMS, TEST, TRAINING, USERS, authors, held_out, prepare
from varbench.catalogues import amazon_authors
from varbench.catalogues.interactions import leave_one_out
from varbench.errors import InputError
from varbench.image_archive import decode
from varbench.storage import read_table

__all__ = ["authors"]


def test_authors_folder(authors):
    raw = amazon_authors.load(path=str(authors))
    assert raw.items == ["0", "1", "2", "3"]
    assert [decode(raw.read_image(n)).shape[1] for n in range(ITEMS)] == [8, 9, 10, 11]
    assert len(raw.interactions) == len(TRAINING) + len(TEST)
    assert raw.where("interaction", len(TRAINING)).endswith("testset.tsv row 1")


def test_the_test_row_is_held_out_where_there_are_no_times(authors):
    assert held_out(amazon_authors.load(path=str(authors))) == {(str(u), str(i)) for u, i in TEST}


def test_timestamps_decide_where_there_are_some(authors):
    for name, rows, start in (("trainingset", TRAINING, 900), ("testset", TEST, 100)):
        lines = [f"{u}\t{i}\t4\t{start + n}\n" for n, (u, i) in enumerate(rows)]
        (authors / f"{name}.tsv").write_text("".join(lines))
    raw = amazon_authors.load(path=str(authors))
    assert set(raw.interactions["rating"]) == {4}
    latest = {(str(u), str(i)) for u, i in dict(TRAINING).items()}  # the second of each user
    assert held_out(raw) == latest


def test_the_published_protocol_keeps_the_authors_own_split(authors):
    # Times that contradict the split: training rows are later than test rows.
    for name, rows, start in (("trainingset", TRAINING, 900), ("testset", TEST, 100)):
        lines = [f"{u}\t{i}\t4\t{start + n}\n" for n, (u, i) in enumerate(rows)]
        (authors / f"{name}.tsv").write_text("".join(lines))
    raw = amazon_authors.load(path=str(authors))
    marked = leave_one_out(raw.interactions, 0, "own")
    chosen = raw.interactions[marked]
    assert set(zip(chosen["user"], chosen["item"], strict=True)) == {
        (str(u), str(i)) for u, i in TEST
    }


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("trainingset.tsv", "user\titem\n0\t0\n", r"row 1: user 'user' is not a whole number"),
        ("trainingset.tsv", "0\t1\t5\n", r"trainingset\.tsv: 3 columns; user and item are needed"),
        ("trainingset.tsv", "0\t0\t5\t100\n", "do not have the same number of columns"),
        ("trainingset.tsv", "9\t0\n", "user ids are not contiguous: 6 of them, from 0 to 9"),
        ("testset.tsv", "0\t9\n", "item ids are not contiguous: 5 of them, from 0 to 9"),
        ("testset.tsv", "0\t-1\n", r"testset\.tsv row 1: item '-1' is not a whole number"),
        ("testset.tsv", "0\t1\n\n0\tx\n", r"testset\.tsv row 3: item 'x' is not a whole number"),
        ("testset.tsv", "", r"testset\.tsv: No columns"),
        ("original/images/7.jpg", "", r"7\.jpg: is of no item; those in .* are 0 to 3"),
        ("original/images/front.jpg", "", r"front\.jpg: images are named by the item's number"),
    ],
)
def test_faults_of_the_authors_folder_are_named(authors, file, text, message):
    (authors / file).write_text(text)
    with pytest.raises(InputError, match=message):
        amazon_authors.load(path=str(authors))


@pytest.mark.parametrize("there", ["nothing", "a dangling link", "another format"])
def test_an_item_without_an_image_is_named_or_left_out(authors, tmp_path, there):
    image = authors / "original" / "images" / "3.jpg"
    image.unlink()
    (image.parent / ".#2.jpg").symlink_to("nowhere")  # an editor's lock: nobody needs it
    if there == "a dangling link":
        image.symlink_to("nowhere")
    if there == "another format":
        image.with_suffix(".tif").write_bytes(b"II*")
    raw = amazon_authors.load(path=str(authors))
    assert list(raw.missing) == [3]
    hints = {"nothing": "", "a dangling link": "leads nowhere", "another format": "convert it"}
    assert raw.missing[3].startswith(f"{image.parent}: item 3 has no image")
    assert raw.missing[3].endswith(hints[there])
    done = prepare(
        tmp_path,
        source={"method": "amazon_authors", "path": str(authors)},
        drop_unreadable=True,
        drop_saturated_users=True,
    )
    assert done.returncode == 0, done.stderr
    assert read_table(tmp_path / "items.parquet")["id"].tolist() == ["0", "1", "2"]


def test_missing_parts_of_the_authors_folder_are_named(authors, tmp_path):
    with pytest.raises(InputError, match=r"nowhere: no such folder; set .*source\.path"):
        amazon_authors.load(path=str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"a\.zip: no such archive"):
        amazon_authors.load(path=str(tmp_path / "a.zip"), dataset="amazon_men")
    (authors / "testset.tsv").unlink()
    with pytest.raises(InputError, match=r"testset\.tsv: no such file"):
        amazon_authors.load(path=str(authors))


@pytest.mark.parametrize("strict", [False, True])
def test_counts_that_differ_are_reported_and_if_asked_an_error(authors, tmp_path, strict):
    expected = {"users": USERS, "items": 5, "strict": strict}
    source = {"method": "amazon_authors", "path": str(authors)}
    done = prepare(tmp_path, source=source, expected=expected)
    assert "4 items are left where 5 are expected" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == strict
    if not strict:
        assert json.loads((tmp_path / "summary.json").read_text())["expected"]["items"] == 5
        table = pd.read_parquet(tmp_path / "interactions.parquet")
        assert table["held_out"].sum() == USERS
