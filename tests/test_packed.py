"""Convolutions with packed weights, beside torch's own."""

from copy import deepcopy

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.profiler import ProfilerActivity, profile

from varbench.extractors.networks import build, for_inference
from varbench.extractors.packed import PackedConvolution, is_plain

needs_onednn = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="torch has no oneDNN here"
)
PAIRS = st.tuples(st.integers(1, 5), st.integers(1, 5))
STRIDES = st.one_of(st.integers(1, 4).map(lambda s: (s, s)), st.tuples(*[st.integers(1, 3)] * 2))


def drawn(*shape, dtype=torch.float32):
    images = torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=dtype)
    return images.contiguous(memory_format=torch.channels_last).requires_grad_()


def frozen(*channels, **geometry):
    torch.manual_seed(0)
    return nn.Conv2d(*channels, **geometry).requires_grad_(False)


def pulled(module, images, pull=None):
    """What a module makes of images, and a gradient by them."""
    made = module(images)
    pull = torch.ones(()).expand_as(made) if pull is None else pull(made)
    return made.detach(), torch.autograd.grad(made, images, pull.to(made.dtype))[0]


def calls(module, images):
    """The convolutions that a module calls, forward and back."""
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        pulled(module, images)
    return {event.key for event in seen.key_averages() if "convolution" in event.key.lower()}


def is_packed(module, images):
    return "mkldnn::_convolution_pointwise" in calls(module, images)


FIRST = {"padding": (3, 3), "dilation": (1, 1), "bias": True, "size": (33, 30)}


