"""Files appear whole or not at all, and damage is named."""

import numpy as np
import pandas as pd
import pytest
import torch

from varbench import storage
from varbench.errors import InputError


def test_round_trips(tmp_path):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    storage.write_array(tmp_path / "a.npy", array)
    assert np.array_equal(storage.read_array(tmp_path / "a.npy"), array)
    table = pd.DataFrame({"x": [1, 2], "y": ["a", "b"]})
    for name in ("t.parquet", "t.csv"):
        storage.write_table(tmp_path / name, table)
        pd.testing.assert_frame_equal(storage.read_table(tmp_path / name, ["x", "y"]), table)
    storage.write_tensors(tmp_path / "w.safetensors", {"w": torch.ones(2, 3).T})
    assert torch.equal(storage.read_tensors(tmp_path / "w.safetensors")["w"], torch.ones(3, 2))


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    storage.write_text(path, "old")

    def fail():
        with storage.replacing(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


def test_new_files_have_the_usual_permissions(tmp_path):
    (tmp_path / "usual").touch()
    storage.write_text(tmp_path / "ours", "x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize(
    ("name", "write", "read"),
    [
        ("a.npy", lambda p: storage.write_array(p, np.ones((50, 50))), storage.read_array),
        (
            "t.parquet",
            lambda p: storage.write_table(p, pd.DataFrame({"x": range(999)})),
            storage.read_table,
        ),
        (
            "w.safetensors",
            lambda p: storage.write_tensors(p, {"w": torch.ones(99)}),
            storage.read_tensors,
        ),
        (
            "w.safetensors",
            lambda p: storage.write_tensors(p, {"w": torch.ones(99)}),
            storage.read_tensors_as_arrays,
        ),
    ],
)
def test_a_truncated_or_missing_file_is_named(tmp_path, name, write, read):
    path = tmp_path / name
    with pytest.raises(InputError, match=f"{name}: no such file"):
        read(path)
    write(path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InputError, match=f"{name}: cannot be read") as raised:
        read(path)
    assert "\n" not in str(raised.value)


def test_pickled_arrays_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"a\.npy"):
        storage.read_array(tmp_path / "a.npy")


def test_values_that_are_not_finite_are_named_by_row(tmp_path):
    array = np.ones((4, 2), np.float32)
    array[2, 1] = np.nan
    storage.write_array(tmp_path / "f.npy", array)
    with pytest.raises(InputError, match=r"f\.npy: row 2 "):
        storage.read_array(tmp_path / "f.npy")


def test_a_missing_column_is_named(tmp_path):
    storage.write_table(tmp_path / "t.parquet", pd.DataFrame({"x": [1]}))
    with pytest.raises(InputError, match=r"t\.parquet: lacks the column\(s\) y"):
        storage.read_table(tmp_path / "t.parquet", ["x", "y"])


def test_what_a_killed_writer_left_goes_with_the_next_write(tmp_path):
    left, of_another = tmp_path / ".a.npy.x1y2_z34.part", tmp_path / ".aa.npy.x1y2_z34.part"
    for path in (left, of_another):
        path.write_bytes(b"half")
    storage.write_array(tmp_path / "a.npy", np.arange(3))
    assert not left.exists()
    assert of_another.exists()
    assert storage.read_array(tmp_path / "a.npy").tolist() == [0, 1, 2]
