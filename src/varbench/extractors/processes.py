"""One training in several processes: what they do together. In a single one, nothing is sent.

Every process has the same network and takes its own share of each batch; torch's
DistributedDataParallel averages their gradients. ``join`` comes first, in each process that torch's
launcher has started.
"""

import ctypes
import os
import signal
import sys
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

Rows = TypeVar("Rows")  # a tensor, array, list or range


def join(device: torch.device) -> torch.device:
    """Join the processes that the launcher has started; return the device of this one."""
    if sys.platform == "linux":  # the launcher puts each into a session of its own: end with it
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, int(signal.SIGKILL))
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    return device


def leave() -> None:
    """Leave the others, when all is done."""
    if dist.is_initialized():
        dist.barrier()  # the first one has written its files
        dist.destroy_process_group()


def count() -> int:
    """Return how many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Return the number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def share(rows: Rows) -> Rows:
    """Return every ``count``-th of a batch's rows: those of this process."""
    return rows[rank() :: count()]  # type: ignore[index, no-any-return]


def even(total: int) -> int:
    """Return the largest number of images up to ``total`` that all have equal shares of."""
    return total - total % count()


def stream(*parts: str | int) -> tuple[str | int, ...]:
    """Name a random stream of this process alone, for ``derive``; the first keeps the name."""
    return (*parts, rank()) if rank() else parts


def parallel(network: nn.Module, device: torch.device) -> nn.Module:
    """Return ``network`` with gradients averaged over the processes."""
    if count() == 1:
        return network
    return DistributedDataParallel(network, device_ids=[device] if device.type == "cuda" else None)


def align(network: nn.Module) -> None:
    """Give every process the first one's running statistics of batch norm.

    DistributedDataParallel does so before a forward pass in training; other passes need it too.
    """
    if count() == 1:
        return
    buffers = [buffer for buffer in network.buffers() if buffer.is_floating_point()]
    together = torch.cat([buffer.flatten() for buffer in buffers])
    dist.broadcast(together, 0)
    parts = torch.split(together, [buffer.numel() for buffer in buffers])
    for buffer, values in zip(buffers, parts, strict=True):
        buffer.copy_(values.view_as(buffer))


def total(values: Tensor) -> Tensor:
    """Return the sum of the processes' ``values``."""
    if count() > 1:
        dist.all_reduce(values)
    return values


def of_first(answer: bool) -> bool:
    """Return the first process's answer."""
    if count() == 1:
        return answer
    said = torch.tensor(answer)
    dist.broadcast(said, 0)
    return bool(said)


def gathered(own: Any) -> list[Any]:
    """Return every process's object, in the first one; nothing in the others."""
    if count() == 1:
        return [own]
    everyone: list[Any] | None = [None] * count() if rank() == 0 else None
    dist.gather_object(own, everyone)
    return everyone or []
