"""Lists as long as there are items to rank: every item is in them, so they measure nothing."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varbench.errors import InputError

Config = dict[str, Any]


def errors(config: Config) -> Iterator[str]:
    """Yield what can be known of generated catalogues before they are drawn.

    A user has at least ``core_users`` interactions, one of which is held out and so a candidate.
    """
    k = config["metrics"]["k"]
    for name in sorted({dataset["catalogue"] for dataset in config["datasets"].values()}):
        catalogue = config["catalogues"].get(name)
        if catalogue is None or catalogue["source"]["method"] != "generated":
            continue
        items, known = catalogue["source"]["items"], catalogue["core_users"] - 1
        if k >= items - known:
            yield (
                f"metrics.k: lists of {k} hold every candidate of catalogues.{name}: {items} "
                f"items, of which a user knows {known} at least; lower k or give it more items"
            )


def check_candidates(known: NDArray[np.integer[Any]], items: int, k: int, where: str) -> int:
    """Return how many users have no more than ``k`` candidates.

    known : (users,) items that each user interacted with in training, which are no candidates
    items : of the catalogue, after filtering
    where : what the message begins with, such as the file

    Raises InputError if that is every user.
    """
    candidates = items - np.asarray(known)
    short = int((candidates <= k).sum())
    if short == len(candidates):
        raise InputError(
            f"{where}: metrics.k: lists of {k} hold every candidate: {items} items are left, of "
            f"which no user has more than {int(candidates.max())} to rank; lower k or core_items"
        )
    return short
