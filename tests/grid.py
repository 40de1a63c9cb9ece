"""Run the workflow of a copy of this checkout, and read what a dry run would do."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

BASE = Path(__file__).parents[1]
GENERATED = shutil.ignore_patterns("__pycache__", "*.egg-info")
PARTS = ("Snakefile", "config.yaml", "rules", "src", "workflow", "resources", "envs", "profiles")

Job = tuple[str, tuple[tuple[str, str], ...]]


def copy_checkout(target: Path, origin: Path = BASE) -> Path:
    """Copy what the workflow needs from ``origin`` into ``target``."""
    for part in (*PARTS, "tests/tiny.yaml"):
        source, copy = origin / part, target / part
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, ignore=GENERATED)
        else:
            shutil.copy(source, copy)
    return target


def snakemake(
    checkout: Path,
    *arguments: str,
    configfile: str | list[str] = "tests/tiny.yaml",
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run Snakemake in ``checkout``, with none, one or several configurations over its own."""
    overlays = [configfile] if isinstance(configfile, str | Path) else configfile
    done = subprocess.run(
        [
            *(sys.executable, "-m", "snakemake", "--cores", "2", "--nocolor", *arguments),
            *(["--configfile", *overlays] if overlays else []),
        ],
        cwd=checkout,
        capture_output=True,
        text=True,
    )
    if check and done.returncode:
        raise AssertionError(done.stdout[-3000:] + done.stderr[-5000:])
    return done


def planned(checkout: Path, *arguments: str, configfile: str = "tests/tiny.yaml") -> set[Job]:
    """Return the jobs of a dry run as (rule, wildcards); `all` is left out."""
    done = snakemake(checkout, "--dry-run", *arguments, configfile=configfile)
    jobs = set()
    for text in re.split(
        r"^(?= *(?:local)?rule \w+:)", done.stdout + done.stderr, flags=re.MULTILINE
    ):
        rule = re.match(r" *(?:local)?rule (\w+):", text)
        if rule and rule[1] != "all":
            wildcards = re.search(r"^ +wildcards: (.*)$", text, re.MULTILINE)
            pairs = wildcards[1].split(", ") if wildcards else []
            jobs.add((rule[1], tuple(sorted(tuple(pair.split("=")) for pair in pairs))))
    return jobs


def rules(jobs: set[Job]) -> dict[str, int]:
    """Count jobs by rule."""
    names = [name for name, _ in jobs]
    return {name: names.count(name) for name in sorted(set(names))}


def edit(checkout: Path, key: str, value: object) -> None:
    path = checkout / "tests" / "tiny.yaml"
    config = yaml.safe_load(path.read_text())
    *parents, last = key.split("/")
    block = config
    for parent in parents:
        block = block.setdefault(parent, {})
    block[last] = value
    path.write_text(yaml.safe_dump(config, sort_keys=False))


def append(checkout: Path, file: str) -> None:
    with (checkout / file).open("a") as source:
        source.write("\n# edited\n")
