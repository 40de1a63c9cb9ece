import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from varbench.metrics import stand_in, visual
from varbench.metrics.stand_in import label, stand_in_distances
from varbench.seeds import derive


def noisy(images, scale):
    noise = np.random.default_rng(1).normal(scale=scale, size=(len(images), 40, 30, 3))
    return [
        np.clip(image + n, 0, 255).astype(np.uint8) for image, n in zip(images, noise, strict=True)
    ]


def test_stand_in_is_seeded_and_rises_with_the_change():
    images = list(np.random.default_rng(0).integers(0, 256, (4, 40, 30, 3), np.uint8))
    assert (stand_in_distances(images, [images]) == 0).all()
    values = stand_in_distances(images, [noisy(images, s) for s in (2, 8, 32)])
    assert (values[0] > 0).all()
    assert (np.diff(values, axis=0) > 0).all()
    attacked = noisy(images, 8)
    np.testing.assert_array_equal(values[1], stand_in_distances(images, [attacked])[0])
    np.testing.assert_allclose(values[1:2], stand_in_distances(attacked, [images]), rtol=1e-6)
    alone = stand_in_distances(images[2:3], [attacked[2:3]])
    np.testing.assert_array_equal(values[1:2, 2:3], alone)
    assert not np.allclose(values[1], stand_in_distances(images, [attacked], seed=1))
    assert stand_in_distances(images, []).shape == (0, 4)


def test_stand_in_convolves_as_torch_does():
    image = np.random.default_rng(2).integers(0, 256, (21, 16, 3), np.uint8)
    random = np.random.default_rng(derive("perceptual stand-in", 0))
    x = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1
    for ours in stand_in._activations(image, 0):
        filters = torch.from_numpy(random.normal(size=(len(ours), x.shape[1], 3, 3))).float()
        padded = torch.nn.functional.pad(x, (1, 1, 1, 1), mode="replicate")
        x = torch.nn.functional.conv2d(padded, filters, stride=2).relu() / (3 * x.shape[1] ** 0.5)
        unit = torch.nn.functional.normalize(x[0], dim=0)
        np.testing.assert_allclose(ours, unit, rtol=1e-4, atol=1e-5)


def test_stand_in_is_never_called_lpips():
    assert label() == "random-convolutions distance (seed 0, not LPIPS)"


def test_different_shapes_are_refused():
    with pytest.raises(ValueError, match="different shape"):
        visual.feature_losses(np.zeros((4, 3)), np.zeros((1, 3)))
    small = np.zeros((8, 8, 3), np.uint8)
    for width in (7, 9):
        with pytest.raises(ValueError, match="different shape"):
            stand_in_distances([small], [[np.zeros((8, width, 3), np.uint8)]])


@pytest.mark.parametrize("module", ["visual", "stand_in"])
def test_only_lpips_needs_torch(module):
    code = f"import sys, varbench.metrics.{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


classes = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=30)


@given(classes, st.integers(0, 3))
def test_success_rates_by_counting(pairs, target):
    before, after = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    rate, new = visual.success_rates(after == target, before == target)
    moved = [a for b, a in pairs if b != target]
    for value, of in ((rate, [a for _, a in pairs]), (new, moved)):
        if of:
            assert value == pytest.approx(of.count(target) / len(of))
        else:
            assert np.isnan(value)


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_feature_loss_by_hand(n, d, seed):
    random = np.random.default_rng(seed)
    clean, attacked = random.normal(size=(2, n, d)).astype(np.float32)
    losses = visual.feature_losses(clean, attacked)
    for i in range(n):
        total = sum((float(clean[i, j]) - float(attacked[i, j])) ** 2 for j in range(d))
        assert losses[i] == pytest.approx(total / d, rel=1e-12)


def test_tiny_feature_losses_keep_their_digits():
    clean = np.full((1, 2048), 1.0, dtype=np.float32)
    attacked = clean + np.float32(2**-20)
    assert visual.feature_losses(clean, attacked)[0] == 2.0**-40


def test_losses_over_the_variance_do_not_depend_on_the_features_unit():
    random = np.random.default_rng(0)
    catalogue, attacked = random.normal(3, 2, (500, 8)), random.normal(3, 2, (500, 8))
    ratios = [
        visual.feature_losses(unit * catalogue, unit * attacked).mean()
        / visual.feature_variance((unit * catalogue).astype(np.float32))
        for unit in (1, 0.01)
    ]
    assert ratios[0] == pytest.approx(ratios[1], rel=1e-4)
    assert ratios[0] == pytest.approx(2, rel=0.1)  # two items drawn at random
    assert np.isnan(visual.feature_variance(np.ones((3, 2))))
