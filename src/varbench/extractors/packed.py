"""Convolutions whose weights are laid out for oneDNN once, and not in every pass.

Torch's own lays them out anew each time, forward and back, which with few images or small maps
takes as long as the convolution itself. The calls here are those that torch's compiler makes for
networks whose weights stay as they are. Results are the same up to rounding.

A first convolution, which strides and reads three colours, is a case of its own: oneDNN takes its
gradient by the image several times as long as the way forward (``Packed.by_phases``).
"""

from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv2d, pad, pixel_shuffle

from varbench import onednn

COLOURS = 4  # at most so many channels make a gradient by the image a case of its own
BATCH = 8  # that weights are laid out for: the same for all, so that results do not depend on it


class PackedConvolution(nn.Module):
    """Stands in for a convolution that ``is_plain``, with the weights of its first pass.

    Where there is no oneDNN for what is asked, or the weights are trained, it is torch's own.
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.weight, self.bias = convolution.weight, convolution.bias
        self.stride, self.dilation = convolution.stride, convolution.dilation
        self.padding = convolution.padding
        self.packed: dict[torch.dtype, Packed] = {}  # for the last size of images alone

    def forward(self, images: Tensor) -> Tensor:
        """Return (N, channels, H', W') of (N, other channels, H, W)."""
        dtype = onednn.packs(images)
        if dtype is None or self.weight.requires_grad:
            return conv2d(images, self.weight, self.bias, self.stride, self.padding, self.dilation)
        packed = self.packed.get(dtype)
        if packed is None or packed.size != images.shape[2:]:
            packed = self.packed[dtype] = Packed(self, dtype, images.shape[2:])
        convolved: Tensor = _Convolve.apply(images.to(dtype), packed)
        return convolved


class Packed:
    """A convolution's weights (K, C, height, width), for images of one size in one type."""

    def __init__(self, layer: PackedConvolution, dtype: torch.dtype, size: torch.Size) -> None:
        self.weight = layer.weight.detach().to(dtype)
        self.bias = None if layer.bias is None else layer.bias.detach().to(dtype)
        self.stride, self.dilation = list(layer.stride), list(layer.dilation)
        self.padding = [int(margin) for margin in layer.padding]
        self.size = size
        reach = [d * (k - 1) for d, k in zip(self.dilation, self.weight.shape[2:], strict=True)]
        free = [n + 2 * p - r - 1 for n, p, r in zip(size, self.padding, reach, strict=True)]
        self.made = [f // s + 1 for f, s in zip(free, self.stride, strict=True)]  # H', W'
        self.left_over = [f % s for f, s in zip(free, self.stride, strict=True)]
        self.strides_over_colours = (
            self.weight.shape[1] <= COLOURS
            and self.dilation == [1, 1]
            and self.stride[0] == self.stride[1] > 1
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> "Packed":
        """Return itself: it never changes, and torch copies no packed weights."""
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Convolve (N, C, H, W)."""
        return _convolve(images, self._forward, self.bias, self.stride, self.padding, self.dilation)

    def back(self, gradient: Tensor) -> Tensor:
        """Return the gradient by the images for that by their convolution."""
        if self.strides_over_colours:
            return self.by_phases(gradient)
        made: Tensor = torch.ops.mkldnn._convolution_transpose_pointwise(
            gradient, self._back, None, self.padding, self.left_over, self.stride, self.dilation,
            1, "none", [], None,
        )  # fmt: skip
        return made

    def by_phases(self, gradient: Tensor) -> Tensor:
        """Return what ``back`` does, where both strides are s and nothing is dilated.

        Every s-th row and column of the image meets the same weights: a phase. Each phase of each
        colour is a channel of one convolution that does not stride, and oneDNN has as many of those
        as it computes at once; then each phase is put into the others' gaps.
        """
        margin = [size - 1 for size in self._phases.shape[2:]]
        apart = _convolve(gradient, self._phases, None, [1, 1], margin, [1, 1])
        whole = pixel_shuffle(apart, self.stride[0])
        (height, width), (top, left) = self.size, self.padding
        bottom, right = height + top - whole.shape[2], width + left - whole.shape[3]
        return pad(whole, (-left, right, -top, bottom))  # less than nothing is cut off

    @cached_property
    def _forward(self) -> Tensor:
        size = [BATCH, self.weight.shape[1], *self.size]
        return _pack(self.weight, self.stride, self.padding, self.dilation, size)

    @cached_property
    def _back(self) -> Tensor:
        made: Tensor = torch.ops.mkldnn._reorder_convolution_transpose_weight(
            self.weight, self.padding, self.left_over, self.stride, self.dilation, 1,
            [BATCH, len(self.weight), *self.made],
        )  # fmt: skip
        return made

    @cached_property
    def _phases(self) -> Tensor:
        """The weights of ``by_phases``, (C s s, K, height / s, width / s), rounded up."""
        kernels, colours, height, width = self.weight.shape
        s = self.stride[0]
        filled = pad(self.weight, (0, -width % s, 0, -height % s))
        rows, columns = (size // s for size in filled.shape[2:])
        phases = filled.view(kernels, colours, rows, s, columns, s).permute(1, 3, 5, 0, 2, 4)
        phases = phases.reshape(colours * s * s, kernels, rows, columns).flip(2, 3)
        margin = [rows - 1, columns - 1]
        return _pack(phases, [1, 1], margin, [1, 1], [BATCH, kernels, *self.made])


class _Convolve(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: Tensor, packed: Packed) -> Tensor:
        ctx.packed = packed
        return packed.forward(images)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return ctx.packed.back(*gradients), None


def _pack(
    weight: Tensor, stride: list[int], padding: list[int], dilation: list[int], size: list[int]
) -> Tensor:
    packed: Tensor = torch.ops.mkldnn._reorder_convolution_weight(
        weight, padding, stride, dilation, 1, size
    )
    return packed


def _convolve(
    images: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
) -> Tensor:
    convolved: Tensor = torch.ops.mkldnn._convolution_pointwise(
        images, weight, bias, padding, stride, dilation, 1, "none", [], None
    )
    return convolved


def is_plain(convolution: nn.Conv2d) -> bool:
    """Say whether a convolution is of one group, with zeros around the image."""
    return (
        convolution.groups == 1
        and convolution.padding_mode == "zeros"
        and not isinstance(convolution.padding, str)
    )
