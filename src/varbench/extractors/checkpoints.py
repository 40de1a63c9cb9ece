"""Files of torch tensors from elsewhere, read without executing anything.

Torch reads them with ``weights_only``, and the few foreign classes that published files mention are
replaced by one that does nothing. What the tensors are for, ``layouts`` finds out.
"""

import pickle
import pickletools
import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import IO, Any

import torch
from torch.serialization import safe_globals

from varbench.errors import InputError
from varbench.extractors.layouts import state_dicts, unwrapped
from varbench.storage import read_tensors

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


def read_content(path: Path) -> Any:
    """Read what ``torch.save`` wrote, or a file of safetensors, without executing anything.

    Raises
    ------
    InputError
        The file is missing, damaged, a TorchScript program, or asks for a class or function that
        is not known to be harmless.
    """
    if _is_safetensors(path):
        return read_tensors(path)
    loader = _program(path)
    if loader:
        raise InputError(
            f"{path}: a program with its weights, as {loader} reads it, and programs are not run; "
            f"where it was made, torch.save({loader}('{path.name}').state_dict(), 'weights.pt') "
            "saves the weights alone"
        )
    try:
        with safe_globals([(_Inert, name) for name in FOREIGN]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a file that torch is about to refuse
            return torch.load(path, map_location="cpu", weights_only=True)
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except Exception as error:  # a damaged pickle can raise anything
        # Not torch's own words, which advise to load without weights_only.
        refused = ", ".join(sorted({*_names(path)} - {*FOREIGN}))
        if refused and isinstance(error, pickle.UnpicklingError):
            raise InputError(
                f"{path}: refused, it asks for {refused}; nothing was run; where the file was "
                "made, save the network's state_dict() and nothing else"
            ) from error
        raise InputError(f"{path}: {_what_else(path)}; get it again") from error


def _what_else(path: Path) -> str:
    """Say what a file is that torch cannot read."""
    with path.open("rb") as file:
        start = file.read(64).lstrip().lower()
    if start.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS and not the file, which git lfs pull fetches"
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page, and no file of weights"
    return "damaged, or no file of weights that torch.save wrote"


def read_checkpoint(path: Path) -> dict[str, torch.Tensor]:
    """Read a state dict and return it under torchvision's names, whatever network it is of.

    For who looks for a part of a network only; ``pretrained.load`` knows the whole. The same errors
    as ``read_content``, and where the file holds no state dict.
    """
    held = state_dicts(read_content(path))
    if not held:
        raise InputError(f"{path}: holds no state dict (a mapping from names to tensors)")
    return unwrapped(max(held.values(), key=len))


def _is_safetensors(path: Path) -> bool:
    """Say whether a file begins as safetensors do: the length of a JSON object, the object."""
    with suppress(OSError), path.open("rb") as file:
        beginning = file.read(9)
        length = int.from_bytes(beginning[:8], "little")
        return beginning[8:] == b"{" and length < path.stat().st_size
    return False


def _program(path: Path) -> str | None:
    """Return the function that loads a file if that is a program with weights."""
    with suppress(Exception), zipfile.ZipFile(path) as archive:  # what is no zip file is none
        inside = {name.partition("/")[2] for name in archive.namelist()}
        if inside & {"constants.pkl", "model.json"}:  # since torch 1.0
            return "torch.jit.load"
        if inside & {"archive_format", "models/model.json"}:
            return "torch.export.load"
    return None


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
