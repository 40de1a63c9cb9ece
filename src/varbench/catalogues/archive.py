"""Archives that data sets come in, unpacked once beside themselves and only into their folder."""

import errno
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath
from tempfile import TemporaryDirectory

from varbench.errors import InputError

DAMAGES = (
    zipfile.BadZipFile,
    tarfile.TarError,
    EOFError,
    RuntimeError,
    lzma.LZMAError,
    zlib.error,
)


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
    if _is_current(folder, archive):
        return folder
    with TemporaryDirectory(dir=archive.parent, prefix=f".{archive.name}.") as temporary:
        content = Path(temporary) / "content"
        content.mkdir()
        try:
            if zipfile.is_zipfile(archive):
                _unzip(archive, content)
            elif tarfile.is_tarfile(archive):
                with tarfile.open(archive) as file:
                    file.extractall(content, filter="data")
            else:
                raise InputError(f"{archive}: damaged, or neither a zip nor a tar archive")
        except tarfile.FilterError as error:
            raise InputError(f"{archive}: refused, {error}") from error
        except DAMAGES as error:
            raise InputError(f"{archive}: damaged ({error}); get it again") from error
        except OSError as error:  # gzip and bz2 say so without a number, zipfile seeks to nowhere
            if error.errno not in (None, errno.EINVAL):
                raise
            raise InputError(f"{archive}: damaged ({error}); get it again") from error
        content.touch()  # not the time that the archive gives
        if folder.is_dir() and not _is_current(folder, archive):
            shutil.rmtree(folder)
        try:
            content.rename(folder)
        except OSError:  # another job has unpacked it meanwhile
            if not _is_current(folder, archive):
                raise
    return folder


def _is_current(folder: Path, archive: Path) -> bool:
    return folder.is_dir() and folder.stat().st_mtime >= archive.stat().st_mtime


def _unzip(archive: Path, folder: Path) -> None:
    """Unpack a zip archive after the rules of tarfile's data filter."""
    with zipfile.ZipFile(archive) as file:
        for member in file.infolist():
            name = PurePosixPath(member.filename.replace("\\", "/"))
            kind = stat.S_IFMT(member.external_attr >> 16)
            if name.is_absolute() or PureWindowsPath(name).drive or ".." in name.parts:
                raise InputError(f"{archive}: refused, {member.filename!r} would be outside")
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise InputError(f"{archive}: refused, {member.filename!r} is a link or device")
        file.extractall(folder)
