"""Two or more ways of doing the same work, timed turn by turn, and the row that tells of it."""

import importlib.util
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

OURS = "varbench"


class Ratio(NamedTuple):
    """Another's time over ours, each round its own ratio: above 1, ours is the faster."""

    median: float
    low: float
    high: float
    rounds: int

    def __str__(self) -> str:
        if self.rounds == 1:
            return f"{self.median:.2f} (1 round)"
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f}, {self.rounds} rounds)"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    work, peer
        What was done, and beside whom.
    agreement
        How it was shown that both did the same, with the numbers; or why it was not run.
    ratio
        None where it was not run.
    same
        Whether the work was the same within the tolerance: else the ratio says nothing.
    aim
        The least ratio wanted; None where there is none.
    why
        The reason for the difference.
    seconds
        Of ours, by how many times as much work it was; only where that was varied.
    """

    work: str
    peer: str
    agreement: str
    ratio: Ratio | None = None
    same: bool = True
    aim: float | None = None
    why: str = ""
    seconds: Mapping[int, float] = field(default_factory=dict)


@dataclass
class Race:
    """What every side returned at its first turn, the seconds of all turns, and what failed."""

    results: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def ratio(self, peer: str, ours: str = OURS) -> Ratio:
        """Compare round by round, so that a busy moment of the machine meets both."""
        pairs = zip(self.seconds[peer], self.seconds[ours], strict=True)
        ratios = [theirs / own for theirs, own in pairs]
        return Ratio(statistics.median(ratios), min(ratios), max(ratios), len(ratios))


def race(sides: Mapping[str, Callable[[], Any]], rounds: int, *, warm: bool = True) -> Race:
    """Let the sides take turns, each round in the other order.

    A side that fails is out, with what it said. Seconds are the processor's, of all threads: a
    neighbour's work does not count.

    Parameters
    ----------
    sides
        By name; ``OURS`` is one of them.
    warm
        Take a first turn that is not timed: what is set up once is not a difference.
    """
    found = Race()
    for number in range(-1 if warm else 0, rounds):
        names = [name for name in sides if name not in found.failures]
        for name in names if number % 2 else names[::-1]:
            began = time.process_time()
            try:
                result = sides[name]()
            except Exception as error:
                if name == OURS:
                    raise
                found.failures[name] = f"{type(error).__name__}: {error}".splitlines()[0][:120]
                continue
            if number >= 0:
                found.seconds.setdefault(name, []).append(time.process_time() - began)
            found.results.setdefault(name, result)
    return found


def missing(module: str) -> bool:
    """Say whether a module is not installed."""
    return importlib.util.find_spec(module.partition(".")[0]) is None


def table(rows: list[Row]) -> str:
    """Return the rows as Markdown."""
    lines = [
        "| work | beside | the same work? | ratio | aim | why |",
        "|---|---|---|---:|---:|---|",
    ]
    for row in rows:
        ratio = "not run" if row.ratio is None else str(row.ratio)
        if row.ratio and not row.same:
            ratio = f"other work: {ratio}"
        aim = "" if row.aim is None else f"{row.aim:g}"
        if row.aim is not None and row.ratio and row.same:
            aim += " reached" if row.ratio.median >= row.aim else " missed"
        cells = (row.work, row.peer, row.agreement, ratio, aim, row.why)
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    return "\n".join(lines)
