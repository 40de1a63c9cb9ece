"""Each difference of the released code: its equations, and the stages that its switch reaches."""

import copy
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, minimize

import cells
from varbench.attacks.carlini_wagner import carlini_wagner
from varbench.attacks.fgsm import fgsm
from varbench.attacks.pgd import pgd
from varbench.experiment import protocol
from varbench.experiment.configuration import complete
from varbench.experiment.grid import Grid
from varbench.experiment.settings import Settings
from varbench.extractors.networks import build
from varbench.images import through_normalisation, to_bytes, to_unit
from varbench.storage import read_tensors_as_arrays, write_table

BASE = Path(__file__).parents[1]
STD = (0.229, 0.224, 0.225)
MEAN = (0.485, 0.456, 0.406)


def some_images(count=5):
    generator = torch.Generator().manual_seed(0)
    return (torch.rand(count, 3, 6, 6, generator=generator) * 1.4 - 0.2).clamp(0, 1)


def normalised(images):
    return (images - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)


def behind_normalisation():
    """A network of normalised images, as the released code attacks it."""
    generator = torch.Generator().manual_seed(1)
    first = torch.randn(16, 108, generator=generator) / 5
    second = torch.randn(4, 16, generator=generator)
    return lambda z: torch.nn.functional.softplus(z.flatten(1) @ first.T) @ second.T


@pytest.mark.parametrize("attack", [fgsm, pgd])
def test_epsilon_of_normalised_images_without_clipping(attack):
    """D1 and D3 are the attack's equations on the normalised image, which has no bounds."""
    images, targets, network = some_images(), torch.tensor([0, 1, 2, 3, 0]), behind_normalisation()
    options = {"random_start": False} if attack is pgd else {}
    attacked = attack(
        lambda x: network(normalised(x)), images, targets,
        seeds=range(5), batch_size=2, epsilon=8, scale=STD, clip=False, **options,
    ).images  # fmt: skip

    clean = normalised(images)
    z = clean.clone()
    steps, size = (10, 8 / 6 / 255) if attack is pgd else (1, 8 / 255)
    for _ in range(steps):
        z.requires_grad_()
        loss = torch.nn.functional.cross_entropy(network(z), targets, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, z)
        z = (z.detach() - size * gradient.sign()).clamp(clean - 8 / 255, clean + 8 / 255)
    torch.testing.assert_close(normalised(attacked), z, rtol=0, atol=2e-5)
    assert attacked.min() < 0
    assert attacked.max() > 1


def test_random_start_fills_the_ball_of_each_channel():
    images = torch.full((200, 3, 6, 6), 0.5)
    started = pgd(
        lambda x: x.flatten(1)[:, :2] * 0, images, torch.zeros(200, dtype=torch.long),
        seeds=range(200), batch_size=64, epsilon=8, steps=1, scale=STD,
    ).images  # fmt: skip
    farthest = (started - images).abs().amax((0, 2, 3)) * 255
    assert farthest.numpy() == pytest.approx(8 * np.array(STD), rel=1e-2)


def test_carlini_wagner_on_normalised_images_finds_the_nearest_of_them():
    """D14, on a linear model: the solver's least distance of normalised images, without bounds."""
    weights = torch.randn(2, 108, generator=torch.Generator().manual_seed(3)) / 10
    image = some_images(1)
    scores = weights @ image.flatten()
    weights[1] += (scores[0] - scores[1] - 1) * image.flatten() / image.square().sum()
    found = carlini_wagner(
        lambda x: x.flatten(1) @ weights.T, image, torch.tensor([1]),
        seeds=[0], batch_size=1, iterations=2000, binary_search_steps=9, learning_rate=0.02,
        initial_constant=1.0, abort_every=0, variable="normalised", scale=STD, storage="float",
    ).images  # fmt: skip

    deviations = torch.tensor(STD).view(3, 1, 1)
    slope = ((weights[1] - weights[0]).view(3, 6, 6) * deviations).flatten().double().numpy()
    lacking = float((weights[0] - weights[1]) @ image.flatten())
    assert lacking > 0
    nearest = minimize(
        lambda d: d @ d, np.zeros(108), jac=lambda d: 2 * d, method="SLSQP",
        constraints=LinearConstraint(slope, lb=lacking),
    )  # fmt: skip
    distance = ((found - image) / deviations).norm().item()
    assert distance == pytest.approx(np.sqrt(nearest.fun), rel=0.02)


