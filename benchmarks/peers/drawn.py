"""Interactions in which taste shows in the images, and features as a network gives them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse


class Drawn(NamedTuple):
    """Training interactions (users, items), a held-out item each (users,), features (items, D)."""

    train: sparse.csr_matrix
    held_out: NDArray[np.int64]
    features: NDArray[np.float32]


def draw(users: int, items: int, each: int, width: int, tastes: int = 12) -> Drawn:
    """Draw ``each`` distinct training items and a held-out one for every user, by their taste.

    Items and users have a place in a space of ``tastes`` dimensions; features are half-wave
    rectified projections of an item's, as a network's last map is.
    """
    random = np.random.default_rng(0)
    item_places = random.standard_normal((items, tastes)).astype(np.float32)
    user_places = random.standard_normal((users, tastes)).astype(np.float32)
    projection = random.standard_normal((tastes, width)).astype(np.float32)
    features = np.maximum(item_places @ projection, 0)
    popularity = -0.7 * np.log(np.arange(1, items + 1, dtype=np.float32))
    chosen = np.empty((users, each + 1), np.int64)
    for start in range(0, users, 1000):
        rows = slice(start, min(start + 1000, users))
        wish = user_places[rows] @ item_places.T + popularity
        wish += random.gumbel(size=wish.shape).astype(np.float32)  # a draw without replacement
        chosen[rows] = np.argpartition(-wish, each + 1, axis=1)[:, : each + 1]
    random.permuted(chosen, axis=1, out=chosen)
    row = np.repeat(np.arange(users), each)
    entries = (np.ones(len(row), np.float32), (row, chosen[:, :-1].ravel()))
    train = sparse.csr_matrix(entries, (users, items))
    return Drawn(train, chosen[:, -1], features / features.max())