# First layers: a ResNet's, AlexNet's, an Inception's.
@example(count=2, channels=(3, 16), kernel=(7, 7), stride=(2, 2), **FIRST)
@example(count=2, channels=(3, 16), kernel=(11, 11), stride=(4, 4), **FIRST)
@example(count=2, channels=(3, 16), kernel=(3, 3), stride=(2, 2), **FIRST | {"padding": (0, 0)})
@settings(max_examples=150, deadline=None)
@given(
    count=st.integers(1, 3),
    channels=st.tuples(st.sampled_from([1, 3, 4, 5, 16]), st.sampled_from([1, 7, 16])),
    kernel=PAIRS,
    stride=STRIDES,
    padding=st.tuples(*[st.integers(0, 3)] * 2),
    dilation=st.tuples(*[st.integers(1, 2)] * 2),
    bias=st.booleans(),
    size=st.tuples(*[st.integers(9, 20)] * 2),
)
def test_it_is_the_plain_convolution(count, channels, size, **geometry):
    plain = frozen(*channels, kernel_size=geometry.pop("kernel"), **geometry)
    images = drawn(count, channels[0], *size)
    ours = pulled(PackedConvolution(plain), images, torch.cos)
    exact = pulled(deepcopy(plain).double(), images.detach().double().requires_grad_(), torch.cos)
    for value, expected in zip(ours, exact, strict=True):
        assert value.dtype == torch.float32
        torch.testing.assert_close(value.double(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("geometry", [(3, 16, 7, 2, 3), (3, 16, 3, 2, 0), (16, 16, 3, 2, 1)])
def test_in_half_precision_it_is_the_plain_one_too(geometry):
    plain, images = frozen(*geometry), drawn(2, geometry[0], 33, 30)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        ours, theirs = (pulled(m, images) for m in (PackedConvolution(plain), plain))
    exact = pulled(plain, images)
    assert ours[0].dtype == theirs[0].dtype == torch.bfloat16
    for value, expected in zip(ours, exact, strict=True):
        torch.testing.assert_close(value.float(), expected, rtol=0.03, atol=0.1)


@needs_onednn
@pytest.mark.parametrize("geometry", [(16, 16, 3), (3, 16, 3, 2), (16, 16, 1)])
def test_this_torch_has_the_calls(geometry):
    images = drawn(2, geometry[0], 20, 20)
    packed = PackedConvolution(frozen(*geometry))
    assert is_packed(packed, images)
    assert "aten::convolution_backward" not in calls(packed, images)


def test_what_onednn_packs_nothing_for_is_torchs_own():
    plain = frozen(16, 16, 3)
    with torch.backends.mkldnn.flags(enabled=False):
        assert not is_packed(PackedConvolution(plain), drawn(2, 16, 20, 20))
    double, images = deepcopy(plain).double(), drawn(2, 16, 20, 20, dtype=torch.float64)
    packed = PackedConvolution(double)
    assert not is_packed(packed, images)
    for ours, theirs in zip(pulled(packed, images), pulled(double, images), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("trained", ["weight", "bias"])
def test_weights_that_are_trained_have_a_gradient(trained):
    plain = frozen(3, 8, 3)
    getattr(plain, trained).requires_grad_()
    PackedConvolution(plain)(drawn(2, 3, 20, 20)).sum().backward()
    assert getattr(plain, trained).grad.abs().sum() > 0


def reorders(module, images):
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        pulled(module, images)
    return any("reorder" in event.key for event in seen.key_averages())


@needs_onednn
def test_weights_are_laid_out_once_for_a_size():
    plain = frozen(16, 16, 3, stride=2)
    packed = PackedConvolution(plain)
    for images in (drawn(2, 16, 20, 20), drawn(1, 16, 31, 20), drawn(2, 16, 20, 20)):
        assert reorders(packed, images)
        assert not reorders(packed, images)
        assert not reorders(packed, torch.cat([images] * 3).detach().requires_grad_())
        for ours, expected in zip(pulled(packed, images), pulled(plain, images), strict=True):
            torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["weight", "bias"])
def test_weights_that_change_are_laid_out_again(name):
    packed, images = PackedConvolution(frozen(3, 8, 3)), drawn(2, 3, 20, 20)
    before = packed(images)
    with torch.no_grad():
        getattr(packed, name).add_(1)
    assert not torch.allclose(packed(images), before)
    other = frozen(3, 8, 3).weight + 2
    packed.load_state_dict({"weight": other, "bias": torch.zeros(8)})
    expected = nn.functional.conv2d(images, other)
    torch.testing.assert_close(packed(images), expected, rtol=1e-4, atol=1e-4)


def test_a_network_that_was_only_read_out_can_be_attacked_and_copied():
    plain = build("resnet18", 5).eval().requires_grad_(False)
    network, images = for_inference(plain), drawn(2, 3, 64, 64)
    with torch.inference_mode():
        seen = network(images)
    logits, gradient = pulled(network, images)
    assert torch.equal(seen, logits)
    for found, expected in zip((logits, gradient), pulled(plain, images), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4 * expected.abs().max())
    for found, expected in zip(pulled(deepcopy(network), images), (logits, gradient), strict=True):
        assert torch.equal(found, expected)


@pytest.mark.parametrize("geometry", [(3, 16, 7, 2, 3), (16, 16, 3), (16, 16, 1)])
def test_it_does_not_matter_which_batch_came_first(geometry):
    images = drawn(1, geometry[0], 20, 20)
    fresh, used = (PackedConvolution(frozen(*geometry)) for _ in range(2))
    pulled(used, drawn(20, geometry[0], 20, 20))
    for ours, expected in zip(pulled(used, images), pulled(fresh, images), strict=True):
        assert torch.equal(ours, expected)


def test_a_network_for_inference_has_no_plain_one_left():
    network = for_inference(build("resnet50", 5))
    assert sum(isinstance(m, PackedConvolution) for m in network.modules()) == 53
    assert not any(isinstance(m, nn.Conv2d) for m in network.modules())


class Scaled(nn.Conv2d):
    """A convolution that does more."""


@pytest.mark.parametrize(
    "changed", [{"groups": 4}, {"padding": "same"}, {"padding": 1, "padding_mode": "reflect"}]
)
def test_others_are_left_as_they_are(changed):
    assert is_plain(nn.Conv2d(4, 4, 3))
    assert not is_plain(nn.Conv2d(4, 4, 3, **changed))
    assert not is_plain(Scaled(4, 4, 3))
