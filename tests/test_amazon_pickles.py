"""Pickles of Amazon's layout that nobody should trust."""

import hashlib
import os
import pickle
import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amazon import ITEMS, parts, save
from varbench.catalogues import amazon_partitioned, containers
from varbench.errors import InputError


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
