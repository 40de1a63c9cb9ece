"""The server of warm starts (``warm``): imports what is slow, then forks for each job.

It is run by its path and imports no module of varbench. It has a single thread, for a fork has
only the thread that forks, and ends with the process that started it.
"""

import atexit
import ctypes
import gc
import importlib
import os
import select
import shutil
import signal
import socket
import struct
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

# What a job may have otherwise than the server: bash's own, and what is reset in a fork.
FREE = {b"_", b"SHLVL", b"PWD", b"OLDPWD", b"TMPDIR", b"TMP", b"TEMP", b"TEMPDIR"}
# Of /proc/PID/status, what a process inherits.
INHERITED = (
    *("Umask", "Uid", "Gid", "Groups", "SigBlk", "SigIgn", "Cap", "NoNewPrivs", "Seccomp"),
    *("Cpus_allowed", "Mems_allowed"),
)
JEMALLOC = "JE_ARROW_MALLOC_CONF"
GRACE = 5  # seconds from SIGTERM to SIGKILL
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


@dataclass
class Job:
    """A fork that runs, and the client that waits for it."""

    pid: int
    process: int  # a descriptor that is readable once it has ended
    client: socket.socket
    killed_at: float | None = None  # after the client's death, monotonic seconds


@dataclass
class Start:
    """What the server's imports have seen."""

    environment: dict[bytes, bytes]
    stamps: list[tuple[str, int, int]]


@dataclass
class Request:
    """What a client asks for."""

    interpreter: list[bytes]
    command: list[bytes]
    environment: dict[bytes, bytes]


def parse(message: bytes) -> Request:
    """Read what a client sends; ValueError where it is something else."""
    executable, version, count, *words = message.split(b"\0")
    command, variables = words[: int(count)], words[int(count) :]
    pairs = (variable.partition(b"=") for variable in variables)
    return Request([executable, version], command, {name: value for name, _, value in pairs})


def import_all(slow: list[str]) -> Start:
    """Import what is slow; the collector would go through it again and again."""
    environment = dict(os.environb)  # torch adds to it
    gc.disable()
    # Arrow's second allocator, which it does not use unless told so, starts a thread.
    ours = JEMALLOC not in os.environ
    os.environ.setdefault(JEMALLOC, "background_thread:false")
    for name in slow:
        importlib.import_module(name)
    if ours:
        del os.environ[JEMALLOC]
    gc.freeze()
    gc.enable()
    return Start(environment, stamps())


def stamps() -> list[tuple[str, int, int]]:
    """Return a line a package that is imported; another one once it was installed anew."""
    files = [
        getattr(sys.modules[name], "__file__", None) for name in sys.modules if "." not in name
    ]
    found = []
    for file in filter(None, files):
        status = os.stat(file)  # noqa: PTH116 a hundred of them each job
        found.append((file, status.st_mtime_ns, status.st_size))
    return found


def surroundings(pid: int) -> list[Any]:
    """Return what a process has inherited: folder, limits, group of resources, containers, ..."""
    process = Path(f"/proc/{pid}")
    links = [process / "cwd", process / "root", *sorted((process / "ns").iterdir())]
    status = (process / "status").read_text().splitlines()
    return [
        *(link.readlink() for link in links),
        *((process / file).read_text() for file in ("limits", "cgroup", "oom_score_adj")),
        *(line for line in status if line.startswith(INHERITED)),
        os.getpriority(os.PRIO_PROCESS, pid),
    ]


def suits(request: Request, pid: int, start: Start) -> bool:
    """Say whether a fork is what a process that ``pid`` starts would be.

    Of the environment all must be the same but ``FREE``: what libraries read while they are
    imported (PYTHON*, LD_*, MALLOC_*, OMP_*, MKL_*, OPENBLAS_*, CUDA_*, TORCH_*, PYTORCH_*, LANG,
    LC_*, TZ, HOME, ...) is nowhere listed in full.
    """
    ours = [*map(os.fsencode, (sys.executable, sys.version))]
    here, there = (
        {name: value for name, value in environment.items() if name not in FREE}
        for environment in (start.environment, request.environment)
    )
    return (
        request.interpreter == ours
        and here == there
        and surroundings(pid) == surroundings(os.getpid())
        and stamps() == start.stamps
        and len(list(Path("/proc/self/task").iterdir())) == 1
    )


def customized() -> bool:
    """Say whether somebody's own code runs at each start of Python, other than a distribution's."""
    modules = filter(None, map(sys.modules.get, ("sitecustomize", "usercustomize")))
    library = Path(os.__file__).parent
    return any(Path(module.__file__ or "").parent != library for module in modules)


def on_gpu() -> bool:
    """Say whether an import has begun to use a GPU: a fork cannot go on with it."""
    return "torch" in sys.modules and sys.modules["torch"].cuda.is_initialized()


