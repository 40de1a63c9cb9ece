"""Cells by hand: what a job trains and ranks of several seeds, and under which threat."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cells
from cells import ATTACKED, ITEMS, evaluate, model, train, write_inputs
from varbench.storage import read_array, read_table, read_tensors_as_arrays, write_table

FILES = ("users.parquet", "items.parquet", "lists.npy", "digest.txt")


@pytest.fixture
def inputs(tmp_path):
    """What a cell reads; some users have an attacked item."""
    folder = write_inputs(tmp_path / "inputs")
    users = np.repeat(np.arange(cells.USERS), 4)
    items = (users + np.tile([0, 1, 3, 5], cells.USERS)) % ITEMS
    table = pd.DataFrame({"user": users, "item": items, "held_out": False})
    table.loc[3::4, "held_out"] = True
    write_table(folder / "interactions.parquet", table)
    return folder


def succeeds(done):
    assert done.returncode == 0, done.stderr
    return done


def test_seeds_of_a_cell_are_evaluated_as_if_alone(tmp_path):
    write_inputs(tmp_path)
    together, alone = tmp_path / "together", tmp_path / "alone"
    for output, *seeds in ((together, 1, 2), (alone, 1), (alone, 2)):
        succeeds(evaluate(tmp_path, output, *seeds, attacked=True))
    for seed in ("1", "2"):
        for name in FILES:
            assert (together / seed / name).read_bytes() == (alone / seed / name).read_bytes()
    lists = [read_array(alone / seed / "lists.npy") for seed in ("1", "2")]
    assert (lists[0] != lists[1]).any()


def test_seeds_of_a_cell_are_trained_as_if_alone(inputs, tmp_path):
    together, alone = tmp_path / "together", tmp_path / "alone"
    block = {"epochs": 3, "factors": 4}
    for output, seeds in ((together, (1, 2)), (alone, (1,)), (alone, (2,))):
        succeeds(train(inputs, output, seeds, attacked=True, **block))
    for seed in ("1", "2"):
        for name in ("model.safetensors", "halfway.safetensors", "digest.txt"):
            assert (together / seed / name).read_bytes() == (alone / seed / name).read_bytes()
        assert [path.name for path in (together / seed).glob(".*")] == [], "no checkpoint is left"


def stacked(line, stop_after=0):
    """Run a training command as on a GPU, where trainings are stacked; it prints how many each.

    stop_after : checkpoints that are written before it is killed
    """
    _, script, *options = line
    text = f"""
import os, sys
sys.path.insert(0, {str(Path(script).parent)!r})
import train_recommender
from varbench.experiment import command, recommending, resuming
sys.argv[1:] = {options!r}
recommending.STACKED = {{"cpu"}}
save, saved, resolve = resuming.Checkpoint.save, [], recommending.resolve
def counted(self, reached):
    save(self, reached)
    saved.append(self)
    if len(saved) == {stop_after}:
        os._exit(9)
def resolved(*names):
    def train(trainings, **options):
        print(len(trainings))
        return resolve(*names)(trainings, **options)
    return train
resuming.Checkpoint.save, recommending.resolve = counted, resolved
command.run(train_recommender.main)
"""
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True)


@pytest.mark.parametrize("method", ["vbpr", "amr"])
def test_a_stack_writes_what_trainings_one_by_one_write(inputs, tmp_path, method):
    """Killed between two epochs too, and where one training's checkpoint is an epoch ahead."""
    seeds, block = (1, 2, 3), {"epochs": 4, "factors": 4}
    starts = []
    if method == "amr":
        succeeds(train(inputs, tmp_path / "vbpr", seeds, attacked=True, **block))
        halfway = [str(tmp_path / "vbpr" / str(seed) / "halfway.safetensors") for seed in seeds]
        starts = ["--start", *halfway]
    block["method"] = method

    def line(out):
        return [*cells.training(inputs, tmp_path / out, seeds, attacked=True, **block), *starts]

    subprocess.run(line("alone"), check=True, capture_output=True)
    for stop_after, sizes in ((0, ["3"]), (5, ["2", "1"]), (6, ["3"])):
        out = f"stopped after {stop_after}"
        if stop_after:
            assert stacked(line(out), stop_after).returncode == 9
        assert succeeds(stacked(line(out))).stdout.split() == sizes
        for seed in seeds:
            alone, together = (tmp_path / name / str(seed) for name in ("alone", out))
            for name in ("model.safetensors", "halfway.safetensors", "digest.txt"):
                assert (together / name).read_bytes() == (alone / name).read_bytes()
            logs = [read_table(side / "training.csv") for side in (alone, together)]
            logs = [log.drop(columns="seconds") for log in logs]
            pd.testing.assert_frame_equal(*logs, check_exact=True)
            assert [path.name for path in together.glob(".*")] == [], "no checkpoint is left"


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_a_seed_more_leaves_the_first_as_it_is_and_says_so(inputs, tmp_path, command):
    def run(*seeds, **changed):
        if command == "train":
            return succeeds(train(inputs, tmp_path, seeds, epochs=2, factors=4, **changed))
        return succeeds(evaluate(inputs, tmp_path, *seeds, **changed))

    def written(seed):
        return {path: path.stat().st_mtime_ns for path in (tmp_path / str(seed)).iterdir()}

    assert " is there" not in run(1).stderr
    for path in (tmp_path / "1").iterdir():
        os.utime(path, (1, 1))
    first = written(1)
    done = run(1, 2)
    assert done.stderr.count(" is there") == 1
    assert f"{tmp_path}/1/" in done.stderr
    assert written(1) == first
    assert written(2).keys() == {tmp_path / "2" / path.name for path in first}
    # Other parameters, or half of the files: nothing of it is taken for this job's.
    second = written(2)
    next(iter(path for path in second if path.suffix != ".txt")).unlink()
    again = run(1, 2)
    assert again.stderr.count(" is there") == 1
    assert written(1) == first
    other = run(1, 2, **({"batch_size": 3} if command == "train" else {"k": 1}))
    assert " is there" not in other.stderr
    assert all(written(1)[path] > time for path, time in first.items())


