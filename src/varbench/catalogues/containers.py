"""Pickled arrays of plain containers, read without executing anything.

A pickle is a program. The one that reads it here knows Python's plain containers and how numpy
stores arrays and numbers, but hands nothing of the file to numpy's own reconstruction, which
trusts its input. Whatever else a file asks for is refused by name.
"""

import collections
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from varbench.errors import InputError

DEEPEST = 20  # tuples within tuples; the data sets have none


def read_containers(path: Path) -> list[Any]:
    """Read an ``.npy`` file of objects: numbers, bytes, lists, dicts, arrays.

    Returns
    -------
    The objects. Arrays are lists of their values, flat; text that Python 2 wrote is bytes.

    Raises
    ------
    InputError
        The file is missing, damaged, no ``.npy`` file of objects, or asks for anything else; then
        the message names it, and nothing was run.
    """
    try:
        with path.open("rb") as file:
            read_header = (
                npy.read_array_header_1_0
                if npy.read_magic(file) == (1, 0)
                else npy.read_array_header_2_0
            )
            shape, _, dtype = read_header(file)
            if dtype != np.dtype(object) or len(shape) != 1:
                raise InputError(f"{path}: holds {dtype} of shape {shape}, not a list of objects")
            content = _Unpickler(file, encoding="bytes").load()
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except _RefusedError as error:
        raise InputError(f"{path}: refused, it asks for {error}; nothing was run") from error
    except (InputError, OSError):
        raise
    except Exception as error:  # a damaged pickle can raise anything
        reason = (str(error).splitlines() or [repr(error)])[0]
        raise InputError(f"{path}: damaged, or no .npy file ({reason})") from error
    if not isinstance(content, _Array) or len(content) != shape[0]:
        raise InputError(f"{path}: damaged, it does not hold the list that its header announces")
    return content


class _RefusedError(Exception):
    """The dotted name of what a pickle asked for."""


class _Unpickler(pickle._Unpickler):
    """Finds the names in ``_KNOWN`` and nothing else.

    The one in Python, not the one in C: a damaged byte may ask that one for gigabytes of memory.
    """

    def find_class(self, module: str, name: str) -> Any:
        current = module.replace("numpy.core", "numpy._core").replace("__builtin__", "builtins")
        known = _KNOWN.get(f"{current}.{name}")
        if known is None:
            raise _RefusedError(f"{module}.{name}")
        return known


def _set_state(unpickler: Any) -> None:
    """Set the state of what stands for numpy's objects, and of nothing else."""
    target = unpickler.stack[-2]
    if not isinstance(target, _Kind | _Array):
        raise _RefusedError(f"a state of {target!r:.100}")
    pickle._Unpickler.dispatch[pickle.BUILD[0]](unpickler)


def _shallow(load: Callable[[Any], None]) -> Callable[[Any], None]:
    """Refuse tuples in tuples in tuples ...: Python takes its stack to hash them as keys."""

    def checked(unpickler: Any) -> None:
        load(unpickler)
        inner, depth = [unpickler.stack[-1]], 0
        # Each once, however often it occurs.
        while inner := list(
            {id(part): part for one in inner for part in one if isinstance(part, tuple)}.values()
        ):
            depth += 1
            if depth > DEEPEST:
                raise _RefusedError(f"tuples that are nested more than {DEEPEST} deep")

    return checked


_Unpickler.dispatch = pickle._Unpickler.dispatch | {pickle.BUILD[0]: _set_state}
for _code in (pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3):
    _Unpickler.dispatch[_code[0]] = _shallow(pickle._Unpickler.dispatch[_code[0]])


class _Kind:
    """Stands for a ``numpy.dtype``: objects (O), or numbers of known size."""

    def __init__(self, code: str | bytes, *_flags: object) -> None:
        self.code = code.decode("ascii") if isinstance(code, bytes) else code
        self.order = "="
        if not re.fullmatch("O8?|b1|[iuf][1248]", self.code):
            raise _RefusedError(f"numpy.dtype {self.code!r}")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = "<" if state[1] in ("<", b"<", "|", b"|") else ">"

    def numbers(self, data: bytes) -> list[Any]:
        """Decode an array's memory."""
        values: list[Any] = np.frombuffer(data, np.dtype(self.order + self.code)).tolist()
        return values


class _Array(list[Any]):
    """Stands for a ``numpy.ndarray``: the list of its values."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        *_, kind, _fortran, data = state
        self[:] = data if kind.code.startswith("O") else kind.numbers(data)


def _reconstruct(*_arguments: object) -> _Array:
    """Stands for numpy's function of this name: an empty array, whose state follows."""
    return _Array()


def _scalar(kind: _Kind, data: bytes) -> int | float:
    """Stands for numpy's function of this name: one number."""
    number: int | float = kind.numbers(data)[0]
    return number


def _encode(text: str, encoding: str) -> bytes:
    """Bytes as Python 3 writes them in the protocols of Python 2."""
    if encoding not in ("latin1", b"latin1"):
        raise _RefusedError(f"_codecs.encode to {encoding!r}")
    return text.encode("latin1")


def _empty(*arguments: object) -> bytes:
    """Empty bytes, as Python 3 writes them in the protocols of Python 2; of a size, none."""
    if arguments:
        raise _RefusedError("bytes of a given size")
    return b""


_KNOWN: dict[str, Any] = {
    "numpy._core.multiarray._reconstruct": _reconstruct,
    "numpy._core.multiarray.scalar": _scalar,
    "numpy.ndarray": _Array,
    "numpy.dtype": _Kind,
    "collections.defaultdict": collections.defaultdict,
    "collections.OrderedDict": collections.OrderedDict,
    "_codecs.encode": _encode,
    "builtins.bytes": _empty,
    **{f"builtins.{kind.__name__}": kind for kind in (list, dict, set, int)},
}
