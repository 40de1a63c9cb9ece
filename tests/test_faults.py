"""Runs that are stopped, run out of disk or find damaged files, on one machine.

The cluster's own faults are in test_slurm.py, a killed job's checkpoint in test_resuming.py.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

import grid

SMALLER = {"grid": {"defenses": ["T"], "attacks": ["none", "pgd_8"]}, "threats": ["poisoning"]}


def copy(target: Path) -> Path:
    """Copy this checkout, with a smaller grid."""
    grid.copy_checkout(target)
    config = yaml.safe_load((target / "tests" / "tiny.yaml").read_text())
    config |= SMALLER
    (target / "tests" / "tiny.yaml").write_text(yaml.safe_dump(config))
    return target


def run(checkout: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the smaller grid."""
    return grid.snakemake(checkout, "all", *arguments, check=check)


def tables(checkout: Path) -> dict[str, bytes]:
    """Return the tables; what a run took is its own."""
    found = (checkout / "results/tables").iterdir()
    return {path.name: path.read_bytes() for path in found if path.name != "cost.csv"}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A checkout in which the smaller grid has run."""
    checkout = copy(tmp_path_factory.mktemp("undisturbed"))
    run(checkout)
    return checkout


def stopped(checkout: Path, number: signal.Signals, script: str) -> None:
    """Start the grid, wait until a job runs ``script``, and send Snakemake a signal."""
    # What a shell starts in the background ignores SIGINT, and so would all that it starts itself.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with (checkout / "stopped.log").open("w") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "snakemake", "all", "--cores", "2"),
                *("--configfile", "tests/tiny.yaml"),
            ],
            cwd=checkout, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    while not children(checkout, script):
        assert process.poll() is None, (checkout / "stopped.log").read_text()
        time.sleep(0.02)
    process.send_signal(number)
    assert process.wait(timeout=120) != 0


def children(checkout: Path, script: str = "") -> list[int]:
    """Return the processes of commands that run in ``checkout``."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            here = (process / "cwd").readlink() == checkout
            command = (process / "cmdline").read_text().split("\0")
        except OSError:
            continue
        if here and len(command) > 1 and command[1] == f"{checkout}/workflow/scripts/{script}":
            found.append(int(process.name))
    return found


def test_an_interrupted_run_goes_on(undisturbed, tmp_path):
    checkout = copy(tmp_path / "interrupted")
    stopped(checkout, signal.SIGINT, "attack_images.py")
    assert children(checkout, "attack_images.py") == []
    done = run(checkout)
    assert "rule train_extractor:" not in done.stdout + done.stderr
    assert tables(checkout) == tables(undisturbed)


def test_a_killed_run_goes_on_after_unlocking(undisturbed, tmp_path):
    checkout = copy(tmp_path / "killed")
    stopped(checkout, signal.SIGKILL, "train_recommender.py")
    for job in children(checkout, "train_recommender.py"):  # they outlive it: docs/slurm.md
        os.kill(job, signal.SIGKILL)
    locked = run(checkout, check=False)
    assert locked.returncode
    assert "--unlock" in locked.stdout + locked.stderr
    run(checkout, "--unlock")
    done = run(checkout)
    assert "rule train_extractor:" not in done.stdout + done.stderr
    assert tables(checkout) == tables(undisturbed)


# Python runs it at every start. The first file of each kind is cut in half where it is written, at
# its temporary name, and its writer killed; a note beside it says so.
KILLER = """
import os, signal, sys
from pathlib import Path

plain = Path.replace

def replace(self, target):
    note = Path(__file__).with_name("killed" + Path(target).suffix)
    if not note.exists():
        note.touch()
        os.truncate(self, self.stat().st_size // 2)
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(self, target)

if any("/workflow/scripts/" in word for word in sys.orig_argv):
    Path.replace = replace
"""


def test_jobs_killed_while_they_write_each_kind_of_file(undisturbed, tmp_path, monkeypatch):
    checkout = copy(tmp_path / "killed")
    killer = tmp_path / "killer"
    killer.mkdir()
    (killer / "sitecustomize.py").write_text(KILLER)
    monkeypatch.setenv("PYTHONPATH", str(killer))
    run(checkout, "--retries", "3")
    kinds = {path.suffix for path in (checkout / "results").rglob("*") if path.is_file()}
    killed = {path.suffix for path in killer.glob("killed.*")}
    # Logs and benchmarks are Snakemake's own; the page's pictures appear with its whole folder.
    assert killed == kinds - {".log", ".tsv", ".webp"}
    assert {".zip", ".parquet", ".npy", ".safetensors", ".csv", ".json", ".pdf", ".tex"} <= killed
    assert tables(checkout) == tables(undisturbed)


def test_damaged_files_are_named_and_deleting_them_rebuilds_them(undisturbed, tmp_path):
    checkout = tmp_path / "damaged"
    shutil.copytree(undisturbed, checkout)
    attack = checkout / "results/attacks/mini_men/T/pgd_8/0"
    damaged = [
        checkout / "results/models/poisoning/mini_men/T/none/vbpr/0/0/model.safetensors",
        attack / "attacked_features.npy",
        attack / "outcome.parquet",
    ]
    for path in damaged:
        path.write_bytes(path.read_bytes()[:-100])
    failed = run(checkout, check=False)
    assert failed.returncode
    for path in damaged:
        line = rf"error: {path.relative_to(checkout)}: cannot be read .*; delete it and run again"
        assert re.search(line, failed.stdout + failed.stderr)
        path.unlink()
    shutil.rmtree(checkout / "results" / "tables")  # else they are there, and nothing is needed
    # A model that is gone is asked for: its cell, restored where the job failed, needs it no more.
    run(checkout, *(str(path.relative_to(checkout)) for path in damaged))
    assert tables(checkout) == tables(undisturbed)
    for path in damaged:
        assert path.read_bytes() == (undisturbed / path.relative_to(checkout)).read_bytes()
