"""Ten times the users, items, interactions or images: at most ten times the work."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from comparing import OURS, Ratio, Row, race
from peers import lists, pgd, vbpr
from peers.drawn import draw
from subjects import Given, subject
from varbench.metrics import category

ONCE, THRICE = "itself, a tenth of it", "itself, three tenths of it"
AIM = 0.9  # a ratio of 1 is linear growth; a tenth less is what a busy machine makes of it
WHY = "above 1: what is done once a call weighs less"

Work = Callable[[int], Callable[[], Any]]  # times as much: the work, prepared


def ranking(users: int, items: int, more: str) -> Work:
    def prepared(times: int) -> Callable[[], Any]:
        size = {"users": users, "items": items}
        return partial(lists.ours, lists.task(**size | {more: size[more] * times}))

    return prepared


def training(more: str, **size: int) -> Work:
    def prepared(times: int) -> Callable[[], Any]:
        drawn = draw(**size | {more: size[more] * times})
        return partial(vbpr.ours, drawn, 1)

    return prepared


def attacking(given: Given, count: int) -> Work:
    s = subject(given, "resnet18", 32 if given.smallest else 64, count)

    def prepared(times: int) -> Callable[[], Any]:
        more = replace(s, images=s.images.repeat(times, 1, 1, 1), targets=s.targets.repeat(times))
        return partial(pgd.ours, more)

    return prepared


def hits(users: int) -> Work:
    def prepared(times: int) -> Callable[[], Any]:
        random = np.random.default_rng(0)
        found = random.integers(2_000, size=(users * times, 150), dtype=np.int32)
        return lambda: category.hits(found, np.arange(100), 20)

    return prepared


def works(given: Given) -> dict[str, Work]:
    """Return what grows, by name."""
    part = 10 if given.smallest else 1
    size = {"users": 2_000 // part, "items": 700 // part, "each": 4, "width": 512 // part}
    users, items = 2_000 // part, 700
    return {
        "ranking, users": ranking(users, items, "users"),
        "ranking, items": ranking(users, items, "items"),
        "an epoch of VBPR, users and interactions": training("users", **size),
        "an epoch of VBPR, interactions": training("each", **size),
        "an epoch of VBPR, items": training("items", **size),
        "PGD, images": attacking(given, 2 if given.smallest else 16),
        "CHR, users": hits(20_000 // part),
    }


def rows(given: Given) -> Iterator[Row]:
    for name, prepared in works(given).items():
        sides = {1: ONCE, 3: THRICE, 10: OURS}
        found = race({side: prepared(times) for times, side in sides.items()}, given.rounds)
        seconds = {times: median(found.seconds[side]) for times, side in sides.items()}
        ratio = found.ratio(ONCE)
        times = Ratio(*(10 * value for value in ratio[:3]), ratio.rounds)
        slope = 1 - np.log10(times.median)
        said = f"ten times as many; on a log-log plot the slope is {slope:.2f}"
        yield Row(f"growth: {name}", ONCE, said, times, aim=AIM, why=WHY, seconds=seconds)
