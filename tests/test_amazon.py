"""Amazon's two published layouts, archives and pickles that nobody should trust."""

import collections
import hashlib
import io
import json
import os
import pickle
import re
import shutil
import subprocess
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import cells
from varbench.catalogues import amazon_authors, amazon_partitioned, archive, containers
from varbench.catalogues.interactions import check, deduplicate, leave_one_out, number
from varbench.errors import InputError
from varbench.image_archive import decode
from varbench.storage import read_table

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


# The authors' layout


@pytest.fixture
def authors(tmp_path):
    root = tmp_path / "data" / "amazon_men"
    (root / "original" / "images").mkdir(parents=True)
    for n in range(ITEMS):
        (root / "original" / "images" / f"{n}.jpg").write_bytes(jpeg(n))
    for name, rows in (("trainingset", TRAINING), ("testset", TEST)):
        (root / f"{name}.tsv").write_text("".join(f"{u}\t{i}\n" for u, i in rows))
    return root


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


def packed(authors, form) -> Path:
    """An archive of the authors' data folder, which is gone."""
    data = authors.parent
    made = shutil.make_archive(str(data.parent / "amazon"), form, data.parent, data.name)
    shutil.rmtree(data)
    return Path(made)


@pytest.mark.parametrize("form", ["zip", "gztar", "tar"])
def test_authors_archive_is_unpacked_once(authors, form):
    made = packed(authors, form)
    raw = amazon_authors.load(path=str(made), dataset="amazon_men")
    assert decode(raw.read_image(3)).shape[1] == 11
    folder = archive.unpacked(made)
    (folder / "mark").touch()
    assert archive.unpacked(made) == folder
    assert (folder / "mark").exists()
    with pytest.raises(InputError, match="holds no data set 'amazon_boys'; found: amazon_men"):
        amazon_authors.load(path=str(made), dataset="amazon_boys")
    os.utime(folder, (0, 0))  # older than the archive
    archive.unpacked(made)
    assert not (folder / "mark").exists()


def around(path) -> set[Path]:
    """What lies in an archive's folder, but for the lock."""
    return {*path.parent.iterdir()} - {path.with_name(f".{path.name}.lock")}


def zipped(path, name, mode=None):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("inside.txt", "fine")
        member = zipfile.ZipInfo(name)
        if mode is not None:
            member.create_system, member.external_attr = 3, mode << 16
        file.writestr(member, "/etc/passwd")


def tarred(path, name, kind=tarfile.REGTYPE, link=""):
    with tarfile.open(path, "w") as file:
        file.addfile(tarfile.TarInfo("inside.txt"))
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, link
        file.addfile(member)


@pytest.mark.parametrize(
    ("pack", "arguments"),
    [
        (zipped, ["../outside.txt"]),
        (zipped, ["data/../../outside.txt"]),
        (zipped, ["..\\outside.txt"]),
        (zipped, ["/outside.txt"]),
        (zipped, ["C:/outside.txt"]),
        (zipped, ["link", 0o120777]),
        (tarred, ["../outside.txt"]),
        (tarred, ["link", tarfile.SYMTYPE, "../../outside.txt"]),
        (tarred, ["link", tarfile.LNKTYPE, "/etc/passwd"]),
        (tarred, ["device", tarfile.CHRTYPE]),
    ],
)
def test_members_outside_the_folder_are_refused(tmp_path, pack, arguments):
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "evil"
    pack(path, *arguments)
    with pytest.raises(InputError, match=r"evil: refused, .*(outside|link|device)"):
        archive.unpacked(path)
    assert around(path) == {path}
    assert list(tmp_path.iterdir()) == [tmp_path / "in"]


