"""Each input's checksum once, for as long as a file stays what it is.

After a job Snakemake (9.20 to 9.27) computes the checksum of every input anew for every output, in
the process that starts all jobs: an evaluation has four outputs for each run and reads megabytes of
features and models for each, and the next job waits. What a file's place, size and time of change
say of it is what Snakemake itself goes by elsewhere.
"""

import os
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

Checksum = Callable[..., Awaitable[str | None]]


def remember(checksum: Checksum) -> Checksum:
    """Return the method of Snakemake's files with a memory of what it has answered.

    A file that another has replaced, or that was written again, is asked about anew; so is one
    that is not on this machine's file systems, or not there.
    """
    known: dict[tuple[Any, ...], str | None] = {}

    @wraps(checksum)
    async def once(file: Any, *values: Any, **named: Any) -> str | None:
        try:
            found = os.stat(file)  # noqa: PTH116 a path is made of each, thousands of times
        except OSError:
            return await checksum(file, *values, **named)
        state = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        asked = (os.fspath(file), state, values, tuple(sorted(named.items())))
        if asked not in known:
            known[asked] = await checksum(file, *values, **named)
        return known[asked]

    return once
