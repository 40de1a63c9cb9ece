"""Convolutions whose weights are laid out for oneDNN once, and not in every pass.

Torch's own lays them out anew each time, forward and back, which with few images or small maps
takes as long as the convolution itself. Results are the same up to rounding. Weights so laid out
take as much memory again for each direction, and there are first derivatives only.

A first convolution, which strides and reads three colours, is a case of its own: oneDNN takes its
gradient by the image several times as long as the way forward (``Packed.by_phases``).
"""

from collections.abc import Hashable
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv2d, pad, pixel_shuffle

from varbench import onednn

COLOURS = 4  # at most so many channels make a gradient by the image a case of its own
BATCH = 8  # that weights are laid out for, so that it does not matter which batch came first


class PackedConvolution(nn.Module):
    """Stands in for a convolution that ``is_plain``.

    Weights are laid out when first they are used, and again when they or the images' size have
    changed. Where there is no oneDNN for what is asked, or weights are trained, it is torch's own.
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.weight, self.bias = convolution.weight, convolution.bias
        self.stride, self.dilation = convolution.stride, convolution.dilation
        self.padding = convolution.padding
        self.kept: dict[torch.dtype, tuple[Hashable, Packed]] = {}  # the last size of each type

    def forward(self, images: Tensor) -> Tensor:
        """Return (N, channels, H', W') of (N, other channels, H, W)."""
        dtype = onednn.packed_dtype(images)
        if dtype is None or any(p.requires_grad for p in self.parameters()):
            return conv2d(images, self.weight, self.bias, self.stride, self.padding, self.dilation)
        size = images.shape[2:]
        state = (size, *((p.data_ptr(), p._version) for p in self.parameters()))
        if dtype not in self.kept or self.kept[dtype][0] != state:
            self.kept[dtype] = state, Packed(self, dtype, size)
        convolved: Tensor = _Convolve.apply(images.to(dtype), self.kept[dtype][1])
        return convolved

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is laid out, of which torch makes no copies."""
        return {**self.__dict__, "kept": {}}


class Packed:
    """A convolution's weights (K, C, height, width), for images of one size in one type."""

    def __init__(self, layer: PackedConvolution, dtype: torch.dtype, size: torch.Size) -> None:
        self.weight = layer.weight.detach().to(dtype)
        self.bias = None if layer.bias is None else layer.bias.detach().to(dtype)
        self.stride, self.dilation = layer.stride, layer.dilation
        self.padding = [int(margin) for margin in layer.padding]
        self.size = size
        reach = [d * (k - 1) for d, k in zip(self.dilation, self.weight.shape[2:], strict=True)]
        free = [n + 2 * p - r - 1 for n, p, r in zip(size, self.padding, reach, strict=True)]
        self.made = [f // s + 1 for f, s in zip(free, self.stride, strict=True)]  # H', W'
        self.left_over = [f % s for f, s in zip(free, self.stride, strict=True)]
        self.strides_over_colours = (
            self.weight.shape[1] <= COLOURS
            and self.dilation == (1, 1)
            and self.stride[0] == self.stride[1] > 1
        )

    def forward(self, images: Tensor) -> Tensor:
        """Convolve (N, C, H, W)."""
        return onednn.convolved(
            images, self._weights, self.bias, self.stride, self.padding, self.dilation
        )

    def back(self, gradient: Tensor) -> Tensor:
        """Return the gradient by the images for that by their convolution."""
        if self.strides_over_colours:
            return self.by_phases(gradient)
        return onednn.pulled_back(
            gradient, self._weights_back, self.stride, self.padding, self.left_over, self.dilation
        )

    def by_phases(self, gradient: Tensor) -> Tensor:
        """Return what ``back`` does, where both strides are s and nothing is dilated.

        Every s-th row and column of the image meets the same weights: a phase. One convolution that
        does not stride makes all phases of all colours, a channel each, and then each phase is put
        into the others' gaps. OneDNN computes 16 channels at once, of which three are a waste, and
        the twelve of three colours and a stride of two are not.
        """
        margin = [size - 1 for size in self._phases.shape[2:]]
        apart = onednn.convolved(gradient, self._phases, None, (1, 1), margin, (1, 1))
        whole = pixel_shuffle(apart, self.stride[0])
        (height, width), (top, left) = self.size, self.padding
        bottom, right = height + top - whole.shape[2], width + left - whole.shape[3]
        return pad(whole, (-left, right, -top, bottom))  # less than nothing is cut off

    @cached_property
    def _weights(self) -> Tensor:
        size = (BATCH, self.weight.shape[1], *self.size)
        return onednn.packed(self.weight, self.stride, self.padding, self.dilation, size)

    @cached_property
    def _weights_back(self) -> Tensor:
        size = (BATCH, len(self.weight), *self.made)
        return onednn.packed_for_back(
            self.weight, self.stride, self.padding, self.left_over, self.dilation, size
        )

    @cached_property
    def _phases(self) -> Tensor:
        """The weights of ``by_phases``, (C s s, K, height / s, width / s), rounded up."""
        kernels, colours, height, width = self.weight.shape
        s = self.stride[0]
        filled = pad(self.weight, (0, -width % s, 0, -height % s))
        rows, columns = (size // s for size in filled.shape[2:])
        phases = filled.view(kernels, colours, rows, s, columns, s).permute(1, 3, 5, 0, 2, 4)
        phases = phases.reshape(colours * s * s, kernels, rows, columns).flip(2, 3)
        size = (BATCH, kernels, *self.made)
        return onednn.packed(phases, (1, 1), (rows - 1, columns - 1), (1, 1), size)


class _Convolve(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: Tensor, packed: Packed) -> Tensor:
        ctx.packed = packed
        return packed.forward(images)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return ctx.packed.back(*gradients), None


def is_plain(module: nn.Module) -> bool:
    """Say whether a module is torch's convolution, of one group, with zeros around the image."""
    return (
        type(module) is nn.Conv2d  # a subclass may do more
        and module.groups == 1
        and module.padding_mode == "zeros"
        and not isinstance(module.padding, str)
    )
