"""Amazon's partitioned file: what it holds, and every fault of it that is named."""

import collections

import numpy as np
import pytest

from amazon import ITEMS, TEST, TRAINING, USERS, held_out, jpeg, parts, prepare, save
from varbench.catalogues import amazon_partitioned
from varbench.catalogues.interactions import check
from varbench.errors import InputError
from varbench.storage import read_table


@pytest.mark.parametrize("python2", [False, True])
@pytest.mark.parametrize("factory", [dict, collections.OrderedDict])
def test_partitioned_file(tmp_path, python2, factory):
    path = tmp_path / "Men.npy"
    save(path, parts(factory), python2)
    assert (b"numpy.core" in path.read_bytes()) == python2
    raw = amazon_partitioned.load(path=str(path))
    assert raw.items == ["0", "1", "2", "3"]
    assert [raw.read_image(n) for n in range(ITEMS)] == [jpeg(n) for n in range(ITEMS)]
    assert len(raw.interactions) == len(TRAINING) + len(TEST)
    assert held_out(raw) == {(str(u), str(i)) for u, i in TEST}
    assert raw.where("interaction", 1).endswith("Men.npy user_train[0][1]")


def test_review_times_decide_where_all_have_one(tmp_path):
    content = parts()
    for start, part in zip((500, 300, 100), content[:3], strict=True):
        for u in part:
            for n, interaction in enumerate(part[u]):
                interaction[b"unixReviewTime"] = start + n
    save(tmp_path / "Men.npy", content)
    raw = amazon_partitioned.load(path=str(tmp_path / "Men.npy"))
    assert held_out(raw) == {(str(u), str(i)) for u, i in dict(TRAINING).items()}


def test_a_review_time_that_is_none_is_named(tmp_path):
    content = parts()
    for part in content[:3]:
        for interactions in part.values():
            for interaction in interactions:
                interaction[b"unixReviewTime"] = b"yesterday"
    save(tmp_path / "Men.npy", content)
    with pytest.raises(InputError, match=r"Men\.npy user_train\[0\]\[0\]: no usable timestamp"):
        check(amazon_partitioned.load(path=str(tmp_path / "Men.npy")))


def replaced(position, value):
    content = parts()
    content[position] = value
    return content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (parts()[:5], "holds 5 objects; user_train"),
        (replaced(5, ITEMS + 1), "4 images for 5 items"),
        (replaced(4, USERS + 2), "5 from 0 to 4 have interactions, and usernum is 7"),
        (replaced(4, b"5"), "5 from 0 to 4 have interactions, and usernum is b'5'"),
        (replaced(4, 10**9), "and usernum is 1000000000"),
        ([{}, {}, {}, *parts()[3:]], "holds no interactions"),
        (replaced(3, {0: {b"imgs": b""}, 2: {b"imgs": b""}}), "Item is not numbered from 0"),
        (replaced(3, [{b"asin": b"B"}]), r"Item\[0\] has no imgs"),
        (replaced(3, [{b"imgs": 7}]), r"Item\[0\] has no encoded image"),
        (replaced(0, {0: [{b"asin": b"B"}]}), r"user_train\[0\]\[0\] has no productid"),
        (replaced(0, 7), "user_train is neither a list nor numbered"),
    ],
)
def test_faults_of_the_partitioned_file_are_named(tmp_path, content, message):
    save(tmp_path / "Men.npy", content)
    with pytest.raises(InputError, match=message):
        amazon_partitioned.load(path=str(tmp_path / "Men.npy"))


def test_numbers_and_missing_files_are_named(tmp_path):
    np.save(tmp_path / "features.npy", np.zeros((3, 2), np.float32))
    with pytest.raises(InputError, match=r"features\.npy: holds float32 of shape \(3, 2\)"):
        amazon_partitioned.load(path=str(tmp_path / "features.npy"))
    with pytest.raises(InputError, match=r"nowhere\.npy: no such file"):
        amazon_partitioned.load(path=str(tmp_path / "nowhere.npy"))


@pytest.mark.parametrize("split", ["time_aware", "single_pass"])
@pytest.mark.parametrize("least", [5, 10])  # the cores that are named for Men and Women
def test_a_partitioned_file_is_core_filtered(tmp_path, least, split):
    random = np.random.default_rng(least)
    taken = {
        u: random.choice(40, random.integers(2, 20), replace=False).tolist() for u in range(60)
    }
    train = {u: [{b"productid": i} for i in items[:-2]] for u, items in taken.items()}
    validation, test = ({u: [{b"productid": v[k]}] for u, v in taken.items()} for k in (-2, -1))
    images = {i: {b"imgs": jpeg(i)} for i in range(40)}
    save(tmp_path / "Men.npy", [train, validation, test, images, 60, 40])
    done = prepare(
        tmp_path,
        source={"method": "amazon_partitioned", "path": str(tmp_path / "Men.npy")},
        core_users=least,
        core_items=least,
        split=split,
    )
    assert done.returncode == 0, done.stderr

    left = {(u, i) for u, items in taken.items() for i in items}
    for _ in range(1 if split == "single_pass" else 99):
        users = collections.Counter(u for u, _ in left)
        left = {(u, i) for u, i in left if users[u] >= least}
        items = collections.Counter(i for _, i in left)
        left = {(u, i) for u, i in left if items[i] >= least}
    assert 0 < len(left) < sum(map(len, taken.values()))
    users, items, table = (
        read_table(tmp_path / f"{name}.parquet") for name in ("users", "items", "interactions")
    )
    found = zip(users["id"][table["user"]], items["id"][table["item"]], strict=True)
    assert {(int(u), int(i)) for u, i in found} == left
