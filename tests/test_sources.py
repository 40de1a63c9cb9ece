"""The digest of a job's sources follows what its script imports, and nothing else."""

import os
import shutil
from pathlib import Path

import pytest

from varbench.experiment.listings import listing
from varbench.experiment.sources import Sources

BASE = Path(__file__).parents[1]
PGD = ("attack_images.py", "varbench.attacks.pgd")


@pytest.fixture
def checkout(tmp_path):
    for folder in ("src", "workflow"):
        shutil.copytree(BASE / folder, tmp_path / folder)
    return tmp_path


def touched(checkout, file):
    path = checkout / file
    before = path.read_text()
    path.write_text(before + "\n# edited\n")
    return Sources(checkout)


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("src/varbench/attacks/pgd.py", True),
        ("src/varbench/attacks/common.py", True),
        ("src/varbench/extractors/networks.py", True),
        ("src/varbench/errors.py", True),
        ("workflow/scripts/attack_images.py", True),
        ("src/varbench/attacks/fgsm.py", False),
        ("src/varbench/registry.py", False),
        ("src/varbench/recommenders/vbpr.py", False),
        ("src/varbench/metrics/category.py", False),
        ("workflow/scripts/evaluate_cell.py", False),
    ],
)
def test_digest_follows_imports(checkout, file, changes):
    before = Sources(checkout).digest(*PGD)
    assert (touched(checkout, file).digest(*PGD) != before) == changes


def test_digest_does_not_depend_on_the_place(checkout):
    assert Sources(checkout).digest(*PGD) == Sources(BASE).digest(*PGD)


def test_an_added_image_is_noticed(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_bytes(b"1")
    before = listing(tmp_path / "images")
    os.utime(tmp_path / "images" / "a.jpg", (1, 1))
    assert listing(tmp_path / "images") == before
    (tmp_path / "images" / "b.jpg").write_bytes(b"2")
    assert listing(tmp_path / "images") != before
    assert listing(tmp_path / "nowhere") == listing(tmp_path / "neither")
