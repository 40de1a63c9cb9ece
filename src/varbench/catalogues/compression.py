"""Tables in the compressions that they are downloaded in, told by content and not by name."""

import bz2
import errno
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TextIO, cast

import pyarrow as pa

from varbench.errors import InputError

_DAMAGES = (
    EOFError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    NotImplementedError,  # a zip archive's compression
    pa.ArrowException,
)
# Files that would be taken for damaged text: what they are and what to do.
_OTHERS = {b"PAR1": "a parquet file", b"\xd0\xcf\x11\xe0": "an Excel file"}


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """Open a text file, plain or in gzip, zstandard, bzip2, xz or a zip archive of one file.

    Text is UTF-8, perhaps with a byte order mark; line ends are left as they are.

    Raises
    ------
    InputError
        The file is missing, is damaged (also while it is read in the block), is a zip archive of
        several files, or is no text but a spreadsheet or parquet.
    """
    try:
        with path.open("rb") as file, _plain(path, file) as stream:
            text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
            yield text
            text.detach()  # its stream is closed by the block that opened it
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except _DAMAGES as error:
        raise InputError(f"{path}: damaged ({error}); get it again") from error
    except OSError as error:
        # gzip, bz2 and pyarrow say so without a number.
        if error.errno not in (None, errno.EINVAL):
            raise
        raise InputError(f"{path}: damaged ({error}); get it again") from error


@contextmanager
def _plain(path: Path, file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Yield what a file holds when it is unpacked."""
    start = file.read(6)
    file.seek(0)
    if start[:4] in _OTHERS:
        raise InputError(f"{path}: {_OTHERS[start[:4]]}; save it as CSV")
    if start.startswith(b"\x1f\x8b"):
        with gzip.open(file) as stream:
            yield cast(IO[bytes], stream)
    elif start.startswith(b"\x28\xb5\x2f\xfd"):
        with pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd") as stream:
            yield cast(IO[bytes], io.BufferedReader(stream))
    elif start.startswith(b"BZh"):
        with bz2.open(file) as stream:
            yield cast(IO[bytes], stream)
    elif start.startswith(b"\xfd7zXZ\x00"):
        with lzma.open(file) as stream:
            yield cast(IO[bytes], stream)
    elif start.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(file) as archive:
            names = [name for name in archive.namelist() if not _is_litter(name)]
            if any(name.startswith("xl/") for name in names):
                raise InputError(f"{path}: an Excel file; save it as CSV")
            if len(names) != 1:
                raise InputError(
                    f"{path}: a zip archive of {len(names)} files ({', '.join(names)[:200]}); "
                    "unpack it and name the table"
                )
            if archive.getinfo(names[0]).flag_bits & 1:
                raise InputError(f"{path}: an encrypted archive; unpack it and name the table")
            with archive.open(names[0]) as stream:
                yield stream
    else:
        yield file


def _is_litter(name: str) -> bool:
    """Say whether a member is a folder, or what macOS puts beside files."""
    return name.endswith("/") or name.startswith("__MACOSX/")