def name_process(command: list[bytes]) -> None:
    """Show ``command`` as this process's command line, in the place of the server's."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    begin, end = int(fields[45]), int(fields[46])
    shown = b"".join(word + b"\0" for word in command)[: end - begin - 1]
    ctypes.memset(begin, 0, end - begin)
    ctypes.memmove(begin, shown, len(shown))


def become(request: Request, streams: list[int], server: int) -> tuple[CodeType, dict[str, Any]]:
    """Make this fork a process that was just started; return its program and its globals."""
    os.setsid()
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:
        os._exit(1)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    for name in FREE:
        os.environb.pop(name, None)
    os.environb.update(request.environment)
    tempfile.tempdir = None
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()  # else all forks would draw the same
    sys.stdout.reconfigure(line_buffering=sys.stdout.line_buffering or sys.stdout.isatty())  # type: ignore[union-attr]
    name_process([b"python3", *request.command])
    sys.argv = [*map(os.fsdecode, request.command)]
    sys.orig_argv = ["python3", *sys.argv]
    script = sys.argv[0]
    sys.path.insert(0, str(Path(script).parent))
    importlib.invalidate_caches()
    main = ModuleType("__main__")
    loader = SourceFileLoader("__main__", script)
    main.__dict__.update(__file__=script, __loader__=loader, __builtins__=__builtins__)
    sys.modules["__main__"] = main
    return loader.source_to_code(loader.get_data(script), script), main.__dict__


def kill(job: Job, number: signal.Signals) -> None:
    """Send a fork, and what it has started, a signal."""
    try:
        os.killpg(job.pid, number)
    except ProcessLookupError:  # before its setsid, or after its end
        os.kill(job.pid, number)


def serve(folder: str, parent: int, start: Start) -> tuple[CodeType, dict[str, Any]] | None:
    """Fork for each client; return in the forks with what they are to run, at the end with None."""
    server, starter = os.getpid(), os.pidfd_open(parent)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(f"{folder}/new")
    listener.listen(128)
    Path(folder, "new").rename(Path(folder, "socket"))  # clients find it once it listens
    jobs: list[Job] = []
    while os.getppid() == parent:
        poll = select.poll()
        waiting = [job.client.fileno() for job in jobs if job.killed_at is None]
        for watched in (listener.fileno(), starter, *(job.process for job in jobs), *waiting):
            poll.register(watched, select.POLLIN)
        dying = any(job.killed_at for job in jobs)
        ready = {number for number, _ in poll.poll(1000 if dying else None)}
        for job in list(jobs):
            if job.process in ready:
                jobs.remove(job)
                end(job)
            elif job.killed_at is None and job.client.fileno() in ready:  # its client has ended
                kill(job, signal.SIGTERM)
                job.killed_at = time.monotonic()
            elif job.killed_at and time.monotonic() - job.killed_at > GRACE:
                kill(job, signal.SIGKILL)
        if listener.fileno() not in ready:
            continue
        client, _ = listener.accept()
        accepted = receive(client, start)
        if accepted is None:
            client.close()
            continue
        request, streams = accepted
        pid = -1
        with suppress(OSError):  # no room for another process
            pid = os.fork()
        if pid == 0:
            for opened in (listener, client, *(job.client for job in jobs)):
                opened.close()
            for number in (starter, *(job.process for job in jobs)):
                os.close(number)
            return become(request, streams, server)
        for stream in streams:
            os.close(stream)
        if pid > 0:
            jobs.append(Job(pid, os.pidfd_open(pid), client))
            tell(client, pid)
        else:
            client.close()
    for job in jobs:
        kill(job, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)
    return None


def receive(client: socket.socket, start: Start) -> tuple[Request, list[int]] | None:
    """Return a client's request and its standard streams; None where it has to start by itself."""
    streams: list[int] = []
    try:
        client.settimeout(1)
        message, streams, flags, _ = socket.recv_fds(client, 1 << 21, 3)
        peer = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        request = parse(message)
        whole = len(streams) == 3 and not flags & socket.MSG_TRUNC and bool(request.command)
        if whole and suits(request, struct.unpack("3i", peer)[0], start):
            return request, streams
    except (OSError, ValueError):
        pass
    for stream in streams:
        os.close(stream)
    return None


def end(job: Job) -> None:
    """Tell the client how its job has ended."""
    _, status = os.waitpid(job.pid, 0)
    os.close(job.process)
    tell(job.client, status)
    job.client.close()


def tell(client: socket.socket, number: int) -> None:
    """Send a number, unless the client is gone."""
    with suppress(OSError):
        client.send(b"%d" % number)


def run(program: CodeType, names: dict[str, Any]) -> None:
    """Run a program to its end, and tell ``leave`` how it ended."""
    try:
        exec(program, names)
        ended.append(0)
    except SystemExit as error:
        ended.append(error.code if isinstance(error.code, int) else int(error.code is not None))
        raise
    except Exception:
        ended.append(1)
        raise


ended: list[int] = []


def leave() -> None:
    """Leave a fork without taking apart all that is imported.

    That would copy the pages that it shares with the server, for a second and more.
    """
    if ended:  # and not by Ctrl-C
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ended[0] & 0xFF)


if __name__ == "__main__":
    atexit.register(leave)  # before all imports, to be the last that is called
    del sys.path[0]  # the folder of this file
    folder, parent, *slow = sys.argv[1:-1]  # after them, room
    to_run = None
    if not customized():
        name_process([*map(os.fsencode, sys.orig_argv[:-1])])
        start = import_all(slow)
        to_run = None if on_gpu() else serve(folder, int(parent), start)
    if to_run is not None:
        run(*to_run)