def test_links_that_mislead_tarfiles_own_filter_are_refused(tmp_path):
    """CVE-2025-4517: a path of links too long to be resolved, behind which ".." is not seen."""
    path = tmp_path / "in" / "evil"
    path.parent.mkdir()
    with tarfile.open(path, "w") as file:

        def add(name, kind, link=""):
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.mode = kind, link, 0o755
            file.addfile(member)

        deep, steps = "", "abcdefghijklmnop"
        for step in steps:
            add(f"{deep}{'d' * 247}", tarfile.DIRTYPE)
            add(f"{deep}{step}", tarfile.SYMTYPE, "d" * 247)
            deep += f"{'d' * 247}/"
        links = "/".join(steps) + "/" + "l" * 254
        add(links, tarfile.SYMTYPE, "../" * len(steps))
        add("escape", tarfile.SYMTYPE, f"{links}/../../..")
        add("escape/planted", tarfile.REGTYPE)
    with pytest.raises(InputError, match="evil: refused, 'a' is a link or device"):
        archive.unpacked(path)
    assert around(path) == {path}
    assert list(tmp_path.iterdir()) == [tmp_path / "in"]


@pytest.mark.parametrize("form", ["zip", "tar"])
@pytest.mark.parametrize("names", [["a", "a/b"], ["a" * 300]])
def test_names_that_cannot_be_are_damage(tmp_path, form, names):
    path = tmp_path / "odd"
    if form == "zip":
        with zipfile.ZipFile(path, "w") as file:
            for name in names:
                file.writestr(name, "x")
    else:
        with tarfile.open(path, "w") as file:
            for name in names:
                file.addfile(tarfile.TarInfo(name))
    with pytest.raises(InputError, match="odd: damaged"):
        archive.unpacked(path)
    assert around(path) == {path}


def test_what_a_killed_job_has_unpacked_is_replaced(authors):
    made = packed(authors, "zip")
    left = made.with_name(f".{made.name}.unpacking")
    left.mkdir()
    (left / "half").touch()
    folder = archive.unpacked(made)
    assert not (folder / "half").exists()
    assert around(made) == {made, folder}


@pytest.mark.parametrize("kept", [0, 0.1, 0.5, 0.8])
@pytest.mark.parametrize("form", ["zip", "gztar"])
def test_a_cut_archive_leaves_nothing(authors, form, kept):
    made = packed(authors, form)
    data = made.read_bytes()
    made.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(InputError, match=r"amazon\.\S+: damaged"):
        archive.unpacked(made)
    assert around(made) == {made}


@pytest.mark.parametrize("form", ["zip", "gztar", "bztar", "xztar"])
def test_any_damage_of_an_archive_is_one_clear_error_or_harmless(authors, form):
    made = packed(authors, form)
    data, random = made.read_bytes(), np.random.default_rng(0)
    messages = set()
    for _ in range(60):
        damaged = bytearray(data)
        damaged[random.integers(len(data))] ^= 1 << random.integers(8)
        made.write_bytes(damaged)
        try:
            shutil.rmtree(archive.unpacked(made))
        except InputError as error:
            messages.add(str(error))
        assert around(made) == {made}
    assert messages
    assert not any("\n" in message for message in messages)


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


# The partitioned layout


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


def test_nested_arrays_and_scalars_are_their_values(tmp_path):
    values = [np.arange(6, dtype=">i4").reshape(2, 3), np.float32(0.5), np.bool_(True), {1, 2}]
    save(tmp_path / "x.npy", values)
    assert containers.read_containers(tmp_path / "x.npy") == [[0, 1, 2, 3, 4, 5], 0.5, True, {1, 2}]


class Calls:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("python2", [False, True])
@pytest.mark.parametrize(
    ("function", "name"),
    [
        (os.system, "(posix|nt).system"),
        (eval, "(builtins|__builtin__).eval"),
        (getattr, "(builtins|__builtin__).getattr"),
        (np.load, r"numpy\.load"),
        (hashlib.sha256, "openssl_sha256"),
    ],
)
def test_a_malicious_pickle_runs_nothing_and_names_what_was_refused(
    tmp_path, python2, function, name
):
    content = parts()
    content[3][0][b"imgs"] = Calls(function, f"touch {tmp_path / 'ran'}")
    save(tmp_path / "evil.npy", content, python2)
    with pytest.raises(InputError, match=rf"evil\.npy: refused, it asks for \S*{name}; nothing"):
        amazon_partitioned.load(path=str(tmp_path / "evil.npy"))
    assert not (tmp_path / "ran").exists()


