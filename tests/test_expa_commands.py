"""EXPA through its commands: the target item, the attack, and what is stored of it."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from varbench.extractors.extract import read_out
from varbench.extractors.networks import build, for_inference
from varbench.image_archive import ImageArchive, write_images
from varbench.storage import read_array, read_table, write_array, write_table, write_tensors

SCRIPTS = Path(__file__).parents[1] / "workflow" / "scripts"


def command(script, options, **paths):
    line = [sys.executable, str(SCRIPTS / f"{script}.py"), "--options", json.dumps(options)]
    for name, value in paths.items():
        line += [f"--{name.replace('_', '-')}", str(value)]
    return subprocess.run(line, capture_output=True, text=True)


TARGET = {"dataset": "shop", "target_class": 7, "target": "cowboy hat"}


def select(folder, classes, interactions):
    names = ("predicted_classes", "interactions", "target_item")
    files = {name: folder / f"{name}.parquet" for name in names}
    write_table(files["predicted_classes"], pd.DataFrame(classes))
    write_table(files["interactions"], pd.DataFrame(interactions))
    return command("select_target_item", TARGET, **files)


def test_the_target_item_is_the_categorys_most_popular_in_training(tmp_path):
    # Item 0 is another category's; 2 is the most popular only if held-out interactions count.
    taken = [0, 0, 0, 0, 0, 1, 2, 2, 2, 4, 4]
    held_out = [False] * 6 + [False, True, True] + [False, False]
    done = select(
        tmp_path,
        {"item": range(5), "class": [3, 7, 7, 7, 7]},
        {"user": range(11), "item": taken, "held_out": held_out},
    )
    assert done.returncode == 0, done.stderr
    assert read_table(tmp_path / "target_item.parquet").to_dict("list") == {"item": [4]}


def test_a_target_category_without_images_is_named(tmp_path):
    done = select(
        tmp_path, {"item": [0], "class": [3]}, {"user": [0], "item": [0], "held_out": [False]}
    )
    assert done.returncode == 1
    begin = (
        "error: datasets.shop.target_category: the undefended network sees no image as 'cowboy hat'"
    )
    assert done.stderr.startswith(begin)
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "target_item.parquet").exists()


def test_a_ceiling_of_a_category_without_images_is_named(tmp_path):
    names = ("predicted_classes", "interactions", "attacked", "clean_features")
    files = {name: tmp_path / f"{name}.parquet" for name in names}
    write_table(files["predicted_classes"], pd.DataFrame({"item": [0], "class": [3]}))
    taken = {"user": [0], "item": [0], "held_out": [False]}
    write_table(files["interactions"], pd.DataFrame(taken))
    write_table(files["attacked"], pd.DataFrame({"item": [0]}))
    write_array(files["clean_features"], np.zeros((1, 2), np.float32))
    out = {"attacked_features": tmp_path / "out.npy", "lenders": tmp_path / "lenders.parquet"}
    done = command("borrow_features", TARGET, **files, **out)
    assert done.returncode == 1
    assert "'cowboy hat', so a ceiling has nobody's features to give" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not any(path.exists() for path in out.values())


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    """Seven items, the last one's image of another size, and a network."""
    folder = tmp_path_factory.mktemp("catalogue")
    rng = np.random.default_rng(0)
    # Smooth, so that four grey levels mean something to a network of random weights.
    images = [np.full((32, 32, 3), rng.integers(60, 200, 3), np.uint8) for _ in range(6)]
    write_images(
        folder / "images", enumerate([*images, rng.integers(0, 256, (48, 40, 3), np.uint8)])
    )
    write_table(folder / "ids", pd.DataFrame({"id": [f"i{n}" for n in range(7)]}))
    write_table(folder / "attacked", pd.DataFrame({"item": [1, 2, 5]}))
    write_table(folder / "target_item", pd.DataFrame({"item": [6]}))
    network = {"architecture": "shufflenet_v2_x0_5", "classes": 2}
    extractor = build(**network, seed=0)
    write_tensors(folder / "weights", extractor.network.state_dict())
    clean = ImageArchive(folder / "images").read(range(7))
    seen = read_out(for_inference(extractor), clean, 1, torch.device("cpu"))
    write_array(folder / "features.npy", seen.features)
    return SimpleNamespace(folder=folder, network=network, extractor=extractor)


def attack(catalogue, out, *, with_target=True, **block):
    """Attack the images and, if that succeeds, read what the network sees in them."""
    folder = catalogue.folder
    common = {"network": catalogue.network, "target_class": 1, "batch_size": 2}
    shared = {"weights": folder / "weights", "image_archive": folder / "images"}
    shared |= {"target_item": folder / "target_item"} if with_target else {}
    written = {"attacked_images": out / "images", "search": out / "search.parquet"}
    done = command(
        "attack_images",
        common | {"attack": block, "seed": 3},
        **shared,
        item_ids=folder / "ids",
        attacked=folder / "attacked",
        device="cpu",
        **written,
    )
    if done.returncode:
        return done
    return command(
        "read_images",
        common | {"source_class": 0, "aims_at_class": "target_item" not in block},
        **shared,
        clean_features=folder / "features.npy",
        **written,
        attacked_features=out / "attacked_features.npy",
        outcome=out / "outcome.parquet",
        device="cpu",
    )


EXPA = {"method": "expa", "target_item": "most_popular", "epsilon": 8, "steps": 20}


def test_stored_images_are_nearer_to_the_target_item(catalogue, tmp_path):
    done = attack(catalogue, tmp_path, **EXPA, learning_rate=0.005)
    assert done.returncode == 0, done.stderr
    outcome = read_table(tmp_path / "outcome.parquet")
    assert (outcome["l_inf"] * 255 <= 8 + 1e-6).all()
    assert (outcome["iterations"] == 20).all()
    network = for_inference(catalogue.extractor)
    clean = ImageArchive(catalogue.folder / "images")
    reference = read_out(network, clean.read([6]), 1, torch.device("cpu")).features
    before = read_out(network, clean.read([1, 2, 5]), 3, torch.device("cpu")).features
    after = read_array(tmp_path / "attacked_features.npy")
    for when, features in (("before", before), ("after", after)):
        expected = np.linalg.norm(features - reference, axis=1)
        np.testing.assert_allclose(outcome[f"reference_distance_{when}"], expected, rtol=1e-4)
    assert (outcome["reference_distance_after"] < outcome["reference_distance_before"]).all()


def test_an_attack_without_its_target_item_is_one_clear_error(catalogue, tmp_path):
    done = attack(catalogue, tmp_path, with_target=False, **EXPA)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: --target-item: ")


def test_other_attacks_know_no_target_item(catalogue, tmp_path):
    done = attack(catalogue, tmp_path, with_target=False, method="fgsm", epsilon=4)
    assert done.returncode == 0, done.stderr
    columns = read_table(tmp_path / "outcome.parquet").columns
    assert not columns.str.startswith("reference_distance").any()
