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
    "snakemake": "snakemake-minimal",
}


def test_conda_environment_has_the_pins_of_pyproject():
    project = tomllib.loads((BASE / "pyproject.toml").read_text())["project"]
    pins = project["dependencies"] + project["optional-dependencies"]["data"]
    ours = dict(re.fullmatch(r"([\w-]+)(.*)", pin).groups() for pin in pins)
    environment = yaml.safe_load((BASE / "envs" / "varbench.yaml").read_text())
    theirs = dict(pin.split(" ") for pin in environment["dependencies"])
    assert theirs.pop("python") == project["requires-python"]
    assert theirs == {CONDA_NAMES.get(name, name): pin for name, pin in ours.items()}


def test_conda_environment_is_one_that_conda_reads():
    environment = yaml.safe_load((BASE / "envs" / "varbench.yaml").read_text())
    assert set(environment) == {"channels", "dependencies"}
    assert environment["channels"] == ["conda-forge", "bioconda", "nodefaults"]
    for dependency in environment["dependencies"]:
        assert re.fullmatch(r"[a-z][a-z0-9-]* >=\d+(\.\d+)*", dependency)


def test_the_tests_that_the_list_of_inputs_names_are_there():
    text = (BASE / "docs" / "inputs.md").read_text()
    rows = re.findall(r"^\| [^*|\n].*\| ([^|\n]*) \|$", text, re.MULTILINE)
    named = [name for row in rows for name in row.split(", ") if name.startswith("test")]
    assert len(named) > 50
    for name in {*named, *re.findall(r"test_\w+", text)} - {"test"}:
        assert (BASE / "tests" / f"{name}.py").is_file(), name


def test_every_rule_that_computes_names_the_environment():
    rules = [
        block
        for file in sorted((BASE / "rules").glob("*.smk"))
        for block in re.split(r"^(?=rule )", file.read_text(), flags=re.MULTILINE)[1:]
    ]
    assert rules
    for block in rules:
        runs = "\n    shell:" in block or "\n    run:" in block
        assert runs == ('conda:\n        "../envs/varbench.yaml"' in block)


@pytest.mark.parametrize("tool", ["readers_table.py", "rulegraph.py"])
def test_parts_of_pages_are_as_their_command_writes_them(tool):
    line = [sys.executable, BASE / "tools" / tool, "--check"]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_no_rule_is_long():
    """What a command is told is `Settings`' business, and shared inputs have a name."""
    rule = re.compile(r"^(?:use )?rule .*\n(?:[ \t].*\n|\n(?=[ \t]))*", re.MULTILINE)
    files = [BASE / "Snakefile", *sorted((BASE / "rules").glob("*.smk"))]
    found = [block for file in files for block in rule.findall(file.read_text())]
    assert len(found) > 30
    lengths = {block.partition("\n")[0]: block.count("\n") for block in found}
    assert {name: length for name, length in lengths.items() if length > 25} == {}


def instructions(recipe: Path) -> list[tuple[str, str]]:
    """Return a container recipe's instructions and what follows each, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", recipe.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    lines = filter(None, map(str.strip, text.splitlines()))
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def test_container_recipe_copies_what_its_installation_needs():
    found = instructions(BASE / "envs" / "Containerfile")
    assert {name for name, _ in found} <= {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "LABEL"}
    assert found[0][0] == "FROM"
    copied = [source for name, rest in found if name == "COPY" for source in rest.split()[:-1]]
    assert all((BASE / source).exists() for source in copied)
    project = tomllib.loads((BASE / "pyproject.toml").read_text())["project"]
    assert {"pyproject.toml", "src", project["readme"], *project["license-files"]} <= set(copied)
    installed = " ".join(rest for name, rest in found if name == "RUN")
    extras = re.search(r"'\.\[([\w,]+)\]'", installed)
    assert extras
    assert set(extras[1].split(",")) == {"slurm", "data"} <= set(project["optional-dependencies"])


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
    assert "--options" in done.stdout


def test_a_clone_with_windows_line_ends_has_none(tmp_path):
    def git(*words: str) -> None:
        who = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "core.autocrlf=true"]
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init", "origin")
    picture = b"\x89PNG\r\n\x1a\n\r\n\n"
    (tmp_path / "origin" / ".gitattributes").write_bytes((BASE / ".gitattributes").read_bytes())
    (tmp_path / "origin" / "script.py").write_bytes(b"#!/usr/bin/env python3\nprint()\n")
    (tmp_path / "origin" / "picture.png").write_bytes(picture)
    git("-C", "origin", "add", ".")
    git("-C", "origin", "commit", "-m", "x")
    git("clone", "origin", "clone")
    assert (tmp_path / "clone" / "script.py").read_bytes().count(b"\r") == 0
    assert (tmp_path / "clone" / "picture.png").read_bytes() == picture
