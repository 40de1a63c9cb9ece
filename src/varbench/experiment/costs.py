"""What a command has cost: a line at the end of its log, which a function reads back.

Snakemake's ``benchmark`` measures what the rule's shell starts. With a warm start (``warm``) that
is a client that waits; so each command measures itself.
"""

import re
import resource
import time
from pathlib import Path
from typing import NamedTuple

# Commands import this before what takes long to import.
BEGUN = time.monotonic()
LINE = re.compile(r"^cost: ([\d.]+) s, CPU ([\d.]+) s, memory ([\d.]+) MB$", re.MULTILINE)


class Costs(NamedTuple):
    """Wall and CPU seconds, the latter with finished child processes, and peak memory in 1e6 B.

    The memory is resident, of the largest process. After a warm start it begins with the 500 MB or
    so that the server has imported and the job shares, needed or not, and lacks what importing
    takes: to know what a job needs by itself, run it without (``snakemake --no-hooks``).
    """

    seconds: float
    cpu_seconds: float
    memory_mb: float

    def __str__(self) -> str:
        """Return the line that ``costs`` reads."""
        return (
            f"cost: {self.seconds:.2f} s, CPU {self.cpu_seconds:.2f} s,"
            f" memory {self.memory_mb:.1f} MB"
        )


def spent() -> Costs:
    """Return what this process has cost since ``BEGUN``, its CPU seconds since its start."""
    own, ended = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu = own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime
    peak = max(_peak_kb() or own.ru_maxrss, ended.ru_maxrss)
    return Costs(time.monotonic() - BEGUN, cpu, peak * 1024 / 1e6)


def costs(log: str) -> Costs | None:
    """Return the costs that a log tells of; None where it tells of none.

    Processes of one command that ran side by side each leave a line: the longest counts, and the
    sums of CPU seconds and memory.
    """
    found = [Costs(*map(float, values)) for values in LINE.findall(log)]
    if not found:
        return None
    seconds, cpu_seconds, memory = zip(*found, strict=True)
    return Costs(max(seconds), sum(cpu_seconds), sum(memory))


def _peak_kb() -> int | None:
    """Return Linux's own peak of this program.

    ``ru_maxrss`` begins with that of the process that was this one before its program was
    replaced: where a shell does so, Snakemake's.
    """
    status = Path("/proc/self/status")
    peak = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(peak[1]) if peak else None
