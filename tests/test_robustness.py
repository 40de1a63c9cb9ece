"""Robust accuracy against closed forms, and what a collapsed network is."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import cells
from varbench.errors import InputError
from varbench.extractors import robustness
from varbench.extractors.networks import build
from varbench.image_archive import encode, write_images
from varbench.storage import read_table, write_table, write_tensors

CPU = torch.device("cpu")
OPTIONS = {"seed": 3, "batch_size": 7, "device": CPU, "epsilons": [4, 8]}


class Brightness(nn.Module):
    """Two classes, dark and bright: a linear network, whose robust accuracy is known."""

    def forward(self, images):
        margin = images.mean((1, 2, 3)) - 0.5
        return torch.stack([-margin, margin], 1) * 50


@pytest.fixture(scope="module")
def images():
    """Grey images, at distances from 127.5 that decide which radius they withstand."""
    levels = np.array([100, 122, 125, 127, 128, 130, 133, 134, 140, 200], np.uint8)
    return np.ones((len(levels), 4, 4, 3), np.uint8) * levels[:, None, None, None]


def levels_of(images):
    return images[:, 0, 0, 0].astype(float)


def test_robust_accuracy_of_a_linear_network_is_its_closed_form(images):
    labels = (levels_of(images) > 127.5).astype(np.int64)
    labels[0] = 1  # misclassified as it is
    found = robustness.measure(Brightness(), images, labels, **OPTIONS)
    distance = np.where(labels, levels_of(images) - 127.5, 127.5 - levels_of(images))
    assert found.clean == (distance > 0).mean() == 0.9
    assert found.robust == {e: (distance > e).mean() for e in (4, 8)}
    assert found.predictions.tolist() == (levels_of(images) > 127.5).astype(int).tolist()


def test_no_example_leaves_its_ball_and_larger_balls_hold_the_smaller_ones():
    """A real network: robust accuracy falls with epsilon, whatever the order it is asked for."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (20, 32, 32, 3), np.uint8)
    network = build("squeezenet1_1", 3, seed=1)
    labels = robustness.predict(network, pixels, 20, CPU)
    found = robustness.measure(network, pixels, labels, **OPTIONS | {"epsilons": [8, 0.5, 2]})
    shares = [found.robust[e] for e in (0.5, 2, 8)]
    assert found.clean == 1
    assert shares == sorted(shares, reverse=True)
    again = robustness.measure(network, pixels, labels, **OPTIONS | {"epsilons": [8, 0.5, 2]})
    assert again.robust == found.robust


def test_the_weakest_attack_allowed_has_twenty_steps(images):
    labels = np.zeros(len(images), np.int64)
    with pytest.raises(InputError, match="19 steps of PGD; give at least 20"):
        robustness.measure(Brightness(), images, labels, steps=19, **OPTIONS)
    with pytest.raises(InputError, match="no images"):
        robustness.measure(Brightness(), images[:0], labels[:0], **OPTIONS)
    with pytest.raises(InputError, match="must be positive"):
        robustness.measure(Brightness(), images, labels, **OPTIONS | {"epsilons": [0]})


LABELS = np.arange(160) % 16


def test_what_guesses_is_flagged_as_no_defense():
    always = np.zeros(160, np.int64)
    flags = robustness.collapsed(always, LABELS, robust_accuracy=1 / 16)
    assert flags == (
        "robust accuracy 0.06 is no better than guessing; predicts 1 of 16 classes; "
        "puts 100% of the images in two classes, which 12% are of"
    )
    assert robustness.collapsed(LABELS, LABELS, robust_accuracy=0.5) == ""
    assert robustness.collapsed(LABELS, LABELS) == ""
    assert robustness.collapsed(LABELS, LABELS, robust_accuracy=0.0).startswith("robust accuracy 0")


def test_two_classes_that_hold_most_are_flagged_unless_the_labels_are_so():
    """As the photographs' collapsed networks did: two classes hold two thirds, all are in use."""
    predictions = LABELS.copy()
    predictions[:106] = np.arange(106) % 2
    assert robustness.collapsed(predictions, LABELS, 0.9).startswith("puts 7")
    assert robustness.collapsed(predictions, predictions, 0.9) == ""


def test_guessing_the_commonest_of_unequal_classes_is_no_defense():
    labels = np.repeat([0, 1, 2], [80, 10, 10])
    assert "no better than guessing" in robustness.collapsed(labels, labels, robust_accuracy=0.8)
    assert robustness.collapsed(labels, labels, robust_accuracy=0.95) == ""


def test_the_command_measures_what_training_kept_out(tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (20, 32, 32, 3), np.uint8)
    labels = pd.DataFrame({"item": range(20), "class": rng.integers(0, 2, 20)})
    write_images(tmp_path / "images.zip", ((n, encode(image)) for n, image in enumerate(pixels)))
    write_table(tmp_path / "labels.parquet", labels)
    for seed in (1, 2):
        weights = build("squeezenet1_1", 2, seed=seed).network.state_dict()
        write_tensors(tmp_path / f"{seed}.safetensors", weights)
    options = {
        "network": {"architecture": "squeezenet1_1", "classes": 2},
        "epsilons": [4, 8],
        "steps": 20,
        "seed": 5,
        "batch_size": 8,
        "validation": 0.25,
        "defended": True,
    }
    done = cells.run(
        "measure_extractor",
        options,
        weights=tmp_path / "1.safetensors",
        undefended=tmp_path / "2.safetensors",
        image_archive=tmp_path / "images.zip",
        labels=tmp_path / "labels.parquet",
        accuracy=tmp_path / "row.parquet",
    )
    assert done.returncode == 0, done.stderr
    row = read_table(tmp_path / "row.parquet").iloc[0]
    assert [*row.index] == [
        *("held_out_images", "clean_accuracy", "robust_accuracy_4", "robust_accuracy_8"),
        *("classes_in_use", "agreement", "flags"),
    ]
    assert row["held_out_images"] == 5
    assert 0 <= row["robust_accuracy_8"] <= row["robust_accuracy_4"] <= row["clean_accuracy"] <= 1
