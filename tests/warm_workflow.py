"""A workflow with a warm server, and a command that says what it finds and ends as it is told."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

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
