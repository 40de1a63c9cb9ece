"""Which products are for oneDNN, the other of two libraries that torch multiplies with on a CPU.

Left to itself torch gives float32 matrix products to MKL, and on one thread convolutions of 1 x 1
of few images too. On one thread of an AMD EPYC that takes twice as long. Results are the same up to
rounding.
"""

import torch
from torch import Tensor

# Multiply-adds from which on oneDNN is the faster: it starts more slowly.
ENOUGH = 2_000_000


def pays(multiplications: int, values: Tensor) -> bool:
    """Say whether so many multiplications of such values are enough, and oneDNN is there."""
    # Float32 alone: torch gives it bf16 anyway, and what it does not know goes to slower code.
    kind = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else values.dtype
    suits = values.device.type == "cpu" and kind == values.dtype == torch.float32
    return suits and multiplications >= ENOUGH and _there()


def _there() -> bool:
    onednn = torch.backends.mkldnn
    return bool(onednn.is_available() and onednn.enabled)  # type: ignore[no-untyped-call]
