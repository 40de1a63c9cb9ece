"""Weights from files of torch tensors, in the layouts that robust networks are published in.

Nothing in a file is executed: torch reads it with ``weights_only``, and the few foreign classes
that published files mention are replaced by one that does nothing.
"""

import pickle
import pickletools
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import IO, Any

import torch
from torch.serialization import safe_globals

from varbench.errors import InputError

# What training scripts put beside the weights: arguments, and accuracies as numpy scalars. MadryLab
# saves with dill, which names types through functions of its own.
FOREIGN = (
    "argparse.Namespace",
    "cox.utils.Parameters",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.dtype",
    "dill._dill._get_attr",
    "dill._dill._import_module",
    "dill._dill._load_type",
)
# What torch writes for the weights themselves.
HARMLESS = r"collections\.OrderedDict|torch\._utils\._rebuild\w+|torch\.\w+Storage|torch\.Size"
PICKLES = 4  # in a file from before torch 1.6: magic number, version, machine, content
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
        with safe_globals([(_Inert, name) for name in FOREIGN]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a file that torch is about to refuse
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except Exception as error:  # a damaged pickle can raise anything
        # Not torch's own words, which advise to load without weights_only.
        refused = ", ".join(sorted({*_names(path)} - {*FOREIGN}))
        if refused and isinstance(error, pickle.UnpicklingError):
            raise InputError(f"{path}: refused, it asks for {refused}; nothing was run") from error
        raise InputError(
            f"{path}: damaged, or no file of weights that torch.save wrote; get it again"
        ) from error
    for holder in HOLDERS:
        if isinstance(content, dict) and isinstance(content.get(holder), dict):
            content = content[holder]
    if (
        not isinstance(content, dict)
        or not content
        or not all(
            isinstance(name, str) and isinstance(value, torch.Tensor)
            for name, value in content.items()
        )
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


def _names(path: Path) -> Iterator[str]:
    """Yield the classes and functions that a file's pickle asks for, torch's own left out.

    Its instructions are looked at and none is carried out; where they are damaged, that is all.
    """
    strings: list[str] = []
    with suppress(Exception), _pickles(path) as stream:  # a damaged pickle can raise anything
        for instruction, argument, _ in chain(
            *(pickletools.genops(stream) for _ in range(PICKLES))
        ):
            name = ""
            if instruction.name in ("GLOBAL", "INST"):
                name = str(argument).replace(" ", ".")
            elif instruction.name == "STACK_GLOBAL":
                name = ".".join(strings[-2:])
            elif isinstance(argument, str):
                strings.append(argument)
            if name and not re.fullmatch(HARMLESS, name):
                yield name


@contextmanager
def _pickles(path: Path) -> Iterator[IO[bytes]]:
    """Open the pickles of a file: an entry of a zip file, or the file's beginning."""
    with ExitStack() as opened:
        if zipfile.is_zipfile(path):
            archive = opened.enter_context(zipfile.ZipFile(path))
            entry = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
            yield opened.enter_context(archive.open(entry))
        else:
            yield opened.enter_context(path.open("rb"))


class _Inert:
    """Stands for a foreign class: takes any arguments and any state, keeps and does nothing."""

    def __new__(cls, *_arguments: Any, **_options: Any) -> "_Inert":
        return object.__new__(cls)

    def __init__(self, *_arguments: Any, **_options: Any) -> None:
        pass

    def __setstate__(self, _state: Any) -> None:
        pass
