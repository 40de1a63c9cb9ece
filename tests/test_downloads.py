"""Downloads from a server on loopback that misbehaves as servers and networks do."""

import hashlib
import importlib.util
import sys
import types
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import requests
import yaml

from varbench import downloads
from varbench.errors import InputError

BASE = Path(__file__).parents[1]
CONTENT = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """What it sends, how it misbehaves, and what it was asked for."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.ranges = True
        self.version = {"ETag": '"one"'}
        self.kind = "application/octet-stream"
        self.cuts = []  # after how many bytes the connection breaks, one an answer
        self.most = None  # bytes of an answer, however many were asked for
        self.statuses = []  # to answer with instead, one an answer
        self.asked = []  # the Range of each request

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/file"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server, wanted = self.server, self.headers.get("Range")
        server.asked.append(wanted)
        if server.statuses:
            self.send_error(server.statuses.pop(0))
            return
        start, same = 0, self.headers.get("If-Range", server.version.get("ETag"))
        if wanted and server.ranges and same == server.version.get("ETag"):
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
        size = len(server.content)
        end = min(size, start + (server.most or size)) if wanted else size
        if start and start >= size:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        for name, value in server.version.items():
            self.send_header(name, value)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        self.send_header("Content-Type", server.kind)
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        self.wfile.write(server.content[start:end][: server.cuts.pop(0) if server.cuts else None])

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as running:
        thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """The pauses between attempts, which are not slept."""
    slept = []
    monkeypatch.setattr(downloads.time, "sleep", slept.append)
    return slept


@pytest.fixture
def wanted(server, tmp_path):
    def make(**changed):
        row = {
            "name": "weights",
            "what": "weights of a test",
            "url": server.url,
            "place": str(tmp_path / "data" / "weights.pt"),
            "page": "https://example.org/weights",
            "licence": None,
            "bytes": None,
            "sha256": SHA256,
        }
        return downloads.Download(**{**row, **changed})

    return make


def arrived(download):
    """Check that the file is there, whole, with its record, and nothing else."""
    place = Path(download.place)
    assert place.read_bytes() == CONTENT
    assert {path.name for path in place.parent.iterdir()} == {"weights.pt", "weights.pt.sha256"}
    assert place.with_name("weights.pt.sha256").read_text() == f"{SHA256}  weights.pt\n"


@pytest.mark.parametrize("sha256", [SHA256, SHA256[:8], None])
def test_a_file_arrives_and_is_not_asked_for_again(server, wanted, sha256):
    download = wanted(sha256=sha256, bytes=len(CONTENT))
    assert downloads.fetch(download) == SHA256
    arrived(download)
    assert downloads.fetch(download) == SHA256
    assert server.asked == [None]


def test_an_interrupted_transfer_goes_on_where_it_broke(server, wanted, waits):
    server.cuts = [100_000, 50_000, 0, 1]
    download = wanted(sha256=None)
    assert downloads.fetch(download, pause=1) == SHA256
    arrived(download)
    places = ["bytes=100000-", "bytes=150000-", "bytes=150000-", "bytes=150001-"]
    assert server.asked == [None, *places]
    assert waits == [1, 1, 2, 1]  # longer only after an attempt that brought nothing


def test_a_server_that_answers_with_less_than_the_rest_is_asked_on(server, wanted):
    server.cuts, server.most = [100_000], 90_000
    assert downloads.fetch(wanted(sha256=None)) == SHA256
    assert server.asked[-1] == "bytes=280000-"


def test_an_answer_without_a_file_is_none(server, wanted):
    server.statuses = [204]
    with pytest.raises(InputError, match=r"it answers 204 No Content; get it by hand"):
        downloads.fetch(wanted(sha256=None))
    server.content = b""
    with pytest.raises(InputError, match="it sends nothing, 5 times"):
        downloads.fetch(wanted(sha256=None))
    assert not Path(wanted().place).exists()


def test_what_a_killed_run_left_is_used(server, wanted):
    server.cuts = [120_000, *[0] * 10]
    download = wanted()
    with pytest.raises(
        InputError, match="only a part of 300000 bytes came, 5 times; try again later"
    ):
        downloads.fetch(download)
    assert not Path(download.place).exists()
    server.cuts, server.asked = [], []
    assert downloads.fetch(download) == SHA256
    arrived(download)
    assert server.asked == ["bytes=120000-"]


def leave(download, content, version=None):
    part = Path(download.place + ".part")
    part.parent.mkdir()
    part.write_bytes(content)
    if version:
        Path(f"{part}.version").write_text(version)


@pytest.mark.parametrize(
    ("left", "version", "sha256"),
    [
        (CONTENT[:1000], '"one"', None),
        (CONTENT[:1000], None, SHA256),
        (CONTENT, '"one"', None),  # killed just before the file was put in its place
        (b"x" * 1000, '"zero"', None),  # of an older version, says the server
        (b"x" * 1000, None, SHA256),  # says the sum
        (b"x" * 1000, None, None),  # nothing says what it is
        (b"x" * 400_000, '"one"', SHA256),
    ],
)
def test_leftovers(wanted, left, version, sha256):
    download = wanted(sha256=sha256)
    leave(download, left, version)
    assert downloads.fetch(download) == SHA256
    arrived(download)


@pytest.mark.parametrize("cuts", [[], [100_000]])
def test_a_server_without_ranges(server, wanted, cuts):
    server.ranges, server.version, server.cuts = False, {}, cuts
    download = wanted()
    leave(download, b"x" * 1000)
    assert downloads.fetch(download) == SHA256
    arrived(download)


def test_a_file_that_changes_on_the_way_is_not_mixed(server, wanted):
    server.cuts = [100_000]
    old, server.content = CONTENT, b"y" * 200_000
    download = wanted(sha256=None)
    with pytest.MonkeyPatch.context() as patch:

        def replaced(_seconds):
            server.content, server.version = old, {"ETag": '"two"'}

        patch.setattr(downloads.time, "sleep", replaced)
        assert downloads.fetch(download) == SHA256
    arrived(download)


def test_a_wrong_sum_is_named_and_leaves_nothing(wanted):
    download = wanted(sha256="0" * 64)
    with pytest.raises(InputError, match=rf"weights\.pt: what .* sha256 {SHA256} instead of 0000"):
        downloads.fetch(download)
    assert list(Path(download.place).parent.iterdir()) == []


def test_a_wrong_size_is_named_and_leaves_nothing(wanted):
    download = wanted(sha256=None, bytes=7)
    with pytest.raises(InputError, match="300000 bytes instead of 7"):
        downloads.fetch(download)
    assert list(Path(download.place).parent.iterdir()) == []


@pytest.mark.parametrize("sha256", [SHA256, None])
def test_a_file_that_was_damaged_later_is_noticed(wanted, sha256):
    download = wanted(sha256=sha256)
    downloads.fetch(download)
    place = Path(download.place)
    place.write_bytes(CONTENT[:-1] + b"\0")
    with pytest.raises(InputError, match=r"weights\.pt: sha256 .* delete it and fetch it again"):
        downloads.fetch(download)
    assert place.exists()


@pytest.mark.parametrize("status", [404, 403, 410])
def test_a_file_that_is_gone_is_not_asked_for_twice(server, wanted, status):
    server.statuses = [status] * 9
    download = wanted()
    message = rf"pt: http\S+ HTTP Error {status}: .*; get it by hand \(https://example\S+\) and"
    with pytest.raises(InputError, match=message):
        downloads.fetch(download)
    assert len(server.asked) == 1


def test_a_busy_server_is_asked_again(server, wanted, waits):
    server.statuses = [503, 429, 500]
    assert downloads.fetch(wanted(), pause=1) == SHA256
    assert waits == [1, 2, 4]


def test_no_network(wanted, waits):
    download = wanted(url="http://127.0.0.1:9/weights.pt")
    with pytest.raises(InputError) as raised:
        downloads.fetch(download)
    assert "no connection ([Errno 111] Connection refused), 5 times" in str(raised.value)
    assert f"put it at {download.place}" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert waits == [1, 2, 4, 8]


def test_a_web_page_is_not_the_file(server, wanted):
    server.kind = "text/html; charset=utf-8"
    with pytest.raises(InputError, match="it answers with a web page"):
        downloads.fetch(wanted(sha256=None))


def test_a_file_of_which_no_copy_is_known(wanted):
    with pytest.raises(InputError, match=r"weights\.pt: no public copy is known; get it by hand"):
        downloads.fetch(wanted(url=None))


# Google Drive, which gdown knows


@pytest.fixture
def gdown(monkeypatch):
    module = types.ModuleType("gdown")
    module.exceptions = types.SimpleNamespace(DownloadError=type("E", (Exception,), {}))
    monkeypatch.setitem(sys.modules, "gdown", module)
    return module


def test_google_drive(gdown, wanted):
    def download(*, id, output, resume, quiet, timeout, retries):
        assert (id, resume, quiet) == ("abc", True, True)
        assert timeout > 0 < retries
        Path(output).write_bytes(CONTENT)

    gdown.download = download
    wanted_file = wanted(url="gdrive:abc")
    assert downloads.fetch(wanted_file) == SHA256
    arrived(wanted_file)


@pytest.mark.parametrize("error", ["E", requests.ConnectionError])
def test_google_drive_refuses(gdown, wanted, error):
    kind = gdown.exceptions.DownloadError if error == "E" else error

    def download(**_options):
        raise kind("Too many users\nhave viewed")

    gdown.download = download
    with pytest.raises(InputError, match="Google Drive file abc: Too many users have viewed; get"):
        downloads.fetch(wanted(url="gdrive:abc"))


def test_google_drive_without_gdown(monkeypatch, wanted):
    monkeypatch.setitem(sys.modules, "gdown", None)
    with pytest.raises(InputError, match="needs gdown: pip install gdown; or get it"):
        downloads.fetch(wanted(url="gdrive:abc"))


# The registry and the command


def test_the_registry():
    known = downloads.registry(BASE / "resources" / "downloads.yaml")
    for place, download in known.items():
        assert place.startswith("data/")
        assert download.sha256 is None or len(download.sha256) in (8, 64)
        if "-" in Path(place).stem:  # torchvision's names end in the start of the sum
            assert download.sha256.startswith(Path(place).stem.rpartition("-")[2])


def test_everything_that_the_papers_configuration_names_is_known():
    known = downloads.registry(BASE / "resources" / "downloads.yaml")
    paper = yaml.safe_load((BASE / "config" / "paper.yaml").read_text())
    named = [c["source"]["path"] for c in paper["catalogues"].values() if c]
    named += [d["weights"] for d in paper["defenses"].values()] + [paper["perceptual"]["weights"]]
    assert set(named) <= set(known)


def test_the_command(server, tmp_path, monkeypatch):
    rows = [dict.fromkeys(("bytes", "sha256", "licence"))]
    rows[0] |= {"name": "w", "what": "weights", "url": server.url, "page": "", "place": "data/w.pt"}
    (tmp_path / "downloads.yaml").write_text(yaml.safe_dump(rows))
    monkeypatch.chdir(tmp_path)
    script = BASE / "workflow" / "scripts" / "fetch.py"
    spec = importlib.util.spec_from_file_location("fetch", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    command = ["fetch.py", "--registry", "downloads.yaml", "--place"]
    monkeypatch.setattr(sys, "argv", [*command, "data/w.pt"])
    module.main()
    assert (tmp_path / "data" / "w.pt").read_bytes() == CONTENT
    monkeypatch.setattr(sys, "argv", [*command, "data/other.pt"])
    with pytest.raises(InputError, match=r"data/other\.pt: not in downloads\.yaml; known: data/w"):
        module.main()
