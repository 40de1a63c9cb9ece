"""Commands that are started in a fork of the warm server do what they do by themselves."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import grid
import test_resuming
from test_resuming import inputs  # noqa: F401  a fixture
from varbench.experiment import warm

# What it is and was given, then what its first argument says. A part of it lies in a package.
PROBE = """#!/usr/bin/env python3
'''A command.'''
import json, os, signal, sys, time
import part

this = {
    "argv": sys.argv, "name": __name__, "file": __file__, "path": sys.path,
    "python": sys.executable, "doc": __doc__, "main": sys.modules["__main__"].__dict__ is globals(),
    "cwd": os.getcwd(), "environment": {n: v for n, v in os.environ.items() if n != "_"},
    "line": open("/proc/self/cmdline").read().rstrip(chr(0)).split(chr(0))[1:],
    "open": sorted(os.listdir("/proc/self/fd"))[:-1], "part": part.VALUE, "pid": os.getpid(),
    "signals": [str(signal.getsignal(n)) for n in sorted(signal.valid_signals())],
    "streams": [
        [s.encoding, s.errors, s.line_buffering] for s in (sys.stdin, sys.stdout, sys.stderr)
    ],
    "warm": "heavy" in sys.modules,
}
print(json.dumps(this), flush=True)
print("read", repr(sys.stdin.read()), "in error", file=sys.stderr)
what = sys.argv[1:2]
if what == ["wait"]:
    try:
        print("waiting", file=sys.stderr, flush=True)
        time.sleep(60)
    finally:
        print("tidied")
if what == ["exit"]:
    sys.exit(eval(sys.argv[2]))
if what == ["signal"]:
    os.kill(os.getpid(), int(sys.argv[2]))
if what == ["raise"]:
    raise ValueError("a bug")
if what == ["buffered"]:
    print("x" * 10)
