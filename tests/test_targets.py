"""Targets that no rule makes: named before anything runs, with what was meant."""

from types import SimpleNamespace

import pytest

import grid
from varbench.experiment import targets


def rule(name, *outputs):
    made = [output for output in outputs if "{" not in output]
    return SimpleNamespace(name=name, output=outputs, is_producer=made.__contains__)


RULES = [rule("all"), rule("ablation"), rule("tables", "results/tables/table1.csv"),
         rule("attack", "results/attacks/{attack}/images.zip")]  # fmt: skip


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("ablatoin", "ablation"),
        ("al", "all"),
        ("results/tables/table1.cvs", "results/tables/table1.csv"),
        ("results/tabels/table1.csv", "results/tables/table1.csv"),
        ("nothing", None),
        ("results/attacks/x/image.zip", None),
    ],
)
def test_what_was_meant_is_said(target, meant):
    said = f"; did you mean {meant!r}?" if meant else ""
    assert list(targets.unknown([target], RULES)) == [f"no rule makes {target!r}{said}"]


def test_rules_files_that_are_made_and_files_that_are_there_are_known(tmp_path):
    (tmp_path / "there.csv").touch()
    known = ["all", "results/tables/table1.csv", str(tmp_path / "there.csv")]
    assert list(targets.unknown(known, RULES)) == []


def test_snakemake_stops_at_a_misspelt_target(tmp_path):
    checkout = grid.copy_checkout(tmp_path)
    done = grid.snakemake(checkout, "--dry-run", "categoris", check=False)
    assert done.returncode
    assert "no rule makes 'categoris'; did you mean 'categories'?" in done.stdout + done.stderr
    assert grid.snakemake(checkout, "--dry-run", "results/tables/table2.csv").returncode == 0
