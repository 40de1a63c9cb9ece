"""Convolutions with packed weights, beside torch's own."""

from copy import deepcopy

import pytest
import torch
from hypothesis import given, settings
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


def test_weights_that_are_trained_have_a_gradient():
    plain = nn.Conv2d(3, 8, 3)
    PackedConvolution(plain)(drawn(2, 3, 20, 20)).sum().backward()
    assert plain.weight.grad.abs().sum() > 0


@needs_onednn
def test_weights_are_laid_out_once_for_a_size():
    packed = PackedConvolution(frozen(16, 16, 3))
    small, large = drawn(2, 16, 20, 20), drawn(1, 16, 30, 20)
    pulled(packed, small)
    first = packed.packed[torch.float32]
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        again = pulled(packed, small)
        pulled(packed, drawn(5, 16, 20, 20))
    assert not any("reorder" in event.key for event in seen.key_averages())
    assert packed.packed[torch.float32] is first
    pulled(packed, large)
    assert [kept.size for kept in packed.packed.values()] == [large.shape[2:]]
    for ours, expected in zip(pulled(packed, small), again, strict=True):
        assert torch.equal(ours, expected)


def test_a_network_that_was_only_read_out_can_be_attacked_and_copied():
    network = for_inference(build("resnet18", 5))
    images = drawn(2, 3, 64, 64)
    with torch.inference_mode():
        seen = network(images)
    logits, gradient = pulled(network, images)
    copied = pulled(deepcopy(network), images)
    assert torch.equal(seen, logits)
    assert torch.equal(copied[0], logits)
    assert torch.equal(copied[1], gradient)
    assert gradient.abs().sum() > 0


def test_a_network_for_inference_has_no_plain_one_left():
    network = for_inference(build("resnet50", 5))
    assert sum(isinstance(m, PackedConvolution) for m in network.modules()) == 53
    assert not any(isinstance(m, nn.Conv2d) for m in network.modules())


@pytest.mark.parametrize(
    "changed", [{"groups": 4}, {"padding": "same"}, {"padding": 1, "padding_mode": "reflect"}]
)
def test_others_are_left_as_they_are(changed):
    assert is_plain(nn.Conv2d(4, 4, 3))
    assert not is_plain(nn.Conv2d(4, 4, 3, **changed))
