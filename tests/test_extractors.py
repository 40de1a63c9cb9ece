"""Extractors: features, normalisation, folding, strict loading, reading out."""

import numpy as np
import pytest
import torch
from torchvision.models import resnet18, squeezenet1_1
from torchvision.transforms import Normalize

from varbench.errors import InputError
from varbench.extractors.checkpoints import read_checkpoint
from varbench.extractors.extract import read_out
from varbench.extractors.networks import build, for_inference, load_weights
from varbench.images import to_bytes, to_unit

IMAGES = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
ARCHITECTURES = [
    ("resnet18", 512),
    ("squeezenet1_1", 512),
    ("mobilenet_v3_small", 576),
    ("shufflenet_v2_x0_5", 1024),
    ("vgg11", 512),
    ("densenet121", 1024),
    ("regnet_y_400mf", 440),
]


def trained(architecture: str, classes: int = 5):
    """A network whose batch norms have statistics of their own."""
    network = build(architecture, classes, seed=1)
    with torch.no_grad():
        for _ in range(3):
            network.train()(torch.rand(8, 3, 64, 64))
    return network.eval()


def test_pixels_survive_the_round_trip():
    every_value = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    assert np.array_equal(to_bytes(to_unit(every_value)), every_value)
    nudged = to_unit(every_value) + 0.4 / 255
    assert np.array_equal(to_bytes(nudged), every_value)


@pytest.mark.parametrize(("architecture", "dimension"), ARCHITECTURES)
def test_features_and_logits_come_from_one_forward(architecture, dimension):
    network = trained(architecture)
    passes = []
    network.network.register_forward_hook(lambda *args: passes.append(args))
    with torch.no_grad():
        features, logits = network.features_and_logits(IMAGES)
    assert len(passes) == 1
    assert (network.feature_dim, network.classes) == (dimension, 5)
    assert features.shape == (3, dimension)
    with torch.no_grad():
        torch.testing.assert_close(logits, network(IMAGES))


@pytest.mark.parametrize("architecture", ["resnet18", "squeezenet1_1", "shufflenet_v2_x0_5"])
def test_any_size_of_image_will_do(architecture):
    network = build(architecture, 5).eval()
    with torch.no_grad():
        for height, width in ((64, 64), (70, 97), (224, 160)):
            features, logits = network.features_and_logits(torch.rand(1, 3, height, width))
            assert features.shape == (1, network.feature_dim)
            assert logits.shape == (1, 5)


def test_features_are_torchvisions_pooled_activations():
    normalise = Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    network, own = trained("resnet18"), resnet18(num_classes=5)
    own.load_state_dict(network.network.state_dict())
    seen = []
    own.avgpool.register_forward_hook(lambda *args: seen.append(args[2].flatten(1)))
    with torch.no_grad():
        logits = own.eval()(normalise(IMAGES))
        features, ours = network.features_and_logits(IMAGES)
    torch.testing.assert_close(features, seen[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(ours, logits, rtol=1e-4, atol=1e-5)

    network, squeeze = build("squeezenet1_1", 5).eval(), squeezenet1_1(num_classes=5).eval()
    squeeze.load_state_dict(network.network.state_dict())
    with torch.no_grad():
        expected = squeeze.features(normalise(IMAGES)).mean((2, 3))
        torch.testing.assert_close(network.features_and_logits(IMAGES)[0], expected)


@pytest.mark.parametrize(("architecture", "dimension"), ARCHITECTURES)
def test_folded_equals_unfolded(architecture, dimension):
    network = trained(architecture)
    before = {name: t.clone() for name, t in network.state_dict().items()}
    folded = for_inference(network)
    with torch.no_grad():
        for ours, plain in zip(
            folded.features_and_logits(IMAGES), network.features_and_logits(IMAGES), strict=True
        ):
            torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-4)
    assert folded.feature_dim == dimension
    assert not any(p.requires_grad for p in folded.parameters())
    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())


def test_batch_norms_of_a_resnet_are_gone():
    kinds = [type(m) for m in for_inference(trained("resnet18")).modules()]
    assert torch.nn.BatchNorm2d not in kinds


def test_same_seed_same_weights():
    weights = [build("resnet18", 5, seed=s).network.conv1.weight for s in (1, 1, 2)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_unknown_architecture_suggests():
    with pytest.raises(InputError, match=r"no classifier 'resnet81'; did you mean .*resnet18"):
        build("resnet81", 5)


@pytest.mark.parametrize("architecture", ["fasterrcnn_resnet50_fpn", "r3d_18", "vit_b_16"])
def test_networks_of_another_kind_are_refused(architecture):
    with pytest.raises(InputError, match=r"extractor\.architecture"):
        build(architecture, 5)


def test_weights_that_do_not_fit_are_listed():
    network = build("resnet18", 5)
    weights = dict(build("resnet18", 7, seed=3).network.state_dict())
    del weights["conv1.weight"]
    weights["extra"] = torch.ones(1)
    with pytest.raises(InputError) as raised:
        load_weights(network, weights)
    for part in (
        "1 missing (conv1.weight)",
        "1 left over (extra)",
        "2 of another shape (fc.weight",
    ):
        assert part in str(raised.value)


def test_checkpoints_cannot_run_code(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("executed",))

    path = tmp_path / "w.pt"
    torch.save({"state_dict": Evil()}, path)
    with pytest.raises(InputError, match=r"w\.pt: refused"):
        read_checkpoint(path)
    torch.save(build("resnet18", 5).network.state_dict(), path)
    load_weights(build("resnet18", 5, seed=2), read_checkpoint(path))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"w\.pt"):
        read_checkpoint(path)


def test_read_out_does_not_depend_on_batches_or_sizes():
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (s, 40, 3), dtype=np.uint8) for s in (40, 48, 40, 48, 40)]
    network, device = for_inference(trained("resnet18")), torch.device("cpu")
    whole = read_out(network, images, 5, device, target=2)
    single = [read_out(network, [image], 1, device, target=2) for image in images]
    for field in ("features", "classes", "probabilities", "target_probabilities"):
        expected = np.concatenate([getattr(result, field) for result in single])
        np.testing.assert_allclose(getattr(whole, field), expected, rtol=1e-4, atol=1e-5)
    with torch.no_grad():
        softmax = network(to_unit([images[1]])).softmax(1)[0]
    assert whole.classes[1] == softmax.argmax()
    assert whole.target_probabilities[1] == pytest.approx(float(softmax[2]), rel=1e-4)


def test_features_that_are_not_finite_are_an_error():
    network = trained("resnet18")
    network.network.conv1.weight.data[0] = float("nan")
    with pytest.raises(InputError, match="features of image 0 are not finite"):
        read_out(network, [np.zeros((40, 40, 3), np.uint8)], 1, torch.device("cpu"))
