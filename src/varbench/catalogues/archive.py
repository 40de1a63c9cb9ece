"""Archives that data sets come in, unpacked once beside themselves and only into their folder."""

import errno
import fcntl
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath

from varbench.errors import InputError

DAMAGES = (
    zipfile.BadZipFile,
    tarfile.TarError,
    EOFError,
    RuntimeError,
    lzma.LZMAError,
    zlib.error,
)
# gzip and bz2 say so without a number, zipfile seeks to nowhere; or names that cannot be.
DAMAGED = (None, errno.EINVAL, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG)


def unpacked(archive: Path) -> Path:
    """Unpack a zip or tar archive into ``ARCHIVE.unpacked`` and return that folder.

    The folder appears whole or not at all. It is used as it is until the archive is newer.

    Raises
    ------
    InputError
        The archive is missing, damaged or of another kind, or a member points outside the folder
        or is no plain file or folder; nothing is left of what was unpacked.
    """
    folder = archive.with_name(f"{archive.name}.unpacked")
    if not archive.is_file():
        raise InputError(f"{archive}: no such archive")
    with _locked(archive.with_name(f".{archive.name}.lock")):
        if folder.is_dir() and folder.stat().st_mtime >= archive.stat().st_mtime:
            return folder
        content = archive.with_name(f".{archive.name}.unpacking")
        shutil.rmtree(content, ignore_errors=True)  # what a killed job has left
        content.mkdir()
        try:
            _unpack(archive, content)
            content.touch()  # not the time that the archive gives
            if folder.is_dir():
                shutil.rmtree(folder)
            content.rename(folder)
        finally:
            shutil.rmtree(content, ignore_errors=True)
    return folder


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock: the jobs of two data sets may want the same archive."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _unpack(archive: Path, folder: Path) -> None:
    try:
        if zipfile.is_zipfile(archive):
            _unzip(archive, folder)
        elif tarfile.is_tarfile(archive):
            _untar(archive, folder)
        else:
            raise InputError(f"{archive}: damaged, or neither a zip nor a tar archive")
    except tarfile.FilterError as error:
        raise InputError(f"{archive}: refused, {error}") from error
    except DAMAGES as error:
        raise InputError(f"{archive}: damaged ({error}); get it again") from error
    except OSError as error:
        if error.errno not in DAMAGED:
            raise
        raise InputError(f"{archive}: damaged ({error}); get it again") from error


def _unzip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        for member in file.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            _check(archive, member.filename, kind in (0, stat.S_IFREG, stat.S_IFDIR))
        file.extractall(folder)


def _untar(archive: Path, folder: Path) -> None:
    """Unpack plain files and folders only: tarfile's own filter follows links, and was misled."""
    with tarfile.open(archive) as file:
        members = file.getmembers()
        for member in members:
            _check(archive, member.name, member.isreg() or member.isdir())
        file.extractall(folder, members, filter="data")


def _check(archive: Path, name: str, is_plain: bool) -> None:
    """Raise InputError unless a member is a plain file or folder inside of the archive's folder."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or PureWindowsPath(path).drive or ".." in path.parts:
        raise InputError(f"{archive}: refused, {name!r} would be outside")
    if not is_plain:
        raise InputError(f"{archive}: refused, {name!r} is a link or device")
