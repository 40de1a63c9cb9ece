"""Products with the features of T triplets, each positive item's minus its negative one's.

They are most of the work of an epoch: features are wide. A large catalogue is best multiplied by
triplets, and one that has fewer items than a batch has triplets by items, each of them once.

Products are computed in what the features are kept in, and come back in what they were asked in.
Where several trainings are stacked (``stack``), shapes have a first axis more, of the trainings,
but for what is said to have rows of the stack.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import embedding_bag

from varbench import onednn


class Differences(Protocol):
    """The matrix (T, D) of the f_i - f_j, as what multiplies it."""

    def project(self, embedding: Tensor) -> Tensor:
        """Return E (f_i - f_j) of each triplet, (T, K), for E (K, D), as differentiable by E."""


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
        pairs = torch.stack([self.positives, self.negatives], dim=-1).flatten(0, -2)
        signs = self.features.new_tensor([1.0, -1.0]).expand(pairs.shape)
        features = self.features.flatten(0, -2)
        # In one pass, without two matrices more.
        rows = embedding_bag(pairs, features, per_sample_weights=signs, mode="sum")
        return rows.view(*self.positives.shape, -1)

    def project(self, embedding: Tensor) -> Tensor:
        """Return E (f_i - f_j)."""
        return multiply(self.matrix, embedding)


@dataclass(frozen=True, eq=False)
class ByItems:
    """Multiplies every item of the catalogue, whether in the batch or not."""

    features: Tensor
    positives: Tensor
    negatives: Tensor

    def project(self, embedding: Tensor) -> Tensor:
        """Return E f_i - E f_j."""
        projected = multiply(self.features, embedding).flatten(0, -2)
        positive, negative = (
            projected.index_select(0, rows.flatten()) for rows in (self.positives, self.negatives)
        )
        return (positive - negative).view(*self.positives.shape, -1)


def multiply(rows: Tensor, embedding: Tensor) -> Tensor:
    """Return E x of each of the rows x, (N, K), for rows (N, D) and E (K, D)."""
    work = rows.shape[-2] * embedding.shape[-2] * rows.shape[-1]  # of one training of a stack
    same = rows.dtype == embedding.dtype and not rows.requires_grad
    if not same or not onednn.pays(work, rows):
        return (rows @ embedding.to(rows.dtype).mT).to(embedding.dtype)
    if rows.ndim == 3:
        return torch.stack([multiply(*pair) for pair in zip(rows, embedding, strict=True)])
    product: Tensor = _Multiply.apply(rows, embedding)
    return product


class _Multiply(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, embedding: Tensor) -> Tensor:
        ctx.save_for_backward(rows)
        return onednn.product(rows, embedding)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *pulls: Tensor) -> tuple[None, Tensor]:
        (rows,) = ctx.saved_tensors
        return None, onednn.product(pulls[0].mT, rows.mT)
