"""Long jobs that are killed or fill the disk go on where they were, and end with the same bytes."""

import argparse
import signal
import subprocess
import time
from copy import deepcopy
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import cells
import grid
from varbench.experiment import resuming
from varbench.experiment.parts import Finished
from varbench.experiment.resuming import Checkpoint
from varbench.extractors.networks import build
from varbench.image_archive import write_images
from varbench.storage import read_table, write_array, write_table, write_tensors

NETWORK = {"architecture": "shufflenet_v2_x0_5", "classes": 2}
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
    write_array(folder / "attacked.npy", rng.random((20, 16), np.float32))
    chosen = np.concatenate([rng.choice(items, 8, replace=False) for _ in range(users)])
    table = pd.DataFrame({"user": np.repeat(range(users), 8), "item": chosen})
    write_table(
        folder / "interactions.parquet", table.assign(held_out=[*[False] * 7, True] * users)
    )
    return folder


def command(name: str, inputs: Path, out: Path, **changed: object) -> list[str]:
    """Return the command line of a long job; ``changed`` replaces parameters of its method."""
    if name == "train_recommender":
        return cells.training(inputs, out, (3,), attacked=True, **{"epochs": 300, **changed})
    if name == "attack_images":
        attack = {"method": "carlini_wagner", "iterations": 12, "binary_search_steps": 2}
        told = {"attack": attack | changed, "target_class": 1, "batch_size": 8}
        files = {"weights": "network", "item_ids": "ids.parquet", "attacked": "attacked.parquet"}
    else:
        defense = {"method": "free", "epochs": 12, "replays": 2, **TRAINING}
        told = {"defense": defense | changed, "validation": 0.1, "image_size": 32}
        files = {"labels": "labels.parquet"}
    outputs = {
        "train_extractor": {"weights": "weights.out", "training_log": "log.csv"},
        "attack_images": {"attacked_images": "images.out", "search": "search.parquet"},
    }[name]
    return cells.line(
        name,
        {"network": NETWORK, "seed": 3, **told},
        image_archive=inputs / "images.zip",
        **{option: inputs / file for option, file in files.items()},
        **{option: out / file for option, file in outputs.items()},
        device="cpu",
        checkpoint_every=0,
    )


def checkpoint_of(name: str, out: Path) -> Path:
    output = {
        "train_extractor": "weights.out",
        "attack_images": "images.out",
        "train_recommender": "3/model.safetensors",
    }[name]
    path = out / output
    return path.with_name(f".{path.name}.checkpoint")


def begun(name: str, checkpoint: Path) -> bool:
    """Say whether a job has reached something that a test can put a mark in."""
    if name != "train_extractor" or not checkpoint.exists():
        return checkpoint.exists()
    return bool(torch.load(checkpoint, weights_only=True)["reached"]["epochs"])


def results(out: Path) -> dict[str, object]:
    """Return the content of the files that a job wrote; seconds differ from run to run."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        if path.suffix not in (".csv", ".parquet")
        else read_table(path).drop(columns="seconds", errors="ignore").to_dict("list")
        for path in out.rglob("*")
        if path.is_file()
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
    file, column = {
        "attack_images": ("search.parquet", "iterations"),
        "train_extractor": ("log.csv", "loss"),
        "train_recommender": ("3/training.csv", "loss"),
    }[name]
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
        line[line.index("--checkpoint-every") + 1] = (
            "1000"  # the log fits, the weights do not; the others fail at their checkpoint
        )
    subprocess.run([part.format(size) for part in resize], check=True)
    failed = subprocess.run(line, capture_output=True, text=True)
    assert failed.returncode == 1
    message = failed.stderr.splitlines()[-1]
    assert message.startswith(f"error: {small_disk}/")
    assert message.endswith(": No space left on device")
    assert "Traceback" not in failed.stderr
    whole = [*small_disk.rglob("*.out"), *small_disk.rglob("*.safetensors")]
    assert not whole, "half a file under a whole one's name"
    subprocess.run([part.format("64M") for part in resize], check=True)
    subprocess.run(line, check=True, capture_output=True)
    assert results(small_disk) == undisturbed(name)


def test_a_table_on_a_full_disk_is_named(small_disk, tmp_path):
    classes = pd.DataFrame({"item": range(20000), "class": 0, "probability": 1.0})
    classes.loc[0, "class"] = 1
    write_table(tmp_path / "classes.parquet", classes)
    popular = pd.DataFrame({"user": [0], "item": [0], "held_out": [False]})
    write_table(tmp_path / "interactions.parquet", popular)
    done = cells.run(
        "select_attacked",
        {
            **{"dataset": "shop", "source_class": 0, "target_class": 1, "seed": 0},
            "categories": {"source": "boot", "target": "hat"},
            "budget": {"items": "all", "choose": "least_popular"},
        },
        predicted_classes=tmp_path / "classes.parquet",
        interactions=tmp_path / "interactions.parquet",
        attacked=small_disk / "a.parquet",
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
    read, other = tmp_path / "read", tmp_path / "other"
    read.write_text("a")
    other.write_text("b")

    def digest(code="c", device="cpu", inputs=(read, other), **told):
        return resuming.job_digest({"seed": 1, "name": "x"} | told, code, inputs, device)

    first = digest()
    assert digest() == digest(name="x", seed=1) == first
    changed = [digest(seed=2), digest(code="d"), digest(device="cuda"), digest(inputs=[read])]
    changed += [digest(inputs=(other, read)), digest(inputs=(read, None)), digest(more=None)]
    changed.append(digest(seed="x", name=1))  # values that change places
    read.write_text("c")
    assert len({first, digest(), *changed}) == len(changed) + 2


def test_a_folder_that_is_read_counts_by_its_names(tmp_path):
    (tmp_path / "train").mkdir()

    def digest():
        return resuming.job_digest({}, "c", [tmp_path], "cpu")

    empty = digest()
    (tmp_path / "train" / "1.JPEG").write_bytes(b"a")
    one = digest()
    (tmp_path / "train" / "1.JPEG").write_bytes(b"b")
    assert empty != one == digest()


def test_the_code_of_a_job_is_its_commands_and_methods():
    def code(script="train_recommender", method="vbpr", given=None):
        options = argparse.Namespace(code=given)
        path = str(grid.BASE / "workflow" / "scripts" / f"{script}.py")
        return resuming.code_of(options, path, "recommender", method)

    assert code() == code()
    assert code(given="1234") == "1234"
    assert len({code(), code(method="amr"), code(script="evaluate_cell")}) == 3


def test_results_are_finished_for_their_job_only(tmp_path):
    mark, output = tmp_path / "digest.txt", tmp_path / "out"
    one, other = (Finished(mark, job, [output]) for job in ("one", "other"))
    assert not one.there()
    one.begin()
    output.write_text("made")
    assert not one.there(), "made, and not known to be whole"
    one.finish()
    assert one.there()
    assert not other.there()
    output.unlink()
    assert not one.there()
    output.write_text("made")
    other.begin()
    assert not one.there(), "another job's are in the making"
