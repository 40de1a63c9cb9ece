"""OneDNN, the other of two libraries that torch computes with on a CPU, called by varbench itself.

Left to itself torch gives float32 matrix products to MKL, which on one thread of an AMD EPYC takes
up to twice as long, and has oneDNN lay out the weights of a convolution anew each time. Results are
the same up to rounding. The calls are those that torch's compiler makes; they are not public, so
what needs them asks first whether they are there.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

# Multiply-adds from which on a product pays: oneDNN starts more slowly.
ENOUGH = 2_000_000
CALLS = (
    "_linear_pointwise",
    "_convolution_pointwise",
    "_convolution_transpose_pointwise",
    "_reorder_convolution_weight",
    "_reorder_convolution_transpose_weight",
    "_is_mkldnn_bf16_supported",
)
AS_IT_IS: tuple[str, list[float], None] = ("none", [], None)  # nothing is done to what was computed

Pair = Sequence[int]  # of rows and of columns


def pays(multiplications: int, values: Tensor) -> bool:
    """Say whether so many multiplications of such values are enough, and oneDNN is there."""
    suits = computed_in(values) == values.dtype == torch.float32  # bf16 it is given anyway
    return suits and multiplications >= ENOUGH and _there(values)


def product(rows: Tensor, others: Tensor) -> Tensor:
    """Return the products (N, K) of rows (N, D) with others (K, D), for which it must be there."""
    made: Tensor = torch.ops.mkldnn._linear_pointwise(rows, others, None, *AS_IT_IS)
    return made


def packed_dtype(values: Tensor) -> torch.dtype | None:
    """Return what such values are convolved in, or None where oneDNN packs no weights for that."""
    dtype = computed_in(values)
    if dtype not in (torch.float32, torch.bfloat16) or not _there(values):
        return None
    if dtype == torch.bfloat16 and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return None
    return dtype


def packed(
    weight: Tensor, stride: Pair, padding: Pair, dilation: Pair, size: Sequence[int]
) -> Tensor:
    """Lay out a convolution's weights for images of a size (N, C, H, W), for ``convolved``."""
    made: Tensor = torch.ops.mkldnn._reorder_convolution_weight(
        weight, padding, stride, dilation, 1, size
    )
    return made


def packed_for_back(
    weight: Tensor,
    stride: Pair,
    padding: Pair,
    left_over: Pair,
    dilation: Pair,
    size: Sequence[int],
) -> Tensor:
    """Lay out a convolution's weights for results of a size (N, K, H', W'), for ``pulled_back``."""
    made: Tensor = torch.ops.mkldnn._reorder_convolution_transpose_weight(
        weight, padding, left_over, stride, dilation, 1, size
    )
    return made


def convolved(
    images: Tensor,
    packed_weight: Tensor,
    bias: Tensor | None,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
) -> Tensor:
    """Convolve images (N, C, H, W)."""
    made: Tensor = torch.ops.mkldnn._convolution_pointwise(
        images, packed_weight, bias, padding, stride, dilation, 1, *AS_IT_IS
    )
    return made


def pulled_back(
    gradient: Tensor,
    packed_weight: Tensor,
    stride: Pair,
    padding: Pair,
    left_over: Pair,
    dilation: Pair,
) -> Tensor:
    """Return the gradient by images for that by their convolution.

    left_over : rows and columns at the end that no step reached
    """
    made: Tensor = torch.ops.mkldnn._convolution_transpose_pointwise(
        gradient, packed_weight, None, padding, left_over, stride, dilation, 1, *AS_IT_IS
    )
    return made


def computed_in(values: Tensor) -> torch.dtype:
    """Return what torch computes products of such values in: autocast asks for its own."""
    kind = values.device.type
    if values.dtype.itemsize > 4 or not torch.is_autocast_enabled(kind):
        return values.dtype  # wider types autocast leaves alone
    return torch.get_autocast_dtype(kind)


def _there(values: Tensor) -> bool:
    onednn = torch.backends.mkldnn
    there = bool(onednn.is_available() and onednn.enabled)  # type: ignore[no-untyped-call]
    return there and values.device.type == "cpu" and _has_calls()


def _has_calls() -> bool:
    return all(hasattr(torch.ops.mkldnn, name) for name in CALLS)