@given(st.integers(0, 2**32 - 1))
def test_truncation_is_never_above_rounding(seed):
    images = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(seed))
    cut, rounded = to_bytes(images, truncate=True), to_bytes(images)
    assert (rounded.astype(int) - cut >= 0).all()
    assert (np.abs(images.permute(0, 2, 3, 1).numpy() * 255 - cut) < 1).all()
    assert np.array_equal(to_bytes(to_unit(rounded)), rounded)


def test_truncation_changes_images_that_nobody_attacked(tmp_path):
    """D2: 31.8 % of all values lose a grey level on the way that published images went."""
    every = np.tile(np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1), (1, 3, 3, 3))
    network = build("shufflenet_v2_x0_5", 3, seed=1)
    there = through_normalisation(to_unit(every), network.mean, network.std)
    assert np.array_equal(to_bytes(there), every)
    lost = every.astype(int) - to_bytes(there, truncate=True)
    assert set(np.unique(lost)) == {0, 1}
    assert lost.mean() == pytest.approx(0.318, abs=0.001)

    rounded, cut = (
        cells.attack_images(
            tmp_path,
            network,
            every,
            [0],
            {"attack": {"method": "fgsm", "epsilon": 1e-6, "saving": saving}, "batch_size": 1},
            saving,
        )[0]
        for saving in ("round", "truncate")
    )
    assert np.array_equal(rounded, every[0])
    change = cut.astype(int) - every[0]
    assert set(np.unique(change)) == {-1, 0}
    assert (change < 0).mean() > 0.25  # nearly as many: the attack has moved the smallest values


