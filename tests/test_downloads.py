"""Downloads from a server on loopback that misbehaves as servers and networks do."""

from pathlib import Path

import pytest

from download_server import CONTENT, SHA256, arrived, server, waits, wanted
from varbench import downloads
from varbench.errors import InputError

__all__ = ["server", "waits", "wanted"]


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
