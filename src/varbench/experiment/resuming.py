"""Go on where a stopped job was: for the very same job only.

No torch at import: a job that finds its results need not load it.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from varbench.experiment.sources import Sources
from varbench.registry import module_of
from varbench.storage import reading, remove_leftovers, replacing


def add_options(options: argparse.ArgumentParser) -> None:
    """Add ``--code`` and ``--checkpoint-every``."""
    options.add_argument("--code", help="digest of the job's sources; computed if not given")
    options.add_argument(
        "--checkpoint-every", type=float, default=60, help="seconds between checkpoints, at least"
    )


def code_of(given: argparse.Namespace, script: str, *method: str) -> str:
    """Return ``--code``, or the digest of a command's sources with those of its method.

    method : kind and name
    """
    if given.code:
        return str(given.code)
    path = Path(script).resolve()
    return str(
        Sources(path.parents[2]).digest(path.name, *([module_of(*method)] if method else []))
    )


def job_digest(
    options: Mapping[str, Any], code: str, inputs: Iterable[Path | None], device: str = ""
) -> str:
    """Return a digest of all that a job's result depends on.

    What an earlier configuration, other inputs, code or kind of device have left is thus never
    taken for this job's.

    Parameters
    ----------
    options, code
        What the command is told by name, and the digest of its sources.
    inputs
        Files to read: their content counts, of a folder the names in it.
    device
        The kind of device, where results depend on it.
    """
    digest = hashlib.sha256(json.dumps([options, code, device], sort_keys=True).encode())
    for file in inputs:
        digest.update(b"\0")
        if file is None:
            continue
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
        import torch

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
        import torch

        if not self.due():
            return
        with replacing(self.path) as temporary, temporary.open("wb") as file:
            torch.save({"job": self._job, "reached": reached()}, file)
        self._written = time.monotonic()

    def remove(self) -> None:
        """Delete the file, and what a kill left of writing it: the output is complete."""
        self.path.unlink(missing_ok=True)
        remove_leftovers(self.path)
