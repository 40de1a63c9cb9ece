"""Products with the features of T triplets, each positive item's minus its negative one's.

They are most of the work of an epoch: features are wide. A large catalogue is best multiplied by
triplets, and one that has fewer items than a batch has triplets by items, each of them once.

Where several trainings are stacked (``stack``), shapes have a first axis more, of the trainings,
but for what is said to have rows of the stack.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag


class Differences(Protocol):
    """The matrix (T, D) of the f_i - f_j, as what multiplies it."""

    def project(self, embedding: Tensor) -> Tensor:
        """Return E (f_i - f_j) of each triplet, (T, K), for E (K, D)."""

    def weigh(self, values: Tensor) -> Tensor:
        """Return the sum of v (f_i - f_j)' over the triplets, (K, D), for values v (T, K)."""


def differences(features: Tensor, positives: Tensor, negatives: Tensor) -> Differences:
    """Choose what does less work.

    features : (items, D), in a stack (S, items, D)
    positives, negatives : (T,) item ids, in a stack (S, T) rows of the stack
    """
    by_items = features.shape[-2] < positives.shape[-1]
    return (ByItems if by_items else ByTriplets)(features, positives, negatives)


@dataclass(frozen=True, eq=False)
class ByTriplets:
    """Builds the matrix, when first it is asked for."""

    features: Tensor
    positives: Tensor
    negatives: Tensor

    @cached_property
    def matrix(self) -> Tensor:
        """The f_i - f_j, (T, D)."""
        return _subtracted(self.features, self.positives, self.negatives)

    def project(self, embedding: Tensor) -> Tensor:
        """Return E (f_i - f_j)."""
        return self.matrix @ embedding.mT

    def weigh(self, values: Tensor) -> Tensor:
        """Return the sum of v (f_i - f_j)'."""
        return values.mT @ self.matrix


@dataclass(frozen=True, eq=False)
class ByItems:
    """Multiplies every item of the catalogue, whether in the batch or not."""

    features: Tensor
    positives: Tensor
    negatives: Tensor

    def project(self, embedding: Tensor) -> Tensor:
        """Return E f_i - E f_j."""
        return _subtracted(self.features @ embedding.mT, self.positives, self.negatives)

    def weigh(self, values: Tensor) -> Tensor:
        """Sum the values by item first."""
        rows = values.flatten(0, -2)
        sums = values.new_zeros(*self.features.shape[:-1], values.shape[-1])
        flat = sums.view(-1, values.shape[-1])
        flat.index_add_(0, self.positives.flatten(), rows)
        flat.index_add_(0, self.negatives.flatten(), rows, alpha=-1)
        return sums.mT @ self.features


def _subtracted(values: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
    """Return each positive item's row minus the negative one's: (T, n) for values (items, n)."""
    pairs = torch.stack([positives, negatives], dim=-1).flatten(0, -2)
    signs = values.new_tensor([1.0, -1.0]).expand(pairs.shape)
    # In one pass, without two matrices more.
    rows = embedding_bag(pairs, values.flatten(0, -2), per_sample_weights=signs, mode="sum")
    return rows.view(*positives.shape, -1)
