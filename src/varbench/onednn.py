"""Which products are for oneDNN, the other of two libraries that torch multiplies with on a CPU.

Left to itself, torch gives float32 products on one thread to MKL, which takes twice as long on an
AMD processor. Results are the same up to rounding.
"""

import torch

# Multiplications from which on oneDNN is the faster: it starts more slowly.
ENOUGH = 2_000_000


def pays(multiplications: int, device: torch.device) -> bool:
    """Say whether so many multiplications are enough, and oneDNN is there."""
    here = device.type == "cpu" and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return here and multiplications >= ENOUGH
