"""EXPA by its equations, on linear features with known optima, and through its commands."""

import json
import math
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear
from torch import nn

from varbench.attacks.expa import expa
from varbench.attacks.noise import noise
from varbench.errors import InputError
from varbench.extractors.extract import read_out
from varbench.extractors.networks import build, for_inference
from varbench.image_archive import ImageArchive, write_images
from varbench.storage import read_array, read_table, write_array, write_table, write_tensors

SCRIPTS = Path(__file__).parents[1] / "workflow" / "scripts"
PIXELS = 3 * 6 * 6


class SmallNet(nn.Module):
    """Features are averages of a map, as an extractor's; images may have any size."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(3)
            self.map = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Softplus(), nn.Conv2d(8, 16, 3))
            self.head = nn.Linear(16, 4)
        self.eval().requires_grad_(False)

    def features_and_logits(self, x):
        features = self.map(x).square().mean(dim=(2, 3))
        return features, self.head(features)

    def forward(self, x):
        return self.features_and_logits(x)[1]


class Linear:
    """Features are a matrix times the pixels."""

    def __init__(self, matrix):
        self.matrix = matrix

    def features_and_logits(self, x):
        features = x.flatten(1) @ self.matrix.T
        return features, features[:, :2]

    def __call__(self, x):
        return self.features_and_logits(x)[1]


def some_images(count=6, seed=0):
    """Return images, some of their pixels at 0 and at 1, and references from other images."""
    generator = torch.Generator().manual_seed(seed)
    images = (torch.rand(count, 3, 6, 6, generator=generator) * 1.4 - 0.2).clamp(0, 1)
    others = torch.rand(count, 3, 9, 7, generator=generator)
    return images, SmallNet().features_and_logits(others)[0]


def run(model, images, references, **parameters):
    options = {"seeds": range(len(images)), "batch_size": 4, "steps": 40, "learning_rate": 0.005}
    targets = torch.zeros(len(images), dtype=torch.int64)
    return expa(model, images, targets, references=references, **options | parameters)


def distances(model, images, references):
    return (model.features_and_logits(images)[0] - references).norm(dim=1)


def plain_expa(net, clean, reference, epsilon, steps, learning_rate, power=2, start=None):
    """Adam as in its paper (Kingma and Ba, Algorithm 1), for one image."""
    x = clean if start is None else start
    m, v = torch.zeros_like(clean), torch.zeros_like(clean)
    best, best_loss = x, math.inf
    for t in range(1, steps + 1):
        tried = x.clone().requires_grad_()
        loss = (net.features_and_logits(tried[None])[0][0] - reference).norm() ** power
        (g,) = torch.autograd.grad(loss, tried)
        if loss.item() < best_loss:
            best, best_loss = x, loss.item()
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        x = x - learning_rate * m_hat / (v_hat.sqrt() + 1e-8)
        x = torch.minimum(torch.maximum(x, clean - epsilon), clean + epsilon).clamp(0, 1)
    return best


def test_expa_is_its_equations():
    net, (images, references) = SmallNet(), some_images()
    found = run(net, images, references, epsilon=6, steps=12)
    expected = [
        plain_expa(net, image, reference, 6 / 255, 12, 0.005)
        for image, reference in zip(images, references, strict=True)
    ]
    torch.testing.assert_close(found.images, torch.stack(expected), rtol=0, atol=1e-4)
    assert found.iterations.tolist() == [12] * 6


def test_the_other_form_starts_at_random_and_minimises_the_distance_itself():
    net, (images, references) = SmallNet(), some_images()
    options = {"epsilon": 6, "steps": 6, "form": "vbpr"}
    found = run(net, images, references, **options, learning_rate=None).images
    targets = torch.zeros(6, dtype=torch.int64)
    start = noise(net, images, targets, seeds=range(6), batch_size=6, epsilon=6).images
    expected = [
        plain_expa(net, image, reference, 6 / 255, 6, 1e-2, 1, begun)
        for image, reference, begun in zip(images, references, start, strict=True)
    ]
    assert ((found - torch.stack(expected)).abs() > 1e-3).float().mean() < 0.01
    assert torch.equal(run(net, images, references, **options, learning_rate=0.01).images, found)
    other = run(net, images, references, **options, learning_rate=0.01, seeds=range(6, 12)).images
    assert not torch.equal(other, found)


def test_the_first_form_is_the_default_with_its_own_rate():
    net, (images, references) = SmallNet(), some_images()
    found = run(net, images, references, epsilon=6, steps=6, learning_rate=None).images
    named = run(
        net, images, references, epsilon=6, steps=6, learning_rate=1e-3, form="dvbpr"
    ).images
    assert torch.equal(found, named)
    with pytest.raises(InputError, match="form: 'amr' is unknown; known: dvbpr, vbpr"):
        run(net, images, references, epsilon=6, form="amr")


def test_the_nearest_pixels_of_the_ball_are_found_where_features_are_pixels():
    images, _ = some_images()
    scale = torch.linspace(0.5, 2, PIXELS)
    wanted = torch.rand(6, 3, 6, 6, generator=torch.Generator().manual_seed(1))
    model = Linear(torch.diag(scale))
    found = run(model, images, wanted.flatten(1) * scale, epsilon=32, steps=600, learning_rate=1e-3)
    low, high = (images - 32 / 255).clamp(0, 1), (images + 32 / 255).clamp(0, 1)
    nearest = torch.minimum(torch.maximum(wanted, low), high)
    # Within a grey level: Adam's last steps still swing around the optimum.
    torch.testing.assert_close(found.images, nearest, rtol=0, atol=1 / 255)


def test_the_optimum_of_linear_features_is_scipys():
    images, _ = some_images(3)
    generator = torch.Generator().manual_seed(2)
    matrix = torch.randn(20, PIXELS, generator=generator)
    references = torch.randn(3, 20, generator=generator) * 40  # out of reach: the ball binds
    found = run(Linear(matrix), images, references, epsilon=8, steps=600, learning_rate=1e-3)
    reached = distances(Linear(matrix), found.images, references)
    for image, reference, distance in zip(images, references, reached, strict=True):
        x = image.flatten().double().numpy()
        bounds = np.maximum(x - 8 / 255, 0), np.minimum(x + 8 / 255, 1)
        best = lsq_linear(matrix.double().numpy(), reference.double().numpy(), bounds)
        assert distance.item() == pytest.approx(math.sqrt(2 * best.cost), rel=1e-4)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6), epsilon=st.floats(0.1, 64), rate=st.floats(1e-4, 1))
def test_it_stays_in_the_ball_and_never_moves_away(seed, epsilon, rate):
    net, (images, references) = SmallNet(), some_images(seed=seed)
    found = run(net, images, references, epsilon=epsilon, steps=6, learning_rate=rate).images
    assert (found - images).abs().max() <= epsilon / 255 + 1e-6
    assert found.min() >= 0
    assert found.max() <= 1
    before, after = (distances(net, x, references) for x in (images, found))
    assert (after <= before + 1e-5).all()


def test_a_larger_ball_comes_closer():
    net, (images, references) = SmallNet(), some_images()
    reached = [
        distances(net, run(net, images, references, epsilon=e).images, references)
        for e in (1, 4, 16)
    ]
    start = distances(net, images, references)
    assert (reached[0] < start).all()
    assert (reached[1] < reached[0]).all()
    assert (reached[2] < reached[1]).all()


@settings(deadline=None, max_examples=10)
@given(batch_size=st.integers(1, 8), order=st.permutations(range(6)))
def test_an_image_is_attacked_alike_in_any_batch(batch_size, order):
    net, (images, references) = SmallNet(), some_images()
    expected = run(net, images, references, epsilon=8, steps=8).images[order]
    got = run(net, images[order], references[order], epsilon=8, steps=8, batch_size=batch_size)
    torch.testing.assert_close(got.images, expected, rtol=0, atol=1e-4)


def test_arguments_stay_as_they_were_and_evaluations_are_counted():
    net, (images, references) = SmallNet(), some_images()
    kept, seen = images.clone(), []

    class Counting(Linear):
        def features_and_logits(self, x):
            seen.append(len(x))
            return net.features_and_logits(x)

    with torch.no_grad():
        found = run(Counting(None), images, references, epsilon=8, steps=5)
    assert torch.equal(images, kept)
    assert not images.requires_grad
    assert images.grad is None
    assert seen.pop(0) == 1  # the check of the targets
    assert found.iterations.sum() == sum(seen) == 30


def test_no_images_give_no_images():
    images, references = some_images()
    assert run(SmallNet(), images[:0], references[:0], epsilon=8).images.shape == (0, 3, 6, 6)


@pytest.mark.parametrize(
    ("key", "values"),
    [("epsilon", [0, 256]), ("steps", [0, 1, 2.5]), ("learning_rate", [0, math.inf, "fast"])],
)
def test_a_bad_parameter_is_an_input_error_that_names_it(key, values):
    for value in values:
        with pytest.raises(InputError, match=f"^{key}: {value!r} is not a"):
            run(SmallNet(), *some_images(), **{"epsilon": 8} | {key: value})


@pytest.mark.parametrize("references", [(5, 16), (16,), (6, 15), (6, 1)])
def test_references_that_do_not_fit_are_refused(references):
    images, _ = some_images()
    with pytest.raises(ValueError, match=r"references are \("):
        run(SmallNet(), images, torch.zeros(references), epsilon=8)


# The commands.


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
