"""A batch of triplets as tensors, and the gradients of a loss over it.

Where several trainings are stacked (``stack``), the shapes below have a first axis more, of the
trainings, and the ids are rows of the stack; what is distinct is so in the whole stack.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from varbench.recommenders.differences import Differences


@dataclass(frozen=True)
class Rows:
    """The users, or the items, of a batch: each occurrence, and each distinct one.

    Attributes
    ----------
    ids
        (occurrences,) int64.
    distinct, counts
        (n,) the distinct ids, and (n, 1) how often each occurs.
    places
        (occurrences,) where in ``distinct`` each occurrence is.
    """

    ids: Tensor
    distinct: Tensor
    counts: Tensor
    places: Tensor

    @classmethod
    def of(cls, ids: Tensor) -> "Rows":
        """Find the distinct ids."""
        distinct, places = torch.unique(ids, return_inverse=True)
        return cls(ids, distinct, torch.bincount(places.flatten())[:, None], places)

    def sum(self, values: Tensor) -> Tensor:
        """Sum the occurrences' values (occurrences, K) by distinct id: (n, K)."""
        sums = values.new_zeros(len(self.distinct), values.shape[-1])
        return sums.index_add_(0, self.places.flatten(), values.flatten(0, -2))


@dataclass(frozen=True)
class Batch:
    """T triplets of a user, a positive and a negative item.

    Attributes
    ----------
    users
        T occurrences.
    items
        2 T occurrences: the positive items, then the negative ones.
    images
        The features of each positive item minus those of the negative one.
    """

    users: Rows
    items: Rows
    images: Differences


@dataclass(frozen=True)
class Gradients:
    """Gradients of a loss summed over T triplets.

    Attributes
    ----------
    user, user_visual
        (T, K), for the user of each triplet.
    item
        (T, K), for its positive item; its negative item's is the opposite.
    embedding
        (K, D).
    item_bias
        (T, 1), for the positive item; the negative item's is the opposite.
    """

    user: Tensor
    item: Tensor
    user_visual: Tensor
    embedding: Tensor
    item_bias: Tensor
