"""Go on where a stopped job was: a checkpoint beside its output, for the very same job only."""

import argparse
import hashlib
import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch

from varbench.experiment.sources import Sources
from varbench.registry import module_of
from varbench.storage import reading, remove_leftovers, replacing


def add_options(options: argparse.ArgumentParser) -> None:
    """Add ``--checkpoint-every``."""
    options.add_argument(
        "--checkpoint-every", type=float, default=60, help="seconds between checkpoints, at least"
    )


def job_digest(
    script: str,
    method: tuple[str, str],
    given: argparse.Namespace,
    inputs: Iterable[Path | None],
    device: torch.device,
) -> str:
    """Return a digest of all that a job's result depends on.

    A checkpoint of an earlier configuration, of other inputs, code or kind of device is thus
    never taken for one of this job.

    Parameters
    ----------
    script, method
        The command's file, and the kind and name of the method that it runs.
    given, inputs
        Its options, and those among them that are files to read: their content counts, of a
        folder the names in it. Other paths do not.
    """
    path = Path(script).resolve()
    values = {
        name: value
        for name, value in vars(given).items()
        if name != "checkpoint_every" and not isinstance(value, Path)
    }
    values["device"] = device.type
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    digest.update(Sources(path.parents[2]).digest(path.name, module_of(*method)).encode())
    for file in filter(None, inputs):
        if file.is_dir():
            names = sorted(str(path.relative_to(file)) for path in file.rglob("*"))
            digest.update("\n".join(names).encode())
            continue
        with reading(file), file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()


class Checkpoint:
    """What a job had reached, as tensors in plain containers; the file is whole or absent.

    Parameters
    ----------
    output
        The file beside which it lies, under a name that starts with a dot.
    job
        ``job_digest``: what another job has written is ignored.
    every
        Seconds between two writes, at least.
    """

    def __init__(self, output: Path, job: str, every: float) -> None:
        self.path = output.with_name(f".{output.name}.checkpoint")
        self._job = job
        self._every = every
        self._written = time.monotonic()

    def load(self) -> Any:
        """Return what was saved; None where that is nothing, another job's, or damaged."""
        try:
            kept = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception:  # whatever is wrong with it, the job can begin at its beginning
            return None
        return kept["reached"] if kept["job"] == self._job else None

    def due(self) -> bool:
        """Say whether the last write is long enough ago."""
        return time.monotonic() - self._written >= self._every

    def save(self, reached: Callable[[], Any]) -> None:
        """Write what ``reached`` returns, if that is due."""
        if not self.due():
            return
        with replacing(self.path) as temporary, temporary.open("wb") as file:
            torch.save({"job": self._job, "reached": reached()}, file)
        self._written = time.monotonic()

    def remove(self) -> None:
        """Delete the file, and what a kill left of writing it: the output is complete."""
        self.path.unlink(missing_ok=True)
        remove_leftovers(self.path)
