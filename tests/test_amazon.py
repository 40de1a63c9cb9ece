"""The sources of the paper's own data, from small files in exactly their layouts."""

import collections
import io
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from varbench.catalogues import amazon_authors, amazon_partitioned
from varbench.errors import InputError
from varbench.image_archive import decode

SCRIPT = Path(__file__).parents[1] / "workflow" / "scripts" / "prepare.py"


def jpeg(shade):
    data = io.BytesIO()
    Image.new("RGB", (8, 12), (shade, shade, shade)).save(data, "JPEG")
    return data.getvalue()


# The authors' folder


@pytest.fixture
def authors(tmp_path):
    root = tmp_path / "men"
    (root / "original" / "images").mkdir(parents=True)
    for item in range(3):
        (root / "original" / "images" / f"{item}.jpg").write_bytes(jpeg(80 * item))
    (root / "trainingset.tsv").write_text("0\t2\n0\t1\n1\t0\n1\t2\n")
    (root / "testset.tsv").write_text("0\t0\n1\t1\n")
    return root


def test_authors_folder_with_two_columns(authors):
    raw = amazon_authors.load(path=str(authors))
    assert raw.items == ["0", "1", "2"]
    assert decode(raw.read_image(2)).shape == (12, 8, 3)
    assert abs(int(decode(raw.read_image(2)).mean()) - 160) <= 2
    assert raw.interactions[["user", "item"]].to_numpy().tolist() == [
        ["0", "2"], ["0", "1"], ["1", "0"], ["1", "2"], ["0", "0"], ["1", "1"],
    ]  # fmt: skip
    last = raw.interactions.sort_values("timestamp").drop_duplicates("user", keep="last")
    assert set(zip(last["user"], last["item"], strict=True)) == {("0", "0"), ("1", "1")}
    assert raw.where("interaction", 1).endswith("trainingset.tsv row 2")
    assert raw.where("interaction", 4).endswith("testset.tsv row 1")


def test_authors_folder_with_four_columns(authors):
    (authors / "trainingset.tsv").write_text("0\t2\t5.0\t300\n1\t1\t3.0\t100\n")
    (authors / "testset.tsv").write_text("0\t0\t4.0\t200\n")
    raw = amazon_authors.load(path=str(authors))
    assert raw.interactions["timestamp"].tolist() == [300, 100, 200]
    assert raw.interactions["rating"].tolist() == [5, 3, 4]


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("trainingset.tsv", "0\t1\t2\n", "trainingset.tsv: has 3 columns"),
        ("trainingset.tsv", "0\tx\n", "trainingset.tsv row 1: item 'x' is no number"),
        ("testset.tsv", "0\t7\n", "testset.tsv row 1: item 7 has no image"),
        ("testset.tsv", "", "testset.tsv: No columns"),
        ("testset.tsv", None, "testset.tsv: no such file"),
        (
            "original/images/1.jpg",
            None,
            "2 images that are not numbered from 0 without gaps; 1.jpg",
        ),
    ],
)
def test_faults_of_the_authors_folder(authors, file, text, message):
    (authors / file).unlink()
    if text is not None:
        (authors / file).write_text(text)
    with pytest.raises(InputError, match=message):
        amazon_authors.load(path=str(authors))


# The partitioned file


def content(wrap=dict):
    train = {0: [entry(2), entry(1)], 1: [entry(0), entry(2)]}
    validation = {0: [entry(0)], 1: []}
    test = {0: [], 1: [entry(1)]}
    items = {n: {b"asin": b"B00%d" % n, b"imgs": jpeg(80 * n)} for n in range(3)}
    return [wrap(train), validation, test, items, 2, 3]


def entry(item):
    return {b"productid": item, b"reviewerID": b"A1"}


def write(path, values, protocol=2):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "|O", "fortran_order": False, "shape": array.shape}
        )
        pickle.dump(array, file, protocol=protocol)


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("wrap", [dict, lambda d: collections.defaultdict(list, d)])
def test_partitioned_file(tmp_path, wrap, protocol):
    write(tmp_path / "men.npy", content(wrap), protocol)
    raw = amazon_partitioned.load(path=str(tmp_path / "men.npy"))
    assert raw.items == ["0", "1", "2"]
    assert abs(int(decode(raw.read_image(1)).mean()) - 80) <= 2
    rows = raw.interactions[["user", "item", "timestamp"]].itertuples(index=False, name=None)
    assert list(rows) == [
        ("0", "2", 0), ("0", "1", 1), ("0", "0", 2), ("1", "0", 0), ("1", "2", 1), ("1", "1", 2),
    ]  # fmt: skip


def test_numpy_writes_the_same_layout(tmp_path):
    np.save(tmp_path / "men.npy", np.array(content(), dtype=object), allow_pickle=True)
    assert len(amazon_partitioned.load(path=str(tmp_path / "men.npy")).interactions) == 6


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def test_a_malicious_file_runs_nothing_and_names_what_it_asked_for(tmp_path):
    write(tmp_path / "evil.npy", [*content()[:5], Malicious(tmp_path / "ran")])
    with pytest.raises(InputError, match=r"evil\.npy: refused or damaged \(it asks for .*system"):
        amazon_partitioned.load(path=str(tmp_path / "evil.npy"))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("values", [[1, 2], content()[:5], [*content()[:5], 9]])
def test_another_layout_is_named(tmp_path, values):
    write(tmp_path / "other.npy", values)
    with pytest.raises(InputError, match=r"other\.npy: not the list user_train"):
        amazon_partitioned.load(path=str(tmp_path / "other.npy"))


@pytest.mark.parametrize("keep", [0, 5, 100, -50])
def test_a_truncated_file_is_named(tmp_path, keep):
    write(tmp_path / "cut.npy", content())
    data = (tmp_path / "cut.npy").read_bytes()
    (tmp_path / "cut.npy").write_bytes(data[:keep])
    with pytest.raises(InputError, match=r"cut\.npy: (cannot be read|refused or damaged)"):
        amazon_partitioned.load(path=str(tmp_path / "cut.npy"))


# Prepared


@pytest.mark.parametrize("strict", [False, True])
def test_counts_that_differ_are_reported_and_if_asked_an_error(authors, tmp_path, strict):
    expected = {"users": 2, "items": 4, "strict": strict}
    names = ("users.parquet", "items.parquet", "interactions.parquet", "images.zip", "summary.json")
    outputs = [part for name in names for part in (f"--{name.partition('.')[0]}", tmp_path / name)]
    done = subprocess.run(
        [
            *(sys.executable, SCRIPT, "--core-users", "1", "--core-items", "1", "--min-users", "1"),
            *("--source", json.dumps({"method": "amazon_authors", "path": str(authors)})),
            *("--split", "time_aware", "--seed", "0", "--expected", json.dumps(expected)),
            *outputs,
        ],
        capture_output=True,
        text=True,
    )
    assert "3 items are left where 4 are expected" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == strict
    if not strict:
        assert json.loads((tmp_path / "summary.json").read_text())["expected"]["items"] == 4
        table = pd.read_parquet(tmp_path / "interactions.parquet")
        assert table["held_out"].sum() == 2
