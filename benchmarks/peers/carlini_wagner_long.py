"""C&W with the paper's 5 x 1000 evaluations, on small images, once: some never end early."""

from collections.abc import Iterator

from comparing import Row
from peers.carlini_wagner import Search, compared
from subjects import Given, subject


def rows(given: Given) -> Iterator[Row]:
    if given.smallest:
        search = Search(subject(given, "resnet18", 32, 2), 2, 12, 3, 6)
    else:
        search = Search(subject(given, "squeezenet1_1", 64, 2), 5, 1000, 10, 100)
    yield from compared(search, 1, leave_out=("ART",))
