"""The embedded grid on two cores, beside the sum of its jobs' computing."""

from collections.abc import Iterator

from comparing import Row
from subjects import Given


def rows(given: Given) -> Iterator[Row]:  # noqa: ARG001
    yield Row(
        "the whole embedded grid", "the sum of its jobs' computing",
        "not measured yet: it needs two cores that nothing else uses",
        aim=1 / 0.65,
    )  # fmt: skip
