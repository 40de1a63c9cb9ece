"""How commands of the warm server end: signals, deaths, and nothing that is left behind."""

import os
import resource
import signal
from pathlib import Path

import pytest

from warm_workflow import PROBE, alive, is_warm, own, until, workflow

__all__ = ["own", "workflow"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_to_the_client_ends_the_job(workflow, number):
    client, job = workflow.begun("exec probe.py wait")
    assert job["warm"]
    assert client.pid != job["pid"]
    until(lambda: client.stderr.readline().startswith("waiting"))
    client.send_signal(number)
    out, _ = client.communicate()
    assert client.returncode == -number
    assert out == ("tidied\n" if number == signal.SIGINT else "")
    until(lambda: not alive(job["pid"]))
    assert is_warm(workflow.run("probe.py"))


def test_a_killed_job_ends_its_client_only(workflow):
    (client, job), (other, still) = (workflow.begun("exec probe.py wait") for _ in range(2))
    os.kill(job["pid"], signal.SIGKILL)
    client.communicate()
    assert client.returncode == -signal.SIGKILL
    assert other.poll() is None
    assert alive(still["pid"])
    other.kill()
    other.communicate()


def test_the_server_s_death_ends_its_jobs_and_later_ones_start_by_themselves(own):
    client, job = own.begun("exec probe.py wait")
    until(lambda: client.stderr.readline().startswith("waiting"))
    os.kill(own.server(), signal.SIGKILL)
    _, errors = client.communicate()
    assert client.returncode == 1
    assert errors.splitlines()[-1] == "error: the warm server has ended, and this job with it"
    until(lambda: not alive(job["pid"]))
    assert not is_warm(own.run("probe.py"))


def test_nothing_is_left_of_a_killed_workflow(own):
    client, job = own.begun("exec probe.py wait")
    server = own.server()
    own.process.kill()
    client.communicate()
    assert client.returncode
    until(lambda: not alive(job["pid"]) and not alive(server))
    until(lambda: not own.private.exists())


def test_nothing_is_left_of_a_workflow_that_ends(own):
    assert stat_mode(own.private) == 0o700
    server = own.server()
    own.process.communicate()
    assert not alive(server)
    assert not own.private.exists()


def stat_mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_job_out_of_memory_is_alone_with_it(own):
    script = own.folder / "workflow/scripts/probe.py"
    script.write_text(
        PROBE
        + "import resource\n"
        + "resource.setrlimit(resource.RLIMIT_AS, (10**9, 10**9))\n"
        + "bytearray(2 * 10**9)\n"
    )
    done = own.run("probe.py")
    assert is_warm(done)
    assert done.stderr.splitlines()[-1] == "MemoryError"
    assert resource.getrlimit(resource.RLIMIT_AS)[0] != 10**9
    script.write_text(PROBE)
    assert is_warm(own.run("probe.py"))
