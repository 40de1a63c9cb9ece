"""Downloads from a local server that breaks off, lies, knows no ranges, or has nothing."""

import hashlib
import io
import re
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from varbench.downloads import Download, extract, fetch, registry
from varbench.errors import InputError

BASE = Path(__file__).parents[1]
CONTENT = bytes(range(256)) * 4000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves CONTENT; the server's ``plan`` says how each request fares."""

    def do_GET(self):
        plan = self.server.plan.pop(0) if self.server.plan else "whole"
        found = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(found[1]) if found and plan != "no ranges" else 0
        self.server.starts.append(start)
        if isinstance(plan, int) and plan >= 400:
            self.send_error(plan)
            return
        if start >= len(CONTENT):
            self.send_error(416)
            return
        body = CONTENT[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:100_000] if plan == "break" else body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.plan, server.starts = [], []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def wanted(server, tmp_path):
    def row(**changes):
        url = f"http://127.0.0.1:{server.server_port}/file"
        row = {
            "name": "file", "what": "a file", "url": url, "place": str(tmp_path / "data" / "file"),
            "licence": None, "bytes": None, "sha256": DIGEST,
        }  # fmt: skip
        return Download(**row | changes)

    return row


def test_a_file_arrives_and_is_not_fetched_again(server, wanted):
    assert fetch(wanted()) == DIGEST
    assert Path(wanted().place).read_bytes() == CONTENT
    fetch(wanted())
    assert server.starts == [0]
    assert [path.name for path in Path(wanted().place).parent.iterdir()] == ["file"]


def test_a_broken_transfer_goes_on_where_it_stopped(server, wanted):
    server.plan = ["break", "break"]
    assert fetch(wanted(), pause=0) == DIGEST
    assert server.starts == [0, 100_000, 200_000]


def test_what_a_killed_run_left_is_taken_up(server, wanted):
    part = Path(wanted().place + ".part")
    part.parent.mkdir()
    part.write_bytes(CONTENT[:123_456])
    assert fetch(wanted()) == DIGEST
    assert server.starts == [123_456]
    assert not part.exists()


def test_a_part_that_is_already_whole(server, wanted):
    part = Path(wanted().place + ".part")
    part.parent.mkdir()
    part.write_bytes(CONTENT)
    assert fetch(wanted()) == DIGEST
    assert server.starts == [len(CONTENT), 0]


def test_a_server_without_ranges_sends_all_again(server, wanted):
    server.plan = ["break", "no ranges"]
    assert fetch(wanted(), pause=0) == DIGEST
    assert Path(wanted().place).read_bytes() == CONTENT


def test_a_busy_server_is_asked_again(server, wanted):
    server.plan = [503, 429]
    assert fetch(wanted(), pause=0) == DIGEST


@pytest.mark.parametrize("code", [404, 403])
def test_a_missing_file_is_not_asked_for_again(server, wanted, code):
    server.plan = [code]
    with pytest.raises(
        InputError, match=rf"file: http.*{code}.*get it by hand .* put it at .*file"
    ):
        fetch(wanted(), pause=0)
    assert len(server.starts) == 1
    assert not Path(wanted().place).exists()


def test_without_a_network_the_message_names_the_place(wanted):
    nowhere = wanted(url="http://127.0.0.1:9/file")
    with pytest.raises(InputError, match=r"refused.*put it at .*data.file"):
        fetch(nowhere, pause=0)


def test_without_a_source_the_message_names_the_place(wanted):
    with pytest.raises(InputError, match=r"no public source is known; get it by hand \(a file\)"):
        fetch(wanted(url=None))


@pytest.mark.parametrize("expected", ["0" * 64, "0676ba61"])
def test_another_file_than_expected_is_refused_and_not_kept(wanted, expected):
    with pytest.raises(InputError, match=rf"sha256 {DIGEST} where {expected} is expected"):
        fetch(wanted(sha256=expected))
    assert list(Path(wanted().place).parent.iterdir()) == []


def test_a_file_that_is_there_is_verified_and_left(wanted):
    place = Path(wanted().place)
    place.parent.mkdir()
    place.write_bytes(b"other")
    with pytest.raises(InputError, match="delete it and fetch it again"):
        fetch(wanted())
    assert place.read_bytes() == b"other"


def test_the_start_of_a_sum_is_enough_and_an_unknown_one_is_recorded(wanted):
    assert fetch(wanted(sha256=DIGEST[:8])) == DIGEST
    Path(wanted().place).unlink()
    assert fetch(wanted(sha256=None)) == DIGEST
    assert Path(wanted().place + ".sha256").read_text() == f"{DIGEST}  file\n"


def archive(path, members):
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as content:
            for name in members:
                content.writestr(name, "text")
    else:
        with tarfile.open(path, "w:gz") as content:
            for name in members:
                member = tarfile.TarInfo(name)
                member.size = 4
                content.addfile(member, io.BytesIO(b"text"))


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_archives_stay_in_their_folder(tmp_path, name):
    archive(tmp_path / name, ["men/0.jpg", "men/sub/1.jpg"])
    extract(tmp_path / name, tmp_path / "out")
    assert (tmp_path / "out" / "men" / "sub" / "1.jpg").read_text() == "text"
    for evil in ("../evil", "men/../../evil"):
        archive(tmp_path / name, ["men/0.jpg", evil])
        with pytest.raises(InputError, match=r"points outside|outside the destination"):
            extract(tmp_path / name, tmp_path / "other")
        assert sorted(path.name for path in tmp_path.iterdir()) == [name, "out"]
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:60])
    with pytest.raises(InputError, match="cannot be unpacked"):
        extract(tmp_path / name, tmp_path / "other")


def test_the_registry_knows_what_the_papers_configuration_names():
    known = registry(BASE / "resources" / "downloads.yaml")
    named = re.findall(r"data/[\w/.-]+", (BASE / "config" / "paper.yaml").read_text())
    assert {"data/weights/vgg16-397923af.pth"} <= set(named)
    assert set(named) - {"data.md"} <= set(known)
    for row in known.values():
        assert not Path(row.place).is_absolute()
        assert row.url is None or row.url.startswith(("https://", "http://", "gdrive:"))
