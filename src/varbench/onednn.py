"""What is for oneDNN, the other of two libraries that torch multiplies with on a CPU.

Left to itself torch gives float32 matrix products to MKL, which on one thread of an AMD EPYC takes
up to twice as long. Results are the same up to rounding.
"""

import torch
from torch import Tensor

# Multiply-adds from which on a product pays: oneDNN starts more slowly.
ENOUGH = 2_000_000


def pays(multiplications: int, values: Tensor) -> bool:
    """Say whether so many multiplications of such values are enough, and oneDNN is there."""
    suits = computed_in(values) == values.dtype == torch.float32  # bf16 it is given anyway
    return suits and multiplications >= ENOUGH and _there(values, "_linear_pointwise")


def product(rows: Tensor, others: Tensor) -> Tensor:
    """Return the products (N, K) of rows (N, D) with others (K, D), where it ``pays``."""
    made: Tensor = torch.ops.mkldnn._linear_pointwise(rows, others, None, "none", [], None)
    return made


def packs(values: Tensor) -> torch.dtype | None:
    """Return what such values are convolved in, or None where oneDNN packs no weights for that."""
    dtype = computed_in(values)
    if not _there(values, "_convolution_transpose_pointwise"):
        return None
    if dtype == torch.bfloat16:
        return dtype if torch.ops.mkldnn._is_mkldnn_bf16_supported() else None
    return dtype if dtype == torch.float32 else None


def computed_in(values: Tensor) -> torch.dtype:
    """Return what torch computes products of such values in: autocast asks for its own."""
    kind = values.device.type
    if values.dtype.itemsize > 4 or not torch.is_autocast_enabled(kind):
        return values.dtype  # autocast leaves float64 alone
    return torch.get_autocast_dtype(kind)


def _there(values: Tensor, call: str) -> bool:
    """Say whether oneDNN can be asked; the calls are those of torch's compiler, and not public."""
    onednn = torch.backends.mkldnn
    there = bool(onednn.is_available() and onednn.enabled)  # type: ignore[no-untyped-call]
    return there and values.device.type == "cpu" and hasattr(torch.ops.mkldnn, call)