class ForgedKind:
    """A type of numbers that claims to hold objects: numpy would follow its bytes as pointers."""

    def __reduce__(self):
        state = 3, "|", None, ("a",), {"a": (np.dtype("O"), 0)}, 8, 1, 0
        return np.dtype, ("V8", False, True), state


class ForgedArray:
    def __reduce__(self):
        reconstruct = np.zeros(1).__reduce__()[0]
        state = 1, (1,), ForgedKind(), False, b"AAAAAAAA"
        return reconstruct, (np.ndarray, (0,), b"b"), state


def test_forged_pointers_do_not_reach_numpy(tmp_path):
    save(tmp_path / "evil.npy", [*parts()[:5], ForgedArray()])
    with pytest.raises(InputError, match=r"refused, it asks for numpy\.dtype 'V8'"):
        amazon_partitioned.load(path=str(tmp_path / "evil.npy"))


@pytest.mark.parametrize(
    ("instructions", "refused"),
    [
        # The state of a function that stands for numpy's: its defaults would be set.
        (b"cnumpy.core.multiarray\nscalar\n}b.", "a state of <function"),
        (b"cnumpy\nndarray\n}b.", "a state of <class"),
        (b"cbuiltins\nbytes\nJ\xff\xff\xff\x7f\x85R.", "bytes of a given size"),
        (b"}" + b")" + b"\x85" * 10**5 + b"K\x01s.", "tuples that are nested more than 20 deep"),
    ],
)
def test_what_would_take_the_reader_apart_is_refused(tmp_path, instructions, refused):
    path = tmp_path / "evil.npy"
    save(path, parts())
    start = path.read_bytes().index(b"\x80")  # the pickle's
    path.write_bytes(path.read_bytes()[:start] + b"\x80\x02" + instructions)
    with pytest.raises(InputError, match=f"refused, it asks for {re.escape(refused)}"):
        containers.read_containers(path)


def test_structured_arrays_are_refused(tmp_path):
    save(tmp_path / "x.npy", [np.zeros(2, [("a", "i4")])])
    with pytest.raises(InputError, match=r"refused, it asks for numpy\.dtype 'V4'"):
        containers.read_containers(tmp_path / "x.npy")


def test_the_file_is_not_opened_by_allow_pickle(monkeypatch, tmp_path):
    save(tmp_path / "Men.npy", parts())
    monkeypatch.setattr(pickle, "load", None)
    monkeypatch.setattr(pickle, "loads", None)
    assert len(amazon_partitioned.load(path=str(tmp_path / "Men.npy")).items) == ITEMS


@settings(max_examples=60, deadline=None)
@given(cut=st.floats(0, 0.999), flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255))))
def test_any_damage_is_one_clear_error_or_harmless(tmp_path_factory, cut, flips):
    path = tmp_path_factory.mktemp("damaged") / "Men.npy"
    save(path, parts())
    data = bytearray(path.read_bytes())
    for where, value in flips:
        data[int(where * len(data))] = value
    path.write_bytes(data[: int(cut * len(data))] if not flips else data)
    message = ""
    try:
        amazon_partitioned.load(path=str(path))
    except InputError as error:
        message = str(error)
    assert flips or message.startswith(f"{path}: ")
    assert "\n" not in message


def test_a_damaged_byte_does_not_ask_for_gigabytes(tmp_path):
    path = tmp_path / "Men.npy"
    save(path, parts())
    start = path.read_bytes().index(b"\x80")  # the pickle's
    far = pickle.LONG_BINPUT + (1 << 26).to_bytes(4, "little")  # the 67 millionth remembered object
    path.write_bytes(path.read_bytes()[:start] + b"\x80\x02]" + far + b".")
    tracemalloc.start()
    with pytest.raises(InputError, match="damaged"):
        containers.read_containers(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


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


# Prepared


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
