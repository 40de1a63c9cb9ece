"""A server on loopback that misbehaves as servers and networks do, and a file to ask it for."""

import hashlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from varbench import downloads

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
