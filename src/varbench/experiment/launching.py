"""Commands that run in several processes, through torch's own launcher."""

import logging
import os
import sys
from types import TracebackType

import torch
import torch.distributed as dist

from varbench.errors import InputError
from varbench.extractors import processes


def in_processes(count: int, device: torch.device, threads: int) -> torch.device:
    """Go on in ``count`` processes and return the device of this one.

    The command as it was started becomes ``torchrun --standalone --nproc-per-node COUNT``, which
    runs the command again, as often; there this returns. With a count of 1 it is left as it is.

    Raises
    ------
    InputError
        There are not as many GPUs, or torchrun was called by hand with another number.
    """
    if count == 1:
        return device
    if device.type == "cuda" and torch.cuda.device_count() < count:
        raise InputError(
            f"processes: {count} need a GPU each, torch finds {torch.cuda.device_count()}"
        )
    if not dist.is_torchelastic_launched():
        os.environ.setdefault("OMP_NUM_THREADS", str(threads))  # torchrun warns where it is not set
        launcher = (__name__, "--standalone", "--nproc-per-node", str(count))
        # After "--" it does not take our options for short forms of its own.
        os.execv(sys.executable, [sys.executable, "-m", *launcher, "--", *sys.argv])
    started = int(os.environ["WORLD_SIZE"])
    if started != count:
        raise InputError(f"processes: {count} in the configuration, torchrun started {started}")
    sys.excepthook = _hook
    return processes.join(device)


def _hook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Say in a line that another process is gone: that one has said why."""
    if isinstance(error, dist.DistError) or "closed by peer" in str(error):
        print("error: another process of this training has ended", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)


if __name__ == "__main__":
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import main as torchrun

    # Of a process that fails torch logs and raises much; the process itself has said why.
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    try:
        torchrun()
    except ChildFailedError:
        sys.exit(1)
