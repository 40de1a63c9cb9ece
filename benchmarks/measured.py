"""What a command or a computation takes: time, and the peak of a command's own memory."""

import os
import platform
import subprocess
import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch


class Taken(NamedTuple):
    """Seconds, CPU seconds and peak of resident memory of one command."""

    returncode: int
    seconds: float
    cpu_seconds: float
    peak_mb: float


def clock(device: "torch.device") -> float:
    """Return seconds: of a GPU that has done all its work, or the processor's own."""
    if device.type == "cuda":
        import torch  # here: who measures a command stays small

        torch.cuda.synchronize(device)
        return time.perf_counter()
    return time.process_time()


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
