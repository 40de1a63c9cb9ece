"""Snakemake's checksums of inputs, remembered."""

import asyncio
import hashlib
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest
from snakemake.io import _IOFile
from snakemake.scheduling.job_scheduler import JobScheduler

import grid
from varbench.experiment import checksums


class Counted:
    """A method of checksums that notes which files it has read."""

    def __init__(self):
        self.read = []

    async def __call__(self, file, threshold=None, algorithm="sha256"):
        self.read.append(os.fspath(file))
        content = Path(file).read_bytes()
        return hashlib.new(algorithm, content).hexdigest() if len(content) <= threshold else None


@pytest.fixture
def counted():
    return Counted()


def ask(once, *values, **named):
    return asyncio.run(once(*values, **named))


def test_a_file_is_read_once(tmp_path, counted):
    once = checksums.remember(counted.__call__)
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(b"1")
    second.write_bytes(b"2")
    answers = [ask(once, file, 10) for file in (first, second, first, second)]
    assert answers == [hashlib.sha256(value).hexdigest() for value in (b"1", b"2", b"1", b"2")]
    assert counted.read == [str(first), str(second)]


def test_what_is_asked_belongs_to_the_answer(tmp_path, counted):
    once = checksums.remember(counted.__call__)
    file = tmp_path / "file"
    file.write_bytes(b"longer")
    assert ask(once, file, 3) is None
    assert ask(once, file, 10) == hashlib.sha256(b"longer").hexdigest()
    assert ask(once, file, 10, algorithm="md5") == hashlib.md5(b"longer").hexdigest()
    assert len(counted.read) == 3


def written(file, content):
    file.write_bytes(content)


def replaced(file, content):
    """Put another file in its place, as old as the one before."""
    before = file.stat()
    other = file.with_name("other")
    other.write_bytes(content)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(file)


def back_in_time(file, content):
    """Write as much as there was, and put the time of change back."""
    before = file.stat()
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("change", [written, replaced, back_in_time])
def test_a_file_that_changed_is_read_again(tmp_path, counted, change):
    once = checksums.remember(counted.__call__)
    file = tmp_path / "file"
    file.write_bytes(b"before")
    os.utime(file, ns=(0, 10**18))  # so that the clock's steps are no matter
    before = ask(once, file, 10)
    change(file, b"behind")
    after = ask(once, file, 10)
    assert [before, after] == [hashlib.sha256(v).hexdigest() for v in (b"before", b"behind")]


def test_a_file_that_is_not_there_is_asked_about_each_time(tmp_path, counted):
    once = checksums.remember(counted.__call__)
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            ask(once, tmp_path / "missing", 10)
    assert len(counted.read) == 2


def test_snakemake_has_what_the_workflow_takes_away():
    """The limit of jobs in a second: an attribute of another name would be set in vain."""
    assert "self.job_rate_limiter = " in inspect.getsource(JobScheduler.__init__)
    assert "scheduler.job_rate_limiter = None" in (grid.BASE / "Snakefile").read_text()


def test_snakemake_asks_for_an_input_for_each_output(tmp_path):
    """Otherwise nothing would have to be remembered; and its files have the method."""
    assert asyncio.iscoroutinefunction(_IOFile.checksum)
    (tmp_path / "given").write_text("given")
    (tmp_path / "Snakefile").write_text(
        "from snakemake.io import _IOFile\n"
        "plain = _IOFile.checksum\n"
        "async def noted(self, *values, **named):\n"
        "    open('asked', 'a').write('asked\\n')\n"
        "    return await plain(self, *values, **named)\n"
        f"sys.path.insert(0, {str(grid.BASE / 'src')!r})\n"
        "from varbench.experiment import checksums\n"
        "onstart:\n"
        "    kept = checksums.remember(noted) if config.get('remember') else noted\n"
        "    _IOFile.checksum = kept\n"
        "rule all:\n"
        "    input: 'given'\n"
        "    output: 'a', 'b', 'c'\n"
        "    shell: 'touch {output}'\n"
    )
    asked = []
    for remember in ("", "1"):
        line = [sys.executable, "-m", "snakemake", "--cores", "1", "--quiet", "--forceall"]
        subprocess.run(
            [*line, "--config", f"remember={remember}"],
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )
        asked.append((tmp_path / "asked").read_text().count("asked"))
        (tmp_path / "asked").unlink()
    assert asked == [3, 1]
