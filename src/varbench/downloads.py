"""Files from the network: resumed, retried, verified, and whole or absent."""

import hashlib
import logging
import socket
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import yaml
from tqdm import tqdm

from varbench.errors import InputError
from varbench.storage import replacing

log = logging.getLogger("fetch")

CHUNK = 1 << 20
ATTEMPTS = 5
TIMEOUT = 30  # seconds without a byte
GDRIVE = "gdrive:"


@dataclass(frozen=True)
class Download:
    """A row of ``resources/downloads.yaml``; ``sha256`` may be the start of one.

    ``unpack`` is the folder that an archive is unpacked into.
    """

    name: str
    what: str
    url: str | None
    place: str
    licence: str | None
    bytes: int | None
    sha256: str | None
    unpack: str | None = None


def registry(path: Path) -> dict[str, Download]:
    """Read the registry, by place."""
    rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {row["place"]: Download(**row) for row in rows}


def fetch(download: Download, *, pause: float = 2.0) -> str:
    """Bring a file to its place unless it is there, and return its sha256.

    A transfer that breaks off is taken up where it stopped, also by a later run (the part lies
    beside the file as ``.part``), after ``pause`` seconds that double each time.

    Raises
    ------
    InputError
        No source is known, the network or the server does not give the file, or what came is not
        what the registry expects.
    """
    place = Path(download.place)
    found = _verified(place, download) if place.exists() else _arrived(download, place, pause)
    if download.unpack and not Path(download.unpack).exists():
        extract(place, Path(download.unpack))
    return found


def _arrived(download: Download, place: Path, pause: float) -> str:
    by_hand = f"get it by hand ({download.what}) and put it at {place}"
    if download.url is None:
        raise InputError(f"{download.name}: no public source is known; {by_hand}")
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(place.name + ".part")
    try:
        if download.url.startswith(GDRIVE):
            _from_drive(download.url.removeprefix(GDRIVE), part)
        else:
            _transfer(download.url, part, pause)
    except (OSError, EOFError, ValueError) as error:  # URLError is an OSError
        raise InputError(f"{download.name}: {download.url}: {error}; {by_hand}") from error
    found = _verified(part, download)
    part.replace(place)
    if download.sha256 is None:
        with replacing(place.with_name(place.name + ".sha256")) as temporary:
            temporary.write_text(f"{found}  {place.name}\n", encoding="utf-8")
    return found


def _transfer(url: str, part: Path, pause: float) -> None:
    """Append to ``part`` until it is complete."""
    for attempt in range(ATTEMPTS):
        try:
            return _continue(url, part)
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code not in (408, 429):
                raise  # asking again will not help
            reason: Exception = error
        except (OSError, EOFError) as error:
            if isinstance(getattr(error, "reason", None), socket.gaierror):
                raise OSError("no network, or no such host") from error
            reason = error
        if attempt + 1 == ATTEMPTS:
            raise reason
        log.warning("%s: %s; trying again", url, reason)
        time.sleep(pause * 2**attempt)
    return None


def _continue(url: str, part: Path) -> None:
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    request = urllib.request.Request(url, headers=headers)
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing is left, or the file has changed: begin again
            part.unlink()
            return _continue(url, part)
        raise
    with answer:
        resumed = answer.status == 206
        length = answer.headers.get("Content-Length")
        total = None if length is None else int(length) + (have if resumed else 0)
        with (
            part.open("ab" if resumed else "wb") as file,
            tqdm(total=total, initial=have * resumed, unit="B", unit_scale=True) as progress,
        ):
            while chunk := answer.read(CHUNK):
                file.write(chunk)
                progress.update(len(chunk))
    if total is not None and part.stat().st_size != total:
        raise EOFError(f"broke off at {part.stat().st_size} of {total} bytes")
    return None


def _from_drive(identifier: str, part: Path) -> None:
    try:
        import gdown  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise OSError("needs gdown: pip install gdown") from error
    if gdown.download(id=identifier, output=str(part), resume=True) is None:
        raise OSError("Google Drive did not give the file")


def _verified(path: Path, download: Download) -> str:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if download.sha256 is not None and not found.startswith(download.sha256):
        if path.suffix == ".part":
            path.unlink()  # resuming it would keep the fault
        raise InputError(
            f"{path}: sha256 {found} where {download.sha256} is expected: damaged, or another "
            "file; delete it and fetch it again"
        )
    return found


def extract(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar archive into ``folder``, which appears whole or not at all.

    Raises
    ------
    InputError
        A member would lie outside the folder or is no plain file, or the archive is damaged.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
        root = (Path(temporary) / folder.name).resolve()
        root.mkdir()
        try:
            if zipfile.is_zipfile(archive):
                with zipfile.ZipFile(archive) as content:
                    for name in content.namelist():
                        if not (root / name).resolve().is_relative_to(root):
                            raise InputError(f"{archive}: member {name!r} points outside")
                    content.extractall(root)
            else:
                with tarfile.open(archive) as packed:
                    packed.extractall(root, filter="data")
        except tarfile.FilterError as error:
            raise InputError(f"{archive}: refused ({error})") from error
        except (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError, zlib.error) as error:
            raise InputError(f"{archive}: cannot be unpacked ({error})") from error
        root.rename(folder)