@pytest.mark.parametrize(("scale", "value"), [("clean", 4), ("attacked", 8)])
def test_scale_of_the_features(tmp_path, scale, value):
    """D9: the largest value of the clean catalogue, or of the attacked one, divides both."""
    inputs = cells.write_inputs(tmp_path)
    clean = np.zeros((cells.ITEMS, cells.WIDTH), np.float32)
    clean[1, 0] = -4
    attacked = np.zeros((2, cells.WIDTH), np.float32)
    attacked[0, 1] = 8
    np.save(inputs / "clean.npy", clean)
    np.save(inputs / "attacked.npy", attacked)
    taken = {"user": np.arange(15) // 3, "item": np.arange(15) % cells.ITEMS, "held_out": False}
    write_table(inputs / "interactions.parquet", pd.DataFrame(taken))
    done = cells.train(inputs, tmp_path, attacked=True, feature_scale=scale, epochs=1)
    assert done.returncode == 0, done.stderr
    model = read_tensors_as_arrays(tmp_path / "1" / "model.safetensors")
    assert model["feature_scale"] == value


def test_one_of_six_clean_cells_is_the_baseline_of_the_released_test(config):
    """D15: a listing's last file, in an order that nothing defines."""
    config["protocol"]["D15_baseline"] = "as_published"
    protocol.apply(config)
    found = set()
    for defense, recommender in product([*config["defenses"]], [*config["recommenders"]]):
        given = copy.deepcopy(config)
        given["metrics"]["last_listed"] = {"defense": defense, "recommender": recommender}
        baseline = Settings(Grid.of(given), BASE).baseline()
        found.add((baseline["defense"], baseline["recommender"]))
    assert len(found) == 6
    assert Settings(Grid.of(config), BASE).baseline() == {"defense": "FAT", "recommender": "amr"}


# Switches and variants


@pytest.fixture
def config():
    config = yaml.safe_load((BASE / "config.yaml").read_text())
    complete(config, BASE / "resources" / "config.schema.yaml")
    return config


def changed(one, other):
    """The sections of two configurations whose blocks differ."""
    return {section for section in one if one[section] != other[section]}


def test_every_switch_is_a_key_of_the_protocol_and_of_its_blocks(config):
    assert set(config["protocol"]) == {"preset", *protocol.SWITCHES}
    for name, switch in protocol.SWITCHES.items():
        section = config[switch.section]
        blocks = [section] if switch.section == "metrics" else section.values()
        concerned = [b for b in blocks if not switch.methods or b["method"] in switch.methods]
        assert concerned, name
        for block in concerned:
            assert block[switch.parameter] != switch.published, name


def test_the_corrected_protocol_changes_nothing(config):
    before = copy.deepcopy(config)
    protocol.apply(config)
    assert config == before


@pytest.mark.parametrize("name", protocol.SWITCHES)
def test_a_switch_reaches_its_own_stage_only(config, name):
    before = copy.deepcopy(config)
    config["protocol"][name] = "as_published"
    protocol.apply(config)
    assert changed(before, config) == {"protocol", protocol.SWITCHES[name].section}


def test_a_preset_and_all_its_switches_are_the_same(config):
    other = copy.deepcopy(config)
    config["protocol"]["preset"] = "as_published"
    other["protocol"] |= dict.fromkeys(protocol.SWITCHES, "as_published")
    for each in (config, other):
        protocol.apply(each)
    assert changed(config, other) == {"protocol"}
    described = protocol.describe(config["protocol"] | {"D8_regulariser": "corrected"})
    assert described == "as_published, D8_regulariser corrected"


GRID = {
    "datasets": ["mini_men"],
    "attacks": ["none", "fgsm_4", "cw"],
    "recommenders": ["vbpr", "amr"],
}


def test_variants_share_what_a_switch_does_not_reach(config):
    variants = protocol.variants(config, copy.deepcopy(config), GRID)
    assert set(variants) == set(protocol.protocols())
    assert variants["corrected"] == protocol.Variant(
        *({name: name for name in GRID[axis]} for axis in GRID), metrics=config["metrics"]
    )
    published = variants["as_published"]
    assert published.attack == {
        "none": "none", "fgsm_4": "fgsm_4+D1+D2+D3", "cw": "cw+D2+D14+D18",
    }  # fmt: skip
    assert published.dataset == {"mini_men": "mini_men+D12"}
    assert published.metrics["counted"] == "seen"
    squared = variants["as_published, D8_regulariser corrected"]
    assert squared.attack == published.attack
    assert squared.dataset == published.dataset
    assert squared.recommender["vbpr"] == "vbpr+D4+D9+D11"
    counted = variants["as_published, D6_counted_items corrected"]
    assert (counted.dataset, counted.attack, counted.recommender) == (
        published.dataset, published.attack, published.recommender,
    )  # fmt: skip
    assert counted.metrics == published.metrics | {"counted": "attacked"}
    assert config["datasets"]["mini_men+D12"]["catalogue"] == "mini_men+D12"


def test_some_variants_are_chosen(config):
    chosen = ["corrected", "as_published"]
    assert list(protocol.variants(config, copy.deepcopy(config), GRID, chosen)) == chosen


def test_variants_of_amr_start_from_their_own_vbpr(config):
    variants = protocol.variants(config, copy.deepcopy(config), GRID)
    blocks = config["recommenders"]
    assert blocks["amr"]["starts_from"] == "vbpr"
    assert blocks[variants["as_published"].recommender["amr"]]["starts_from"] is None
    started = variants["as_published, D10_amr_start corrected"].recommender
    assert blocks[started["amr"]]["starts_from"] == started["vbpr"]


def test_variants_of_a_published_experiment_share_its_cells(config):
    plain = copy.deepcopy(config)
    config["protocol"]["preset"] = "as_published"
    protocol.apply(config)
    variants = protocol.variants(config, plain, GRID)
    assert variants["as_published"].recommender == {"vbpr": "vbpr", "amr": "amr"}
    assert variants["corrected"].recommender["vbpr"] == "vbpr+corrected"
    assert config["recommenders"]["amr+corrected"]["starts_from"] == "vbpr+corrected"
