"""McAuley's partitioned Amazon files: one pickled array with the users' items and the images.

Pickle is code. The file is read by an unpickler that knows numpy arrays and plain containers and
refuses everything else.
"""

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
from numpy.lib import format as npy

from varbench.catalogues.raw import RawCatalogue
from varbench.errors import InputError

_CONTAINERS = {"list", "dict", "tuple", "set", "frozenset", "int", "float", "str", "bytes"}
_ARRAYS = {"numpy": {"ndarray", "dtype"}}
_ARRAYS |= {f"numpy.{core}.multiarray": {"_reconstruct", "scalar"} for core in ("core", "_core")}
ALLOWED = {
    **_ARRAYS,
    "builtins": _CONTAINERS,
    "collections": {"OrderedDict", "defaultdict"},
    "_codecs": {"encode"},  # how Python 3 writes bytes for Python 2
}


def load(*, path: str) -> RawCatalogue:
    """Read ``[user_train, user_validation, user_test, Item, usernum, itemnum]``.

    The first three hold for each user the interactions, by item number or as mappings with
    ``productid``; ``Item[i]["imgs"]`` is a JPEG. Keys may be bytes. The file has no times: the
    order of the list stands for them, training before validation before test.

    Raises
    ------
    InputError
        The file is missing, damaged, not of this layout, or asks for anything but arrays and
        plain containers; nothing in it is executed.
    """
    file = Path(path)
    content = _read(file)
    try:
        train, validation, test, items, users, count = content
        parts, items = (
            [dict(_pairs(part)) for part in (train, validation, test)],
            dict(_pairs(items)),
        )
        images = [_get(items[n], "imgs") for n in range(int(count))]
        rows = [
            (str(user), str(_item(entry)), time)
            for user in range(int(users))
            for time, entry in enumerate(e for part in parts for e in part.get(user, ()))
        ]
    except (TypeError, ValueError, KeyError, IndexError) as error:
        raise InputError(
            f"{file}: not the list user_train, user_validation, user_test, Item, usernum, itemnum "
            f"({type(error).__name__}: {error})"
        ) from error
    table = pd.DataFrame(rows, columns=["user", "item", "timestamp"]).assign(rating=1.0)
    return RawCatalogue(
        items=[str(n) for n in range(len(images))],
        read_image=images.__getitem__,
        interactions=table,
        where=lambda kind, row: (
            f"{file} user {table['user'][row]}" if kind == "interaction" else f"{file} item {row}"
        ),
    )


class _Unpickler(pickle.Unpickler):
    """Builds numpy arrays and plain containers, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        module = {"__builtin__": "builtins"}.get(module, module)  # Python 2's name
        if name not in ALLOWED.get(module, ()):
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return super().find_class(module, name)


def _read(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            _skip_header(file)
            content = _Unpickler(file, encoding="bytes").load()
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except pickle.UnpicklingError as error:
        raise InputError(f"{path}: refused or damaged ({error})") from error
    except (ValueError, EOFError, OSError, AttributeError, TypeError, IndexError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    return content


def _skip_header(file: BinaryIO) -> None:
    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    _, _, dtype = read(file)
    if not dtype.hasobject:
        raise ValueError("an array of numbers, not of objects")


def _pairs(values: Any) -> Iterator[tuple[int, Any]]:
    """Yield number and value of a mapping from numbers, or of a sequence."""
    return iter(values.items()) if hasattr(values, "items") else iter(enumerate(values))


def _get(mapping: Any, key: str) -> Any:
    return mapping[key.encode()] if key.encode() in mapping else mapping[key]


def _item(entry: Any) -> int:
    return int(_get(entry, "productid") if hasattr(entry, "keys") else entry)