"""


class Workflow:
    """A process that has started a server for a few commands, as Snakemake does."""

    def __init__(self, folder: Path, scripts: Path, slow: tuple[str, ...], **variables: str):
        self.folder = folder
        self.path = f"{scripts}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}/usr/bin:/bin"
        self.environment = {
            **{name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ},
            **dict.fromkeys(warm.THREADS, "1"),
            "PATH": self.path,
            "PYTHONPATH": os.pathsep.join([str(folder), str(Path(warm.__file__).parents[2])]),
            "TMPDIR": str(folder / "tmp"),
            **variables,
        }
        (folder / "tmp").mkdir(exist_ok=True)
        code = (
            "import os, sys; from pathlib import Path; from varbench.experiment import warm;"
            f"warm.start(Path({str(scripts)!r}), {slow!r});"
            "print(os.environ['PATH'], flush=True); sys.stdin.read()"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], cwd=folder, env=self.environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.warm_path = self.process.stdout.readline().strip()
        self.private = Path(self.warm_path.split(os.pathsep)[0])

    def __enter__(self) -> "Workflow":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()

    def ready(self) -> "Workflow":
        until((self.private / "socket").exists)
        return self

    def server(self) -> int:
        line = f"warm_server.py\0{self.private}\0".encode()
        (pid,) = [p for p in processes() if line in command_line(p)]
        return pid

    def line(self, shell: str, by_itself: bool = False, **variables: str) -> dict:
        path = self.path if by_itself else self.warm_path
        return {
            "args": ["bash", "-c", shell],
            "env": self.environment | {"PATH": path} | variables,
            "cwd": self.folder,
            "text": True,
        }

    def run(self, shell: str, by_itself: bool = False, **variables: str):
        line = self.line(shell, by_itself, **variables)
        return subprocess.run(**line, input="given", capture_output=True)

    def begun(self, shell: str) -> tuple[subprocess.Popen[str], dict]:
        """Start a command and return it with what it says it is."""
        streams = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
        client = subprocess.Popen(**self.line(shell), stdin=subprocess.DEVNULL, **streams)
        assert client.stdout is not None
        return client, json.loads(client.stdout.readline())


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it never happened")


def processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").glob("[0-9]*")]


def command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def alive(pid: int) -> bool:
    return bool(command_line(pid))  # a zombie has none


@pytest.fixture(scope="module")
def workflow(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workflow")
    with Workflow(folder, prepared(folder), ("heavy",)) as started:
        yield started.ready()


@pytest.fixture
def own(tmp_path):
    """A workflow that a test may break."""
    with Workflow(tmp_path, prepared(tmp_path), ("heavy",)) as started:
        yield started.ready()


def prepared(folder: Path) -> Path:
    (folder / "heavy.py").write_text("")
    (folder / "part.py").write_text("VALUE = 1\n")
    scripts = folder / "workflow" / "scripts"
    scripts.mkdir(parents=True)
    (scripts / "probe.py").write_text(PROBE)
    (scripts / "probe.py").chmod(0o755)
    return scripts


def is_warm(done: subprocess.CompletedProcess[str]) -> bool:
    return bool(json.loads(done.stdout.splitlines()[0])["warm"])


def test_a_command_finds_what_it_would_find_by_itself(workflow):
    shell = """exec probe.py 'a b' "it's" '"' '' '*' $'two\\nlines' é"""
    ours, by_itself = workflow.run(shell), workflow.run(shell, by_itself=True)
    assert ours.stderr == by_itself.stderr == "read 'given' in error\n"
    ours, by_itself = (json.loads(done.stdout) for done in (ours, by_itself))
    assert (ours.pop("warm"), by_itself.pop("warm")) == (True, False)
    assert ours["environment"].pop("PATH") == workflow.warm_path
    del by_itself["environment"]["PATH"], ours["pid"], by_itself["pid"]
    assert ours == by_itself


@pytest.mark.parametrize(
    "how",
    [
        *("nothing", "exit None", "exit 0", "exit 3", "exit 259", "exit -1", "exit '\"text\"'"),
        *("raise", "buffered", "signal 2", "signal 9", "signal 11", "signal 15"),
    ],
)
def test_a_command_ends_as_it_would_by_itself(workflow, how):
    ours, by_itself = (workflow.run(f"exec probe.py {how}", own) for own in (False, True))
    assert is_warm(ours)
    assert not is_warm(by_itself)
    assert ours.returncode == by_itself.returncode
    assert ours.stdout.splitlines()[1:] == by_itself.stdout.splitlines()[1:]
    assert ours.stderr.splitlines()[-1:] == by_itself.stderr.splitlines()[-1:]


@pytest.mark.parametrize(
    "shell",
    [
        *("cd /; probe.py", "umask 0; probe.py", "ulimit -n 100; probe.py", "nice probe.py"),
        *("probe.py 3< /dev/null", "trap '' INT; probe.py", "OMP_NUM_THREADS=2 probe.py"),
        *("MALLOC_ARENA_MAX=1 probe.py", "CUDA_VISIBLE_DEVICES= probe.py"),
        *("env -u HOME probe.py", "PYTHONHASHSEED=0 probe.py", "taskset -c 0 probe.py"),
        "probe.py $(head -c 100000 /dev/zero | tr '\\0' x){1,2,3}",
    ],
)
def test_a_command_under_other_conditions_starts_by_itself(workflow, shell):
    if "taskset" in shell and (os.cpu_count() == 1 or not shutil.which("taskset")):
        pytest.skip("one core is all")
    done = workflow.run(shell)
    assert done.returncode == 0, done.stderr
    assert not is_warm(done)


def test_another_interpreter_starts_by_itself(workflow, tmp_path):
    (tmp_path / "python3").symlink_to(Path(sys.executable))
    done = workflow.run("probe.py", PATH=f"{workflow.private}:{tmp_path}:{workflow.path}")
    assert not is_warm(done)


def test_packages_installed_anew_are_noticed(own):
    assert is_warm(own.run("probe.py"))
    (own.folder / "heavy.py").write_text("VERSION = 2\n")
    assert not is_warm(own.run("probe.py"))


def test_sources_are_read_anew(own):
    part = own.folder / "part.py"
    for value in ("2", "345", "'six'"):
        part.write_text(f"VALUE = {value}\n")
        done = own.run("probe.py")
        assert is_warm(done)
        assert json.loads(done.stdout)["part"] == eval(value)


def test_somebodys_own_start_of_python_is_kept(tmp_path):
    scripts = prepared(tmp_path)
    (tmp_path / "sitecustomize.py").write_text("import heavy\n")
    with Workflow(tmp_path, scripts, ("heavy",)) as started:
        until(
            lambda: not any(f"{started.private}".encode() in command_line(p) for p in processes())
        )
        assert is_warm(started.run("probe.py")), "through sitecustomize"
        assert not (started.private / "socket").exists()


def test_a_command_does_not_wait_for_the_server(tmp_path):
    scripts = prepared(tmp_path)
    (tmp_path / "heavy.py").write_text("import time\ntime.sleep(1000)\n")
    with Workflow(tmp_path, scripts, ("heavy",)) as started:
        assert not is_warm(started.run("probe.py"))


def test_a_server_with_threads_is_none(tmp_path):
    scripts = prepared(tmp_path)
    (tmp_path / "heavy.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(99,), daemon=True).start()\n"
    )
    with Workflow(tmp_path, scripts, ("heavy",)) as started:
        assert not is_warm(started.ready().run("probe.py"))


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


def test_a_trained_model_is_the_same(inputs, tmp_path):  # noqa: F811
    (tmp_path / "src").symlink_to(grid.BASE / "src")
    scripts = tmp_path / "workflow" / "scripts"
    scripts.mkdir(parents=True)
    script = scripts / "train_recommender.py"
    script.touch()
    text = (grid.BASE / "workflow" / "scripts" / script.name).read_text()
    results = []
    with Workflow(tmp_path, scripts, warm.SLOW) as started:
        for by_itself in (True, False):
            # Only a fork can run the second one.
            script.write_text(
                text.replace("#!/usr/bin/env python3", "#!/bin/false") if results else text
            )
            script.chmod(0o755)
            out = tmp_path / str(by_itself)
            out.mkdir()
            _, _, *options = test_resuming.command("train_recommender", inputs, out)
            line = started.ready().line('exec train_recommender.py "${@}"', by_itself)
            line["args"] += ["bash", *options, "--code", "the same"]
            subprocess.run(**line, check=True)
            results.append(test_resuming.results(out))
    assert results[0] == results[1]
