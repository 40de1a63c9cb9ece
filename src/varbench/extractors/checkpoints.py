"""Weights from files of torch tensors, in the layouts that robust networks are published in.

Nothing in a file is executed: torch reads it with ``weights_only``, and the few foreign classes
that published files mention are replaced by one that does nothing.
"""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch.serialization import safe_globals

from varbench.errors import InputError

# What training scripts put beside the weights: arguments, and accuracies as numpy scalars.
FOREIGN = (
    "argparse.Namespace",
    "cox.utils.Parameters",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.dtype",
)
HOLDERS = ("state_dict", "model")  # keys under which a training script puts the state dict
WRAPPERS = ("module.", "model.")  # DataParallel, and a model that normalises its input itself
# What such wrappers add; here normalisation belongs to the configuration.
ADDED_MODULES = ("normalizer.", "normalize.", "attacker.")
ADDED_BUFFERS = ("mean", "std")


def read_checkpoint(path: Path) -> dict[str, torch.Tensor]:
    """Read a state dict that ``torch.save`` wrote and return it under torchvision's names.

    Known layouts: torchvision's; MadryLab's robustness library (``model``, ``module.model.``
    and entries of its normaliser and attacker); RobustBench's (``model.`` or ``module.`` or none,
    perhaps with the normalisation's buffers); free adversarial training's (``state_dict``,
    ``module.``).

    Raises
    ------
    InputError
        The file is missing, damaged, asks for a class or function that is not known to be
        harmless, or holds no state dict.
    """
    try:
        with safe_globals([(_Inert, name) for name in FOREIGN]):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path}: refused, it asks to run code or is damaged ({_reason(error)})"
        ) from error
    except Exception as error:  # a damaged pickle can raise anything
        raise InputError(f"{path}: cannot be read ({_reason(error)})") from error
    for holder in HOLDERS:
        if isinstance(content, dict) and isinstance(content.get(holder), dict):
            content = content[holder]
    if (
        not isinstance(content, dict)
        or not content
        or not all(isinstance(value, torch.Tensor) for value in content.values())
    ):
        raise InputError(f"{path}: holds no state dict (a mapping from names to tensors)")
    return _unwrapped(content)


def _unwrapped(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Drop what wrappers add to a network and their prefixes from the names."""
    while True:
        weights = {
            name: tensor
            for name, tensor in weights.items()
            if not name.startswith(ADDED_MODULES) and name not in ADDED_BUFFERS
        }
        prefix = next((p for p in WRAPPERS if all(name.startswith(p) for name in weights)), None)
        if prefix is None or not weights:
            return dict(weights)
        weights = {name.removeprefix(prefix): tensor for name, tensor in weights.items()}


def _reason(error: Exception) -> str:
    """Return the line of torch's message that names what was refused, or its first line."""
    lines = str(error).splitlines() or [type(error).__name__]
    named = (line.strip() for line in lines if "GLOBAL" in line or "global" in line)
    return next(named, lines[0])


class _Inert:
    """Stands for a foreign class: takes any arguments and any state, keeps and does nothing."""

    def __new__(cls, *_arguments: Any, **_options: Any) -> "_Inert":
        return object.__new__(cls)

    def __init__(self, *_arguments: Any, **_options: Any) -> None:
        pass

    def __setstate__(self, _state: Any) -> None:
        pass
