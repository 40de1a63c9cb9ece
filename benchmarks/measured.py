"""What a command takes: time and the peak of its own memory."""

import os
import platform
import subprocess
import time
from typing import Any, NamedTuple


class Taken(NamedTuple):
    """Seconds, CPU seconds and peak of resident memory of one command."""

    returncode: int
    seconds: float
    cpu_seconds: float
    peak_mb: float


def run(line: list[str], **options: Any) -> Taken:
    """Run a command to its end; options as for ``subprocess.Popen``."""
    began = time.perf_counter()
    process = subprocess.Popen(line, **options)
    # The peak is this child's own: getrusage would give the largest of all children so far.
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1024 if platform.system() == "Linux" else 1024**2
    cpu_seconds = used.ru_utime + used.ru_stime
    return Taken(process.returncode, seconds, cpu_seconds, used.ru_maxrss / unit)
