"""Convolutions of 1 x 1 that torch is told are dilated."""

from math import ceil

import pytest
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from varbench.extractors.networks import build, for_inference
from varbench.extractors.pointwise import Pointwise, is_pointwise
from varbench.onednn import ENOUGH


def drawn(*shape):
    images = torch.rand(*shape, generator=torch.Generator().manual_seed(0))
    return images.contiguous(memory_format=torch.channels_last).requires_grad_()


def libraries(module, images):
    """What torch convolved with."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with profile(activities=[ProfilerActivity.CPU]) as seen:
            module(images)
    finally:
        torch.set_num_threads(threads)
    return {event.key for event in seen.key_averages() if "conv" in event.key}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize(("count", "size"), [(1, 3), (2, 3), (4, 48), (20, 24)])
def test_it_is_the_plain_convolution(count, size, groups, bias):
    plain = nn.Conv2d(16, 64, 1, groups=groups, bias=bias)
    ours, images = Pointwise(plain), drawn(count, 16, size, size)
    expected, made = plain(images), ours(images)
    torch.testing.assert_close(made, expected)
    pull = torch.rand_like(expected)
    gradients = [torch.autograd.grad(out, images, pull)[0] for out in (made, expected)]
    torch.testing.assert_close(*gradients)


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch has no oneDNN here")
@pytest.mark.parametrize(
    ("count", "size", "expected"), [(4, 10, True), (3, 10, False), (1, 20, True)]
)
def test_enough_work_goes_to_onednn(count, size, expected):
    ours = Pointwise(nn.Conv2d(64, ceil(ENOUGH / (4 * 64 * 100)), 1))
    found = libraries(ours, drawn(count, 64, size, size))
    assert ("aten::mkldnn_convolution" in found) == expected


def test_what_torch_gives_to_slower_code_is_not_called_dilated():
    plain = nn.Conv2d(64, ceil(ENOUGH / (64 * 100)), 1)
    few = libraries(Pointwise(plain), drawn(1, 64, 10, 10))  # a small image, and enough work
    assert few == libraries(plain, drawn(1, 64, 10, 10))
    with torch.backends.mkldnn.flags(enabled=False):
        without = libraries(Pointwise(plain), drawn(4, 64, 10, 10))
    double = libraries(Pointwise(plain.double()), drawn(4, 64, 10, 10).double())
    assert not any("dilated" in name for name in few | without | double)


def test_a_network_for_inference_has_no_plain_one_left():
    network = for_inference(build("resnet50", 5))
    kinds = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert kinds
    assert not any(map(is_pointwise, kinds))
    assert sum(isinstance(m, Pointwise) for m in network.modules()) == 33  # three are strided


@pytest.mark.parametrize("changed", [{"kernel_size": 3}, {"stride": 2}, {"padding": 1}])
def test_others_are_left_as_they_are(changed):
    assert not is_pointwise(nn.Conv2d(4, 4, **{"kernel_size": 1} | changed))
