import lpips
import pytest
import torch
import torchvision

from varbench.errors import InputError
from varbench.metrics import perceptual

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
    return perceptual.lpips_model("squeeze", random_backbone("squeeze").state_dict())


@pytest.mark.parametrize("network", ARCHITECTURES)
def test_equal_to_the_lpips_package(network, images, monkeypatch):
    clean, attacked = images
    backbone = random_backbone(network)
    ours = perceptual.distances(
        perceptual.lpips_model(network, backbone.state_dict()),
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
    assert perceptual.distances(squeeze, clean, [clean]).eq(0).all()
    there = perceptual.distances(squeeze, clean, attacked)
    back = torch.cat([perceptual.distances(squeeze, x, [clean]) for x in attacked])
    torch.testing.assert_close(there, back, rtol=1e-6, atol=1e-9)
    assert (there.diff(dim=0) > 0).all()


@pytest.mark.parametrize("tile_pixels", [1, 2 * 64**2, 10**7])
def test_tiles_do_not_matter(squeeze, images, tile_pixels):
    clean, attacked = images
    tiled = perceptual.distances(squeeze, clean, attacked, tile_pixels=tile_pixels)
    alone = [
        perceptual.distances(squeeze, clean[i : i + 1], [x[i : i + 1]])[0, 0]
        for x in attacked
        for i in range(len(clean))
    ]
    torch.testing.assert_close(tiled.flatten(), torch.stack(alone), rtol=1e-5, atol=1e-7)


def test_clean_activations_are_computed_once(squeeze, images):
    clean, attacked = images
    passed = []
    hook = squeeze.net.register_forward_hook(lambda _m, given, _o: passed.append(len(given[0])))
    perceptual.distances(squeeze, clean, attacked)
    hook.remove()
    assert sum(passed) == len(clean) * (1 + len(attacked))


def test_no_attacks_and_no_images(squeeze, images):
    clean, _ = images
    assert perceptual.distances(squeeze, clean, []).shape == (0, 5)
    assert perceptual.distances(squeeze, clean[:0], [clean[:0]]).shape == (1, 0)


@pytest.mark.parametrize("spoilt", [255.0, -0.01, float("nan")])
def test_values_outside_the_unit_range_are_refused(squeeze, images, spoilt):
    clean, _ = images
    broken = clean.clone()
    broken[3, 1, 5, 7] = spoilt
    with pytest.raises(ValueError, match=r"outside \[0, 1\]"):
        perceptual.distances(squeeze, clean, [broken])


def test_different_shapes_are_refused(squeeze, images):
    clean, _ = images
    with pytest.raises(ValueError, match="different shape"):
        perceptual.distances(squeeze, clean, [clean[:1]])


def test_weights_of_another_network_are_named():
    weights = random_backbone("alex").state_dict()
    with pytest.raises(InputError, match=r"SqueezeNet1_1.*features.*nothing"):
        perceptual.lpips_model("squeeze", {"conv.weight": weights["features.0.weight"]})
    with pytest.raises(InputError, match=r"features\.0\.weight should be \(64, 3, 3, 3\)"):
        perceptual.lpips_model("squeeze", weights)
    with pytest.raises(InputError, match="resnet"):
        perceptual.lpips_model("resnet", weights)
