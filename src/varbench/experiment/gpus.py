"""One GPU for one job: whatever starts the jobs, two of them never share a GPU by accident."""

import fcntl
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from varbench.errors import InputError

if TYPE_CHECKING:
    import torch

# The locks of this process, by name. The kernel frees them when it ends, however it ends.
_held: dict[str, int] = {}


def exclusive(device: "torch.device") -> "torch.device":
    """Hold a GPU until this process ends, make it the current one and return it with its index.

    ``cuda`` takes any visible GPU that is free, ``cuda:1`` that one. Where another process holds
    all that would do, this waits: a job that failed instead would cost the run its cell, and one
    that went on would take the other's memory.

    Raises
    ------
    InputError
        There is no GPU of that index.
    """
    import torch

    count = torch.cuda.device_count()
    if device.index is not None and device.index >= count:
        raise InputError(f"device: {device} was asked for and torch finds {count} GPUs, from 0")
    indices = range(count) if device.index is None else [device.index]
    # A GPU's own name: its index depends on what CUDA_VISIBLE_DEVICES shows to a process.
    names = [str(torch.cuda.get_device_properties(index).uuid) for index in indices]
    chosen = torch.device("cuda", indices[take(names)])
    torch.cuda.set_device(chosen)
    return chosen


def take(names: Sequence[str], every: float = 1.0) -> int:
    """Lock one of ``names`` for the life of this process and return its position.

    Locks are those of this user on this machine. One that this process holds already is taken
    again. Without a free one it says so once and looks again ``every`` so many seconds.
    """
    waiting = False
    while True:
        for position, name in enumerate(names):
            if name in _held or _lock(name):
                return position
        if not waiting:
            print(f"waiting for a GPU: other jobs hold all {len(names)}", file=sys.stderr)
            waiting = True
        time.sleep(every)


def _lock(name: str) -> bool:
    folder = Path(tempfile.gettempdir()) / f"varbench-gpus-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    file = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return False
    _held[name] = file
    return True
