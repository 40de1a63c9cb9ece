"""The parts of a job, of runs and seeds: those that are there are left as they are."""

import argparse
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from varbench.experiment.resuming import job_digest
from varbench.storage import write_text

log = logging.getLogger(__name__)


class Finished:
    """The results of one part of a job, marked by the digest of what they depend on.

    A job that makes several (a recommender's runs and seeds) leaves alone those that are there.

    Parameters
    ----------
    mark
        The file that holds the digest; written last, removed first.
    job
        ``job_digest`` of this part.
    outputs
        Its results.
    """

    def __init__(self, mark: Path, job: str, outputs: Sequence[Path]) -> None:
        self._mark, self._job, self._outputs = mark, job, outputs

    def there(self) -> bool:
        """Say whether this very job has made them all."""
        if not all(path.exists() for path in (self._mark, *self._outputs)):
            return False
        return self._mark.read_text(encoding="utf-8").strip() == self._job

    def begin(self) -> None:
        """Take the mark away: from now on the results are in the making."""
        self._mark.unlink(missing_ok=True)

    def finish(self) -> None:
        """Mark the results as this job's."""
        write_text(self._mark, self._job)


@dataclass(frozen=True)
class Part:
    """One of several results of a job: that of one run or seed.

    Attributes
    ----------
    told
        What the command is told by name, for this part.
    files
        By the name of each option that takes a file for every part, this one's.
    job
        Its ``job_digest``.
    finished
        Whether its results are there.
    """

    told: Mapping[str, Any]
    files: Mapping[str, Path]
    job: str
    finished: Finished


def missing_parts(
    given: argparse.Namespace,
    told: Sequence[Mapping[str, Any]],
    code: str,
    *,
    shared: Sequence[Path | None],
    read: Sequence[str],
    made: Sequence[str],
    device: str = "",
) -> list[Part]:
    """Return the parts of a job that are not there yet, and log those that are.

    Parameters
    ----------
    given
        The command line: a part's files are at its place of each option that takes several, and
        ``digest`` is the mark of what it is made from.
    told
        What the command is told by name, of each part.
    code
        ``code_of`` the command.
    shared
        Files that all parts read.
    read, made
        Names of the options whose files a part reads, and makes.
    device
        As for ``job_digest``.
    """
    of_each = {n: paths for n, paths in vars(given).items() if isinstance(paths, list) and paths}
    missing = []
    for place, named in enumerate(told):
        files = {name: paths[place] for name, paths in of_each.items()}
        job = job_digest(named, code, [*shared, *map(files.get, read)], device)
        part = Part(named, files, job, Finished(files["digest"], job, [files[n] for n in made]))
        if part.finished.there():
            log.info("%s is there", files[made[0]])
        else:
            missing.append(part)
    return missing
