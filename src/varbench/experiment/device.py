"""The device and the threads of a job."""

import torch

from varbench.errors import InputError
from varbench.experiment import gpus


def torch_device(name: str, threads: int) -> torch.device:
    """Set the thread count and return the device; ``auto`` takes a GPU where there is one.

    A GPU is this process's alone (``gpus.exclusive``). The thread count is set exactly, not left to
    the machine, because it decides the order of floating-point sums and so the last digits of
    results.
    """
    torch.set_num_threads(threads)
    full_precision(True)
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(
            f"device: {name!r} is not a torch device; use auto, cpu or cuda"
        ) from error
    if device.type != "cuda":
        return device
    if not torch.cuda.is_available():
        raise InputError("device: cuda was asked for and torch finds none; use auto or cpu")
    return gpus.exclusive(device)


def full_precision(wanted: bool) -> None:
    """Let a GPU compute in float32, or round what enters products to TF32's ten bits.

    By torch's default convolutions round and products do not. What a GPU measures should be what a
    CPU does, so jobs compute in float32.
    """
    torch.backends.cuda.matmul.allow_tf32 = not wanted
    torch.backends.cudnn.allow_tf32 = not wanted
