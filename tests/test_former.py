"""Results of an earlier version's layout are named, and nothing of the present one is."""

from pathlib import Path

import pytest

import grid
from varbench.experiment.former import left, notice

PRESENT = (
    "cells/poisoning/men/T/none/vbpr/0/0/users.parquet",
    "cells/evasion/men/T/pgd/vbpr/0/0/users.parquet",
    "cells/cold_start/men/T/pgd/vbpr/0/0/users.parquet",
    "extractors/T/shared.safetensors",
    "features/men/T/0/features.npy",
    "attacks/men/T/pgd/0/images.zip",
    "attacks/men/T/pgd/0/attacked_features.npy",
    "models/poisoning/men/T/none/vbpr/0/0/model.safetensors",
)


def write(folder: Path, *files: str) -> None:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()


def test_the_present_layout_is_not_named(tmp_path):
    assert notice(tmp_path / "nowhere") == ""
    write(tmp_path, *PRESENT)
    assert left(tmp_path) == []
    assert notice(tmp_path) == ""


@pytest.mark.parametrize(
    ("file", "named"),
    [
        ("visual/grid/men/T.parquet", "visual"),
        ("extractors/T.safetensors", "extractors/T.safetensors"),
        ("cells/men/T/none/vbpr/0/model.safetensors", "cells/men"),
        ("features/men/T/features.npy", "features/men/T/features.npy"),
        ("attacks/men/T/pgd/images.zip", "attacks/men/T/pgd/images.zip"),
        ("attacks/men/T/pgd/0/features.npy", "attacks/men/T/pgd/0/features.npy"),
    ],
)
def test_what_is_of_a_former_layout_is_named(tmp_path, file, named):
    write(tmp_path, *PRESENT, file)
    assert left(tmp_path) == [tmp_path / named]
    line = notice(tmp_path)
    assert named in line
    assert "\n" not in line


def test_many_are_one_short_line(tmp_path):
    write(tmp_path, *(f"extractors/{n}.safetensors" for n in range(9)))
    assert "3.safetensors and 5 more" in notice(tmp_path)


def test_a_run_begins_with_the_notice_and_goes_on(tmp_path):
    checkout = grid.copy_checkout(tmp_path / "checkout")
    write(checkout / "results", "extractors/T.safetensors")
    done = grid.snakemake(checkout, "--dry-run", "results/training/images.zip")
    lines = (done.stdout + done.stderr).splitlines()
    assert sum("extractors/T.safetensors" in line for line in lines) == 1