@pytest.mark.parametrize("items", [ITEMS - 1, ITEMS + 1])
def test_a_model_of_another_catalogue_is_named(tmp_path, items):
    write_inputs(tmp_path)
    model(tmp_path / "1.safetensors", 1, items)
    done = evaluate(tmp_path, tmp_path / "out", 1)
    assert done.returncode == 1
    counts = f"item_factors has {items} rows where {ITEMS} are expected"
    assert done.stderr == f"error: {tmp_path}/1.safetensors: {counts}; delete it and run again\n"
    assert not (tmp_path / "out").exists()


def test_a_clean_cell_is_one_whose_attack_changed_nothing(inputs, tmp_path):
    clean = read_array(inputs / "clean.npy")
    np.save(inputs / "attacked.npy", clean[ATTACKED])
    models = []
    for name, attacked in (("clean", False), ("attacked", True)):
        succeeds(train(inputs, tmp_path / name, attacked=attacked, epochs=2, factors=4))
        models.append((tmp_path / name / "1" / "model.safetensors").read_bytes())
    assert models[0] == models[1]


def test_under_cold_start_the_attacked_items_are_unknown(inputs, tmp_path):
    """As if their interactions were not in the file, and their factors count as nothing."""
    cold = {"leave_out_attacked": True}
    block = {"epochs": 3, "factors": 4}
    succeeds(train(inputs, tmp_path / "cold", told=cold, **block))
    table = read_table(inputs / "interactions.parquet")
    write_table(inputs / "interactions.parquet", table[~table["item"].isin(ATTACKED)])
    succeeds(train(inputs, tmp_path / "left out", **block))
    found, expected = (
        read_tensors_as_arrays(tmp_path / name / "1" / "model.safetensors")
        for name in ("cold", "left out")
    )
    assert not found["item_factors"][ATTACKED].any()
    expected["item_factors"][ATTACKED] = 0
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


def test_under_cold_start_attacked_items_are_everyones_candidates(inputs, tmp_path):
    succeeds(evaluate(inputs, tmp_path / "warm", 1))
    succeeds(evaluate(inputs, tmp_path / "cold", 1, leave_out_attacked=True))
    warm, cold = (read_table(tmp_path / name / "1" / "items.parquet") for name in ("warm", "cold"))
    assert (cold["eligible"] == cells.USERS).all()
    assert (warm["eligible"] < cells.USERS).any()


def test_evasion_ranks_attacked_features_by_the_clean_model(inputs, tmp_path):
    """Scores are those of the equation: only the attacked items' E f changes."""
    succeeds(train(inputs, tmp_path, epochs=3, factors=4))
    stored = read_tensors_as_arrays(tmp_path / "1" / "model.safetensors")
    features = read_array(inputs / "clean.npy").copy()
    features[ATTACKED] = read_array(inputs / "attacked.npy")
    scaled = features.astype(np.float64) / stored["feature_scale"]
    scores = stored["user_factors"] @ stored["item_factors"].T
    scores = scores + stored["user_visual_factors"] @ (scaled @ stored["embedding"].T).T
    table = read_table(inputs / "interactions.parquet")
    known = table[~table["held_out"]]
    scores[known["user"], known["item"]] = -np.inf
    expected = np.argsort(-scores, axis=1, kind="stable")[:, : cells.LENGTH]
    done = cells.run(
        "evaluate_cell",
        {"length": cells.LENGTH, "k": 2, "source_class": 0},
        interactions=inputs / "interactions.parquet",
        attacked=inputs / "attacked.parquet",
        model=tmp_path / "1" / "model.safetensors",
        clean_features=inputs / "clean.npy",
        attacked_features=inputs / "attacked.npy",
        predicted_classes=inputs / "classes.parquet",
        per_user=tmp_path / "users.parquet",
        per_item=tmp_path / "items.parquet",
        lists=tmp_path / "lists.npy",
        digest=tmp_path / "digest.txt",
    )
    succeeds(done)
    np.testing.assert_array_equal(read_array(tmp_path / "lists.npy"), expected)


def test_a_command_takes_its_options_by_name(inputs, tmp_path):
    done = cells.run("evaluate_cell", {"k": 4, "length": 3}, **{})
    assert done.returncode == 2  # files are missing: a usage error that names them
    assert "--interactions" in done.stderr
    words = cells.training(inputs, tmp_path, epochs=1)
    assert json.loads(words[words.index("--options") + 1])["recommender"]["epochs"] == 1


def test_a_log_keeps_the_command_as_it_was_run(inputs, tmp_path):
    out, log = tmp_path / "it's $HOME", tmp_path / "log"
    command = cells.training(inputs, out, attacked=True, epochs=2, factors=4)
    with log.open("w") as file:
        subprocess.run(command, stderr=file, check=True)
    *_, kept, cost = log.read_text().splitlines()
    assert cost.startswith("cost: ")
    first = (out / "1" / "model.safetensors").read_bytes()
    (out / "1" / "digest.txt").unlink()
    (out / "1" / "model.safetensors").unlink()
    scripts = Path(command[1]).parent
    path = os.pathsep.join([str(scripts), str(Path(sys.executable).parent), os.environ["PATH"]])
    subprocess.run(
        ["sh", "-c", kept.removeprefix("command: ")], check=True, env={**os.environ, "PATH": path}
    )
    assert (out / "1" / "model.safetensors").read_bytes() == first
