import subprocess
import sys

import lpips
import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st

from varbench.errors import InputError
from varbench.metrics import visual

torch.set_num_threads(1)
ARCHITECTURES = {"alex": "alexnet", "squeeze": "squeezenet1_1", "vgg": "vgg16"}


@pytest.fixture(scope="module")
def images():
    generator = torch.Generator().manual_seed(0)
    clean = torch.rand(5, 3, 64, 64, generator=generator)
    noise = torch.rand(3, *clean.shape, generator=generator) - 0.5
    scale = torch.tensor([0.02, 0.1, 0.5]).view(3, 1, 1, 1, 1)
    return clean, list((clean + scale * noise).clamp(0, 1))


def random_backbone(network):
    """Weights that nobody trained: equality with the lpips package does not depend on them."""
    torch.manual_seed(1)
    return getattr(torchvision.models, ARCHITECTURES[network])(weights=None)


@pytest.fixture(scope="module")
def squeeze():
    return visual.lpips_distance("squeeze", random_backbone("squeeze").state_dict())


@pytest.mark.parametrize("network", ARCHITECTURES)
def test_equal_to_the_lpips_package(network, images, monkeypatch):
    clean, attacked = images
    backbone = random_backbone(network)
    ours = visual.distances(
        visual.lpips_distance(network, backbone.state_dict()),
        clean,
        attacked,
        tile_pixels=2 * 64**2,
    )
    # Here lpips cuts the very same network into its slices by itself.
    monkeypatch.setattr(lpips.pretrained_networks.tv, ARCHITECTURES[network], lambda **_: backbone)
    theirs = lpips.LPIPS(net=network, verbose=False)
    with torch.no_grad():
        expected = torch.stack([theirs(clean, x, normalize=True).flatten() for x in attacked])
    assert ours.shape == (3, 5)
    assert expected.min() > 1e-5
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-6)


def test_zero_for_identical_symmetric_and_larger_for_more(squeeze, images):
    clean, attacked = images
    assert visual.distances(squeeze, clean, [clean]).eq(0).all()
    there = visual.distances(squeeze, clean, attacked)
    back = torch.cat([visual.distances(squeeze, x, [clean]) for x in attacked])
    torch.testing.assert_close(there, back, rtol=1e-6, atol=1e-9)
    assert (there.diff(dim=0) > 0).all()


@pytest.mark.parametrize("tile_pixels", [1, 2 * 64**2, 10**7])
def test_tiles_do_not_matter(squeeze, images, tile_pixels):
    clean, attacked = images
    tiled = visual.distances(squeeze, clean, attacked, tile_pixels=tile_pixels)
    alone = [
        visual.distances(squeeze, clean[i : i + 1], [x[i : i + 1]])[0, 0]
        for x in attacked
        for i in range(len(clean))
    ]
    torch.testing.assert_close(tiled.flatten(), torch.stack(alone), rtol=1e-5, atol=1e-7)


def test_clean_activations_are_computed_once(squeeze, images):
    clean, attacked = images
    passed = []
    hook = squeeze.network.net.register_forward_hook(
        lambda _m, given, _o: passed.append(len(given[0]))
    )
    visual.distances(squeeze, clean, attacked)
    hook.remove()
    assert sum(passed) == len(clean) * (1 + len(attacked))


def test_no_attacks_and_no_images(squeeze, images):
    clean, _ = images
    assert visual.distances(squeeze, clean, []).shape == (0, 5)
    assert visual.distances(squeeze, clean[:0], [clean[:0]]).shape == (1, 0)


@pytest.mark.parametrize("spoilt", [255.0, -0.01, float("nan")])
def test_values_outside_the_unit_range_are_refused(squeeze, images, spoilt):
    clean, _ = images
    broken = clean.clone()
    broken[3, 1, 5, 7] = spoilt
    with pytest.raises(ValueError, match=r"outside \[0, 1\]"):
        visual.distances(squeeze, clean, [broken])


def test_different_shapes_are_refused(squeeze, images):
    clean, _ = images
    with pytest.raises(ValueError, match="different shape"):
        visual.distances(squeeze, clean, [clean[:1]])
    with pytest.raises(ValueError, match="different shape"):
        visual.feature_losses(np.zeros((4, 3)), np.zeros((1, 3)))


def test_weights_of_another_network_are_named():
    weights = random_backbone("alex").state_dict()
    with pytest.raises(InputError, match=r"SqueezeNet1_1.*features.*nothing"):
        visual.lpips_distance("squeeze", {"conv.weight": weights["features.0.weight"]})
    with pytest.raises(InputError, match=r"features\.0\.weight should be \(64, 3, 3, 3\)"):
        visual.lpips_distance("squeeze", weights)
    with pytest.raises(InputError, match="resnet"):
        visual.lpips_distance("resnet", weights)


def test_download(monkeypatch, images):
    clean, attacked = images
    backbone = random_backbone("squeeze")
    weights = torchvision.models.SqueezeNet1_1_Weights.IMAGENET1K_V1
    monkeypatch.setattr(type(weights), "get_state_dict", lambda *_a, **_k: backbone.state_dict())
    downloaded = visual.lpips_distance("squeeze")
    given_ = visual.lpips_distance("squeeze", backbone.state_dict())
    assert torch.equal(
        visual.distances(downloaded, clean, attacked), visual.distances(given_, clean, attacked)
    )

    def offline(*_a, **_k):
        raise OSError("no route to host")

    monkeypatch.setattr(type(weights), "get_state_dict", offline)
    with pytest.raises(InputError, match=r"could not download.*no route to host.*stand-in"):
        visual.lpips_distance("squeeze")


def test_stand_in_is_seeded_and_never_called_lpips(images):
    clean, attacked = images
    before = torch.get_rng_state()
    metric = visual.stand_in_distance("squeeze")
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(99)
    again, other = visual.stand_in_distance("squeeze"), visual.stand_in_distance("squeeze", seed=1)
    values = visual.distances(metric, clean, attacked)
    assert torch.equal(values, visual.distances(again, clean, attacked))
    assert not torch.allclose(values, visual.distances(other, clean, attacked))
    assert (values.diff(dim=0) > 0).all()
    assert visual.distances(metric, clean, [clean]).eq(0).all()
    assert metric.label == "random-squeeze distance (seed 0, not LPIPS)"
    assert not metric.is_lpips
    assert other.label == "random-squeeze distance (seed 1, not LPIPS)"


def test_lpips_is_named_with_its_network(squeeze):
    assert squeeze.is_lpips
    assert squeeze.label == "LPIPS (squeeze)"


def test_rates_need_no_torch():
    code = "import sys, varbench.metrics.visual; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


classes = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=30)


@given(classes, st.integers(0, 3))
def test_success_rates_by_counting(pairs, target):
    before, after = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    rate, new = visual.success_rates(before, after, target)
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
