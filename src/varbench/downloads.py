"""Files from elsewhere: resumed, retried, verified, and in their place whole or not at all."""

import hashlib
import logging
import time
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import yaml

from varbench.errors import InputError

log = logging.getLogger(__name__)

CHUNK = 1 << 20
ATTEMPTS = 5  # in a row that bring nothing
DRIVE = "gdrive:"  # before the id of a file on Google Drive
PASSING = (408, 425, 429)  # statuses that may be gone at the next attempt, as may any from 500 on


@dataclass(frozen=True)
class Download:
    """A row of ``resources/downloads.yaml``, which explains it; ``place`` is the file's path."""

    name: str
    what: str
    url: str | None
    place: str
    page: str
    licence: str | None
    bytes: int | None
    sha256: str | None


def registry(path: Path) -> dict[str, Download]:
    """Read the known downloads, by place."""
    rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {row["place"]: Download(**row) for row in rows}


def fetch(download: Download, *, pause: float = 1.0, timeout: float = 60.0) -> str:
    """Bring a file to its place unless it is there, verify it and return its SHA-256.

    What arrives is kept in ``PLACE.part``; a later call goes on from there. The SHA-256 is written
    to ``PLACE.sha256``; where the registry knows none, a later call compares the file with that.

    Parameters
    ----------
    pause
        Seconds before the second attempt, doubled before each one after it.
    timeout
        Seconds that a server may be silent.

    Raises
    ------
    InputError
        The file cannot be downloaded, or is not the one that it should be. The message says where
        to put it by hand.
    """
    place = Path(download.place)
    part = _beside(place, ".part")
    if place.exists():
        if fault := _fault(download, place):
            raise InputError(f"{place}: {fault}; delete it and fetch it again")
        return _record(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    resumed = part.exists()
    _get(download, part, pause, timeout)
    if resumed and _fault(download, part):  # what was left may be of another version
        part.unlink()
        _get(download, part, pause, timeout)
    _beside(part, ".version").unlink(missing_ok=True)
    if fault := _fault(download, part):
        part.unlink()
        raise InputError(f"{place}: what {download.url} sends is not that file: {fault}")
    part.replace(place)
    return _record(place)


class _InterruptedError(Exception):
    """A transfer failed in a way that the next attempt may not."""


def _get(download: Download, part: Path, pause: float, timeout: float) -> None:
    """Download into ``part``, from where it ends if it is there."""
    by_hand = f"get it by hand ({download.page}) and put it at {download.place}"
    url = download.url
    if url is None:
        raise InputError(f"{download.place}: no public copy is known; {by_hand}")
    if url.startswith(DRIVE):
        _from_drive(url.removeprefix(DRIVE), part, timeout, by_hand)
        return
    failures, largest = 0, _length(part)
    while True:
        try:
            _transfer(url, part, timeout, verified=download.sha256 is not None)
            return
        except _InterruptedError as error:
            # However often a transfer breaks, it gets there if each attempt brings something.
            failures = 1 if _length(part) > largest else failures + 1
            largest = max(largest, _length(part))
            log.warning("%s: %s at byte %d", url, error, _length(part))
            if failures == ATTEMPTS:
                raise InputError(
                    f"{download.place}: {url}: {error}, {failures} times; "
                    f"try again later, or {by_hand}"
                ) from error
            time.sleep(pause * 2 ** (failures - 1))
        except InputError as error:
            raise InputError(f"{download.place}: {url}: {error}; {by_hand}") from error


def _transfer(url: str, part: Path, timeout: float, *, verified: bool) -> None:
    """Make one attempt, from where ``part`` ends if the file at ``url`` is still the same.

    A server that has no name for a file's version cannot say so; then only what will be
    ``verified`` afterwards goes on.
    """
    start, version = _length(part), _beside(part, ".version")
    request = Request(url)
    if start and (verified or version.exists()):
        request.add_header("Range", f"bytes={start}-")
        if version.exists():
            request.add_header("If-Range", version.read_text())
    try:
        answer = urlopen(request, timeout=timeout)
    except HTTPError as error:
        if error.code == 416 and error.headers.get("Content-Range") == f"bytes */{start}":
            return  # it was complete
        if error.code == 416:
            part.unlink(missing_ok=True)
        elif error.code < 500 and error.code not in PASSING:
            raise InputError(str(error)) from error
        raise _InterruptedError(str(error)) from error
    except (URLError, OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise _InterruptedError(f"no connection ({reason})") from error
    with answer:
        if answer.headers.get_content_type() == "text/html":
            raise InputError("it answers with a web page, not with the file")
        if answer.status not in (200, 206):
            raise InputError(f"it answers {answer.status} {answer.reason}")
        if answer.status == 200:  # the whole file
            start = 0
            _remember_version(answer.headers, version)
        elif not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            raise InputError("it answers with another part of the file than was asked for")
        with part.open("ab" if start else "wb") as file:
            while chunk := _read(answer):
                file.write(chunk)
        total = _total(answer, start)
    if total is not None and _length(part) != total:
        raise _InterruptedError(f"only a part of {total} bytes came")
    if _length(part) == 0:
        raise _InterruptedError("it sends nothing")


def _total(answer: HTTPResponse, start: int) -> int | None:
    """Return the length of the whole file as the server says it, if it does."""
    total = answer.headers.get("Content-Range", "").rpartition("/")[2]
    if total.isdigit():
        return int(total)
    length = answer.headers.get("Content-Length")
    return None if length is None else start + int(length)


def _read(answer: HTTPResponse) -> bytes:
    try:
        return answer.read(CHUNK)
    except (OSError, HTTPException) as error:
        raise _InterruptedError(f"the connection broke ({error})") from error


def _remember_version(headers: HTTPMessage, path: Path) -> None:
    """Keep what the server calls this version of the file, if it has a name for it."""
    tag = headers.get("ETag", "")
    if not tag or tag.startswith("W/"):  # a weak one may name versions that differ
        tag = headers.get("Last-Modified", "")
    path.write_text(tag) if tag else path.unlink(missing_ok=True)


def _from_drive(identifier: str, part: Path, timeout: float, by_hand: str) -> None:
    """Download from Google Drive, whose pages before a large file only gdown knows."""
    try:
        import gdown
    except ImportError as error:
        raise InputError(f"Google Drive needs gdown: pip install gdown; or {by_hand}") from error
    import requests

    try:
        gdown.download(
            id=identifier,
            output=str(part),
            resume=True,
            quiet=True,
            timeout=timeout,
            retries=ATTEMPTS - 1,
        )
    except (gdown.exceptions.DownloadError, requests.RequestException) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"Google Drive file {identifier}: {reason}; {by_hand}") from error


def _fault(download: Download, path: Path) -> str | None:
    """Say what is wrong with a downloaded file."""
    if download.bytes is not None and path.stat().st_size != download.bytes:
        return f"{path.stat().st_size} bytes instead of {download.bytes}"
    expected, record = download.sha256, _beside(Path(download.place), ".sha256")
    if expected is None and record.exists():
        recorded = record.read_text().split()
        if len(recorded) != 2 or len(recorded[0]) != 64:
            return f"no sha256 in {record}; delete that file to record it anew"
        expected = recorded[0]
    if expected is not None and not (found := _sha256(path)).startswith(expected):
        return f"sha256 {found} instead of {expected}"
    return None


def _record(place: Path) -> str:
    """Return the file's SHA-256, written beside it in sha256sum's form."""
    digest = _sha256(place)
    record = _beside(place, ".sha256")
    unfinished = _beside(record, ".part")
    unfinished.write_text(f"{digest}  {place.name}\n")
    unfinished.replace(record)
    return digest


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
