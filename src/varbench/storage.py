"""Files that jobs exchange: written whole or not at all, checked when read.

Matrices are ``.npy``, tables parquet or CSV, tensors safetensors. None of these formats can
execute code. A file that cannot be read raises one InputError that names it.
"""

import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from varbench.errors import InputError

if TYPE_CHECKING:  # torch takes seconds to import; most jobs do not need it
    import torch

LEFTOVER = ".part"  # how a file's temporary name ends
FULL = 2**16  # bytes left on a disk that is as good as full


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its place when the block succeeds.

    Whatever a full disk makes a writer raise becomes an OSError that names ``path``. What a killed
    writer of the same file has left is removed: a path has one writer at a time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path)
    with NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name}.", suffix=LEFTOVER, delete=False
    ) as file:
        temporary = Path(file.name)
    try:
        yield temporary
        with temporary.open("rb+") as file:  # a full disk may only show here
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except Exception as error:
        # numpy, pyarrow, safetensors and zipfile each say it in a way of their own, or not at all.
        said = os.strerror(errno.ENOSPC) in str(error)
        full = said or shutil.disk_usage(path.parent).free < FULL
        if full and not isinstance(error, InputError):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(path: Path) -> None:
    """Delete what killed writers of ``path`` have left beside it."""
    for left in path.parent.glob(f".{escape(path.name)}.{'?' * 8}{LEFTOVER}"):
        left.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever a damaged file makes a reader raise into one InputError naming it."""
    try:
        yield
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise InputError(
            f"{path}: cannot be read ({reason}); delete it and run again to rebuild it"
        ) from error


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write a matrix as ``.npy``."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def read_array(path: Path, *, memory_map: bool = False) -> NDArray[Any]:
    """Read a ``.npy`` matrix; values that are not finite are an error."""
    with reading(path):
        array: NDArray[Any] = np.load(
            path, allow_pickle=False, mmap_mode="r" if memory_map else None
        )
        if array.dtype.kind == "f" and not memory_map:
            broken = ~np.isfinite(array)
            if broken.any():
                row = int(np.argwhere(broken)[0][0])
                raise InputError(
                    f"{path}: row {row} holds a value that is not finite; delete it and run again"
                )
    return array


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table: CSV where the name says so, else parquet."""
    with replacing(path) as temporary:
        if path.suffix == ".csv":
            table.to_csv(temporary, index=False, lineterminator="\n")
        else:
            table.to_parquet(temporary, index=False)


def read_table(path: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a table and check that it has ``columns``."""
    with reading(path):
        table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
        missing = [column for column in columns or () if column not in table]
        if missing:
            raise InputError(f"{path}: lacks the column(s) {', '.join(missing)}")
    return table


def write_tensors(path: Path, tensors: Mapping[str, "torch.Tensor"]) -> None:
    """Write named tensors as safetensors."""
    from safetensors.torch import save_file

    with replacing(path) as temporary:
        save_file({name: t.detach().cpu().contiguous() for name, t in tensors.items()}, temporary)


def read_tensors(path: Path) -> dict[str, "torch.Tensor"]:
    """Read named tensors."""
    from safetensors.torch import load_file

    with reading(path):
        tensors: dict[str, torch.Tensor] = load_file(path)
    return tensors


def read_tensors_as_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read named tensors as arrays, without importing torch."""
    from safetensors.numpy import load_file

    with reading(path):
        arrays: dict[str, NDArray[Any]] = load_file(path)
    return arrays


def write_text(path: Path, text: str) -> None:
    """Write a text file (UTF-8, final newline)."""
    with replacing(path) as temporary:
        temporary.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    with reading(path):
        return json.loads(path.read_text(encoding="utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as JSON with sorted keys."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True))
