"""Long jobs that are killed or fill the disk go on where they were, and end with the same bytes."""

import argparse
import json
import signal
import subprocess
import sys
import time
from copy import deepcopy
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from varbench.experiment import resuming
from varbench.experiment.resuming import Checkpoint
from varbench.extractors.networks import build
from varbench.image_archive import write_images
from varbench.storage import read_table, write_array, write_table, write_tensors

SCRIPTS = Path(__file__).parents[1] / "workflow" / "scripts"
NETWORK = {"architecture": "shufflenet_v2_x0_5", "classes": 2}
EXTRACTOR = {"network": NETWORK, "seed": 3, "validation": 0.1, "image_size": 32}
LONG = ["train_extractor", "attack_images", "train_recommender"]
TRAINING = {"batch_size": 8, "learning_rate": 0.05, "momentum": 0.9, "weight_decay": 1e-4}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Everything that the three commands read, a few images and interactions of it."""
    folder = tmp_path_factory.mktemp("inputs")
    rng = np.random.default_rng(0)
    images, users, items = rng.integers(0, 256, (60, 32, 32, 3), np.uint8), 30, 60
    write_images(folder / "images.zip", enumerate(images))
    write_table(
        folder / "labels.parquet",
        pd.DataFrame({"item": range(items), "class": rng.integers(0, 2, items)}),
    )
    write_table(folder / "ids.parquet", pd.DataFrame({"id": [f"i{n}" for n in range(items)]}))
    write_table(folder / "attacked.parquet", pd.DataFrame({"item": range(20)}))
    write_tensors(folder / "network", build(**NETWORK, seed=0).network.state_dict())
    write_array(folder / "clean.npy", rng.random((items, 16), np.float32))
    write_array(folder / "features.npy", rng.random((20, 16), np.float32))
    chosen = np.concatenate([rng.choice(items, 8, replace=False) for _ in range(users)])
    table = pd.DataFrame({"user": np.repeat(range(users), 8), "item": chosen})
    write_table(
        folder / "interactions.parquet", table.assign(held_out=[*[False] * 7, True] * users)
    )
    return folder


def command(name: str, inputs: Path, out: Path, **changed: object) -> list[str]:
    """Return the command line of a long job; ``changed`` replaces parameters of its method."""
    files = {
        "train_extractor": {"images": "images.zip", "labels": "labels.parquet"},
        "attack_images": {
            "images": "images.zip",
            "weights": "network",
            "ids": "ids.parquet",
            "attacked": "attacked.parquet",
        },
        "train_recommender": {
            "interactions": "interactions.parquet",
            "clean": "clean.npy",
            "attacked": "attacked.parquet",
            "features": "features.npy",
        },
    }[name]
    defense = {"method": "free", "epochs": 12, "replays": 2, **TRAINING}
    attack = {"method": "carlini_wagner", "iterations": 12, "binary_search_steps": 2}
    options, outputs = {
        "train_extractor": (
            ["--options", json.dumps(EXTRACTOR | {"defense": defense | changed})],
            ["weights", "log"],
        ),
        "attack_images": (
            [
                *("--network", json.dumps(NETWORK), "--attack", json.dumps(attack | changed)),
                *("--target-class", "1", "--batch-size", "8"),
            ],
            ["attacked-images", "features", "outcome"],
        ),
        "train_recommender": (
            ["--recommender", json.dumps({"method": "vbpr", "epochs": 300, **changed})],
            ["model", "log", "halfway"],
        ),
    }[name]
    suffixes = {"log": "csv", "outcome": "parquet", "features": "npy"}
    line = [sys.executable, str(SCRIPTS / f"{name}.py"), *options]
    line += [] if name == "train_extractor" else ["--seed", "3"]
    for option, file in files.items():
        line += [f"--{option}", str(inputs / file)]
    for option in outputs:
        line += [f"--{option}", str(out / f"{option}.{suffixes.get(option, 'out')}")]
    return [*line, "--device", "cpu", "--checkpoint-every", "0"]


def checkpoint_of(name: str, out: Path) -> Path:
    output = {
        "train_extractor": "weights",
        "attack_images": "attacked-images",
        "train_recommender": "model",
    }[name]
    return out / f".{output}.out.checkpoint"


def begun(name: str, checkpoint: Path) -> bool:
    """Say whether a job has reached something that a test can put a mark in."""
    if name != "train_extractor" or not checkpoint.exists():
        return checkpoint.exists()
    return bool(torch.load(checkpoint, weights_only=True)["reached"]["epochs"])


def results(out: Path) -> dict[str, object]:
    """Return the content of the files that a job wrote; seconds differ from run to run."""
    return {
        path.name: path.read_bytes()
        if path.suffix in (".out", ".npy")
        else read_table(path).drop(columns="seconds", errors="ignore").to_dict("list")
        for path in out.iterdir()
    }


@pytest.fixture(scope="module")
def undisturbed(inputs, tmp_path_factory):
    """What a job writes that nothing happens to, by its name."""

    @cache
    def of(name: str) -> dict[str, object]:
        out = tmp_path_factory.mktemp("undisturbed")
        subprocess.run(command(name, inputs, out), check=True, capture_output=True)
        return results(out)

    return of


@pytest.mark.parametrize("name", LONG)
def test_a_killed_job_goes_on_and_ends_the_same(inputs, undisturbed, tmp_path, name):
    killed = tmp_path / "killed"
    checkpoint = checkpoint_of(name, killed)
    with subprocess.Popen(command(name, inputs, killed), stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not begun(name, checkpoint):
            time.sleep(0.01)
        process.kill()
    assert process.returncode == -signal.SIGKILL, "finished before it could be killed"

    # A mark in what was reached shows up in the result only if the job goes on from there.
    kept = torch.load(checkpoint, weights_only=True)
    row = 0
    if name == "attack_images":
        row = int(kept["reached"]["within"]["index"][0])
        kept["reached"]["within"]["used"][0] = 12345
    else:
        kept["reached"]["epochs"][0]["loss"] = 12345.0
    torch.save(kept, checkpoint)
    subprocess.run(command(name, inputs, killed), check=True, capture_output=True)
    ended, expected = results(killed), deepcopy(undisturbed(name))
    assert ended.keys() == expected.keys(), "the checkpoint is removed, nothing else is left"
    file, column = (
        ("outcome.parquet", "iterations") if name == "attack_images" else ("log.csv", "loss")
    )
    assert ended[file][column][row] >= 12345
    ended[file][column][row] = expected[file][column][row]
    assert ended == expected


@pytest.fixture
def small_disk(tmp_path):
    """A file system whose size a test sets."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(disk)]
    mounted = subprocess.run(mount, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no small file system: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize(("name", "size"), [*zip(LONG, ["1M", "32k", "32k"], strict=True)])
def test_a_full_disk_is_named_and_room_is_all_it_takes(inputs, undisturbed, small_disk, name, size):
    resize = ["mount", "-o", "remount,size={}", str(small_disk)]
    line = command(name, inputs, small_disk)
    if name == "train_extractor":
        line[-1] = "1000"  # the log fits, the weights do not; the others fail at their checkpoint
    subprocess.run([part.format(size) for part in resize], check=True)
    failed = subprocess.run(line, capture_output=True, text=True)
    assert failed.returncode == 1
    message = failed.stderr.splitlines()[-1]
    assert message.startswith(f"error: {small_disk}/")
    assert message.endswith(": No space left on device")
    assert "Traceback" not in failed.stderr
    assert not list(small_disk.glob("*.out")), "half a file under a whole one's name"
    subprocess.run([part.format("64M") for part in resize], check=True)
    subprocess.run(line, check=True, capture_output=True)
    assert results(small_disk) == undisturbed(name)


def test_a_table_on_a_full_disk_is_named(small_disk, tmp_path):
    classes = pd.DataFrame({"item": range(20000), "class": 0, "probability": 1.0})
    classes.loc[0, "class"] = 1
    write_table(tmp_path / "classes.parquet", classes)
    done = subprocess.run(
        [
            *(sys.executable, SCRIPTS / "select_attacked.py", "--dataset", "shop"),
            *("--source-class", "0", "--target-class", "1"),
            *("--classes", tmp_path / "classes.parquet", "--output", small_disk / "a.parquet"),
        ],
        capture_output=True,
        text=True,
    )
    assert done.stderr.splitlines()[-1] == f"error: {small_disk}/a.parquet: No space left on device"
    assert list(small_disk.iterdir()) == []


def test_a_checkpoint_is_kept_for_its_job_only(tmp_path):
    one, other = (Checkpoint(tmp_path / "model", job, every=0) for job in ("one", "other"))
    assert one.load() is None
    one.save(lambda: {"epoch": 3, "weights": torch.ones(2)})
    assert one.load()["epoch"] == 3
    assert other.load() is None
    one.path.write_bytes(one.path.read_bytes()[:-20])
    assert one.load() is None
    one.remove()
    assert list(tmp_path.iterdir()) == []


def test_checkpoints_are_no_closer_than_asked_for(tmp_path):
    checkpoint = Checkpoint(tmp_path / "model", "job", every=1000)
    checkpoint.save(lambda: pytest.fail("written"))
    assert not checkpoint.path.exists()


def test_a_job_is_its_options_inputs_code_and_device(tmp_path):
    read, out = tmp_path / "read", tmp_path / "out"
    read.write_text("a")
    script, cpu = str(SCRIPTS / "train_recommender.py"), torch.device("cpu")

    def digest(method="vbpr", device=cpu, **options):
        given = argparse.Namespace(**{"seed": 1, "read": read, "out": out} | options)
        return resuming.job_digest(script, ("recommender", method), given, [read, None], device)

    first = digest()
    assert digest() == first
    assert digest(out=tmp_path / "elsewhere", checkpoint_every=5) == first
    others = [digest(seed=2), digest(method="amr"), digest(device=torch.device("cuda"))]
    read.write_text("b")
    assert len({first, digest(), *others}) == 5


def test_a_folder_that_is_read_counts_by_its_names(tmp_path):
    (tmp_path / "train").mkdir()

    def digest():
        given = argparse.Namespace(images=tmp_path)
        defense = ("defense", "free")
        script = str(SCRIPTS / "train_extractor.py")
        return resuming.job_digest(script, defense, given, [tmp_path], torch.device("cpu"))

    empty = digest()
    (tmp_path / "train" / "1.JPEG").write_bytes(b"a")
    one = digest()
    (tmp_path / "train" / "1.JPEG").write_bytes(b"b")
    assert empty != one == digest()
