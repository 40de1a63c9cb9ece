"""The recommender that an attacker knows."""

from collections.abc import Callable, Sized
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

BLOCK = 2_000_000  # scores held at a time by ``thresholds``


@dataclass(frozen=True)
class Guide:
    """A recommender, as far as an attacker uses it to raise the scores of N attacked images.

    Attributes
    ----------
    user_factors, item_factors
        p (U, P) of the users and q (N, P) of the attacked items, in the order of the images. A bias
        of items is one more column: 1 for each user, the bias for each item. An item without a q,
        such as a new arrival, has zeros.
    user_visual
        rho (U, K).
    embedding
        E (K, D).
    scale
        What features are divided by before E.
    thresholds
        (U,) score of the last item of each user's list on the clean catalogue, as ``thresholds``
        returns it; only ``hits`` looks at it.
    """

    user_factors: NDArray[np.float32]
    item_factors: NDArray[np.float32]
    user_visual: NDArray[np.float32]
    embedding: NDArray[np.float32]
    scale: float
    thresholds: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Raise ValueError if the shapes do not fit, there are no users, or the scale is none."""
        users, items = len(self.user_factors), len(self.item_factors)
        (factors, width), inner = self.embedding.shape, self.user_factors.shape[1]
        expected = {
            "user_factors": (users, inner),
            "item_factors": (items, inner),
            "user_visual": (users, factors),
            "embedding": (factors, width),
            "thresholds": (users,),
        }
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} is {getattr(self, name).shape}, not {shape}")
        if users == 0:
            raise ValueError("user_factors has no users")
        if not (np.isfinite(self.scale) and self.scale > 0):
            raise ValueError(f"scale is {self.scale}, not a number above 0")

    def of_images(self, rows: slice | list[int]) -> "Guide":
        """Return the guide of some of its images, by their rows."""
        return replace(self, item_factors=self.item_factors[rows])


def check_guide(guide: Guide, images: Sized) -> None:
    """Raise ValueError if the guide is one of other images, by their number."""
    if len(guide.item_factors) != len(images):
        raise ValueError(f"the guide has {len(guide.item_factors)} items for {len(images)} images")


def thresholds(
    score: Callable[[int, int], NDArray[np.float32]], train: sparse.csr_matrix, k: int
) -> NDArray[np.float32]:
    """Return the score of each user's k-th best item, their training items left out, (U,).

    Parameters
    ----------
    score
        Scores of the users start <= user < stop for all items, (stop - start, items), on the clean
        catalogue.
    train
        (U, items), an entry for every training interaction.
    k
        Length of the list, at least 1. Who has fewer items to be ranked has the least of them.

    Raises
    ------
    ValueError
        A user's training items are all that there are.
    """
    users, items = train.shape
    candidates = items - train.getnnz(axis=1)
    if users and candidates.min() == 0:
        raise ValueError(f"user {int(candidates.argmin())} knows every item")
    lasts = np.empty(users, np.float32)
    block = max(1, BLOCK // items)
    for start in range(0, users, block):
        stop = min(start + block, users)
        scores = np.array(score(start, stop), np.float32)
        known = train[start:stop].tocoo()
        scores[known.row, known.col] = -np.inf
        scores.sort(axis=1)
        last = items - np.minimum(k, candidates[start:stop])
        lasts[start:stop] = np.take_along_axis(scores, last[:, None], axis=1)[:, 0]
    return lasts
