"""The project's own files agree with one another."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from varbench.catalogues.generated import CATEGORIES

BASE = Path(__file__).parents[1]
# Names on conda-forge where they differ from PyPI's.
CONDA_NAMES = {
    "torch": "pytorch",
    "matplotlib": "matplotlib-base",
    "snakemake": "snakemake-minimal",
}


def test_conda_environment_has_the_pins_of_pyproject():
    project = tomllib.loads((BASE / "pyproject.toml").read_text())["project"]
    ours = dict(re.fullmatch(r"([\w-]+)(.*)", pin).groups() for pin in project["dependencies"])
    environment = yaml.safe_load((BASE / "envs" / "varbench.yaml").read_text())
    theirs = dict(pin.split(" ") for pin in environment["dependencies"])
    assert theirs.pop("python") == project["requires-python"]
    assert theirs == {CONDA_NAMES.get(name, name): pin for name, pin in ours.items()}


def test_classes_of_the_embedded_experiment_are_the_drawn_categories():
    names = (BASE / "resources" / "classes_generated.txt").read_text().splitlines()
    assert tuple(names) == CATEGORIES


SCRIPTS = sorted((BASE / "workflow" / "scripts").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_command_is_executable_and_says_what_it_does(script):
    assert script.stat().st_mode & 0o111
    assert len(ast.get_docstring(ast.parse(script.read_text())) or "") > 40


def test_a_command_runs_by_hand():
    script = BASE / "workflow" / "scripts" / "evaluate_cell.py"
    done = subprocess.run([sys.executable, script, "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--k" in done.stdout
