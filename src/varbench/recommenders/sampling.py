"""The triplets (user, positive item, negative item) that an epoch learns from."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from varbench.errors import InputError
from varbench.seeds import derive


class Triplets(NamedTuple):
    """Three int64 vectors of one length: users prefer their positive to their negative item."""

    users: NDArray[np.int64]
    positives: NDArray[np.int64]
    negatives: NDArray[np.int64]


def triplets(interactions: sparse.csr_matrix, *, seed: int, epoch: int) -> Triplets:
    """Return every training interaction once, shuffled, each with a negative item.

    The negative is uniform over the items that anybody interacted with in training and this user
    did not: an item without interactions would only ever be pushed down. The draw depends on seed
    and epoch alone, so an epoch is the same after a restart and on every device.

    Parameters
    ----------
    interactions
        (users, items), an entry for every training interaction, without duplicates.

    Raises
    ------
    InputError
        A user interacted with every item that has interactions, or there are none.
    """
    warm = np.unique(interactions.indices).astype(np.int64)
    counts = np.diff(interactions.indptr)
    if not len(warm) or counts.max() >= len(warm):
        whose = (
            f"user {counts.argmax()} interacted with every item" if len(warm) else "there are none"
        )
        raise InputError(f"interactions: {whose}; leave such users out, or filter the data less")
    items = interactions.shape[1]
    users = np.repeat(np.arange(len(counts)), counts)
    positives = interactions.indices.astype(np.int64)
    known = np.sort(users * items + positives)

    random = np.random.default_rng(derive("triplets", seed, epoch))
    order = random.permutation(len(users))
    users, positives = users[order], positives[order]
    negatives = np.empty_like(positives)
    rejected = np.arange(len(users))
    while len(rejected):
        drawn = warm[random.integers(len(warm), size=len(rejected))]
        negatives[rejected] = drawn
        rejected = rejected[_contains(known, users[rejected] * items + drawn)]
    return Triplets(users, positives, negatives)


def _contains(keys: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which of ``wanted`` are among the sorted ``keys``."""
    places = np.searchsorted(keys, wanted)
    found: NDArray[np.bool_] = keys[np.minimum(places, len(keys) - 1)] == wanted
    return found
