"""The grid through profiles/slurm on a real SLURM cluster, undisturbed and through faults.

Three runs side by side: locally, on the cluster, and on the cluster with everything going wrong.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import grid

CLUSTER = Path(__file__).parent / "slurm" / "cluster.sh"
SMALLER = {"grid": {"defenses": ["T"], "attacks": ["none", "pgd_8"]}, "threats": ["poisoning"]}
# Looks more often than a cluster with other users should be looked at.
PROFILE = [
    *("--workflow-profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "1"),
    *("--seconds-between-status-checks", "2", "--latency-wait", "10"),
    *("--max-jobs-per-timespan", "100/3s"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the runs are, for as long as there is a cluster."""
    possible = subprocess.run([CLUSTER, "check"], capture_output=True, text=True)
    if possible.returncode:
        pytest.skip(possible.stderr.strip())
    try:
        subprocess.run([CLUSTER, "up"], check=True)
        yield tmp_path_factory.mktemp("slurm")
    finally:
        subprocess.run([CLUSTER, "down"], check=True)


@pytest.fixture(scope="module")
def start(folder):
    """Start the workflow of a checkout by name; a second start goes on in the same one."""
    started = []

    def begin(name: str, *arguments: str) -> subprocess.Popen[bytes]:
        checkout = folder / name
        if not checkout.exists():
            grid.copy_checkout(checkout)
            (checkout / "smaller.yaml").write_text(yaml.safe_dump(SMALLER))
            # Makes jobs ask for a GPU. Torch finds none behind it and computes as ever.
            (checkout / "bin").mkdir()
            (checkout / "bin" / "nvidia-smi").write_text("#!/bin/sh\n")
            (checkout / "bin" / "nvidia-smi").chmod(0o755)
        with (folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "snakemake", "all", "--nocolor", *arguments),
                    *("--configfile", "tests/tiny.yaml", "smaller.yaml"),
                ],
                cwd=checkout,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PATH": f"{checkout}/bin:{os.environ['PATH']}"},
            )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()


@pytest.fixture(scope="module")
def runs(start):
    """The three runs, under way."""
    return {
        "disturbed": start("disturbed", *PROFILE),
        "cluster": start("cluster", *PROFILE),
        "local": start("local", "--cores", "1"),
    }


def tables(folder: Path, name: str) -> dict[str, bytes]:
    """Return every table and figure's data of a finished run, byte by byte."""
    found = (folder / name / "results").glob("tables/*")
    # What a run took is its own.
    return {path.name: path.read_bytes() for path in found if path.name != "cost.csv"}


def finish(folder: Path, name: str, process: subprocess.Popen[bytes]) -> None:
    """Wait for a run, and show the end of what it said if it failed."""
    assert process.wait(timeout=1500) == 0, (folder / f"{name}.log").read_text()[-5000:]


def jobs(folder: Path, name: str, *states: str) -> list[dict[str, str]]:
    """Return the cluster's account of a run's jobs, oldest first, those in ``states`` if given."""
    fields = ["JobID", "JobName", "State", "Comment", "AllocTRES", "Account", "QOS", "ReqMem"]
    fields += ["NodeList", "Start", "Partition"]
    listed = subprocess.run(
        [
            *("sacct", "--allocations", "--noheader", "--parsable2", "--starttime=now-1hour"),
            *("--format", ",".join([*fields, "WorkDir"])),
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    rows = [dict(zip([*fields, "WorkDir"], line.split("|"), strict=True)) for line in listed]
    return [
        row
        for row in rows
        if row["WorkDir"] == str(folder / name)
        and (not states or row["State"].split()[0] in states)
    ]


def until(found: Callable[[], object], seconds: float = 600):
    """Return the first true value of ``found``."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.2)
    raise AssertionError("it did not happen in time")


def hold(checkout: Path, name: str) -> str:
    """Wait until a command runs in ``checkout``, stop its process, and return its cluster job."""

    def processes() -> list[int]:
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                here = (process / "cwd").readlink() == checkout
                command = (process / "cmdline").read_text().split("\0")
            except OSError:
                continue
            if here and command[1:2] == [f"{checkout}/workflow/scripts/{name}.py"]:
                found.append(int(process.name))
        return found

    process = until(processes)[0]
    os.kill(process, signal.SIGSTOP)
    environment = Path(f"/proc/{process}/environ").read_text()
    return re.search(r"\bSLURM_JOB_ID=(\d+)", environment)[1]


def slurm(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_everything_that_goes_wrong_leaves_the_same_tables(runs, start, folder):
    checkout = folder / "disturbed"

    def of(rule: str, *states: str) -> list[dict[str, str]]:
        return [job for job in jobs(folder, "disturbed", *states) if rule in job["Comment"]]

    # A killed login session: its jobs go on, so they are cancelled before the folder is unlocked.
    orphan = hold(checkout, "train_extractor")
    runs["disturbed"].kill()
    runs["disturbed"].wait()
    slurm("scancel", "--name", slurm("squeue", "--noheader", "--format=%j", "--jobs", orphan))
    assert start("disturbed", "--cores", "1").wait() != 0, "the folder is still locked"
    assert start("disturbed", "--cores", "1", "--unlock").wait() == 0
    until(lambda: of("train_extractor", "CANCELLED"))

    again = start(
        "disturbed",
        *PROFILE,
        *("--set-resources", "extract_features:mem_mb=60 if attempt == 1 else 1500"),
        "train_recommender:runtime=1 if attempt == 1 else 20",
    )
    slurm("scontrol", "update", "nodename=n2", "state=drain", "reason=test")
    slurm("scancel", hold(checkout, "attack_images"))
    hold(checkout, "train_recommender")  # until its time is up
    finish(folder, "disturbed", again)
    slurm("scontrol", "update", "nodename=n2", "state=resume")
    finish(folder, "local", runs["local"])
    assert tables(folder, "disturbed") == tables(folder, "local")

    until(lambda: of("train_recommender", "TIMEOUT"))
    assert of("attack_images", "CANCELLED")
    attempts = of("extract_features")
    for name in {job["Comment"] for job in attempts}:  # of each run
        small, enough = (job for job in attempts if job["Comment"] == name)
        assert small["State"] != "COMPLETED"
        assert (small["ReqMem"], enough["ReqMem"]) == ("60M", "1500M")
        assert enough["State"] == "COMPLETED"
    assert {job["NodeList"] for job in of("train_recommender")} == {"n1"}


def test_the_grid_on_the_cluster_gives_the_tables_of_a_local_run(runs, folder):
    for name in ("cluster", "local"):
        finish(folder, name, runs[name])
    expected = tables(folder, "local")
    assert len(expected) > 10
    assert tables(folder, "cluster") == expected

    done = jobs(folder, "cluster")
    assert {job["State"] for job in done} == {"COMPLETED"}
    assert {(job["Account"], job["QOS"]) for job in done} == {("lab", "normal")}
    on_gpu = {job["Comment"] for job in done if "gres/gpu=1" in job["AllocTRES"]}
    # The stand-in for LPIPS needs none.
    rules = (
        *("train_", "extract_features", "attack_images", "read_images"),
        *("measure_extractor", "examine_attack"),
    )
    assert on_gpu == {
        job["Comment"] for job in done if any(rule in job["Comment"] for rule in rules)
    }
    # Four cells are ranked and evaluated in one job.
    assert [job["Comment"] for job in done if "evaluate" in job["Comment"]] == [
        "rule_evaluate_evaluate_cell"
    ]
