"""Weights from a file of torch tensors, read without executing anything in it."""

import pickle
from pathlib import Path

import torch

from varbench.errors import InputError


def read_checkpoint(path: Path) -> dict[str, torch.Tensor]:
    """Read a state dict that ``torch.save`` wrote.

    Raises
    ------
    InputError
        The file is missing, damaged, holds more than tensors and plain containers, or is no state
        dict.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path}: refused, it asks to run code or is damaged ({str(error).splitlines()[0]})"
        ) from error
    except (RuntimeError, EOFError, OSError) as error:
        raise InputError(f"{path}: cannot be read ({str(error).splitlines()[0]})") from error
    if not isinstance(content, dict) or not all(
        isinstance(value, torch.Tensor) for value in content.values()
    ):
        raise InputError(f"{path}: holds no state dict (a mapping from names to tensors)")
    return content
