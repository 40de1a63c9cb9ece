#!/usr/bin/env -S python3 -SI
"""Run a command in a fork of the warm server (``warm``), or else by itself.

A link to this file has the command's name. Whatever is imported before the request is sent delays
each job: ``socket`` alone, around ``_socket``, takes longer than the rest.
"""

import _socket
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

PATIENCE = 10  # seconds for the server's first answer


def ask(folder: str, command: list[str]) -> tuple[_socket.socket, int] | None:
    """Return the connection to the server and the process that runs ``command``, if one does."""
    # More than the standard streams and the folder that is listed here.
    if len(os.listdir("/proc/self/fd")) > 4:  # noqa: PTH208 pathlib's import takes longer
        return None
    environment = [b"%b=%b" % pair for pair in os.environb.items()]
    words = [sys.executable, sys.version, str(len(command)), *command]
    message = b"\0".join([*map(os.fsencode, words), *environment])
    streams = b"".join(number.to_bytes(4, sys.byteorder) for number in range(3))
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    try:
        connection.settimeout(PATIENCE)
        connection.connect(f"{folder}/socket")
        connection.sendmsg([message], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
        answer = connection.recv(16)
        connection.settimeout(None)
        return (connection, int(answer)) if answer else None
    except OSError:
        return None


def follow(connection: _socket.socket, process: int) -> int:
    """Wait for the process, pass signals on to it, and return its status as of ``os.wait``."""
    import signal
    from contextlib import suppress

    def forward(number: int, _: "FrameType | None") -> None:
        with suppress(ProcessLookupError):
            os.killpg(process, number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, forward)
    try:
        answer = connection.recv(16)
    except OSError:
        answer = b""
    if not answer:
        print("error: the warm server has ended, and this job with it", file=sys.stderr)
        return 1 << 8
    status = int(answer)
    if os.WIFSIGNALED(status):
        ended_by = os.WTERMSIG(status)
        if ended_by != signal.SIGKILL:
            signal.signal(ended_by, signal.SIG_DFL)
        os.kill(os.getpid(), ended_by)
    return status


def main() -> None:
    """Have the command of this name run, in a fork or here."""
    folder, name = os.path.split(sys.argv[0])
    others = (other for other in os.environ["PATH"].split(os.pathsep) if other != folder)
    paths = (f"{other}/{name}" for other in others)
    command = [next(path for path in paths if os.access(path, os.X_OK)), *sys.argv[1:]]
    started = ask(folder, command)
    if started is None:
        os.execv(command[0], command)
    os._exit(os.waitstatus_to_exitcode(follow(*started)))


if __name__ == "__main__":
    main()
