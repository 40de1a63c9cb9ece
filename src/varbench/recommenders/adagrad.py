"""Adagrad (Duchi et al., JMLR 2011) on a whole matrix, and on the rows that a batch touches.

The accumulator holds the sum of the squared gradients of each value.
"""

from torch import Tensor

TINY = 1e-10  # so that a gradient of 0 on an accumulator of 0 moves nothing


def update(values: Tensor, accumulator: Tensor, gradient: Tensor, learning_rate: float) -> None:
    """Take one step, in place."""
    accumulator.addcmul_(gradient, gradient)
    values.addcdiv_(gradient, accumulator.sqrt().add_(TINY), value=-learning_rate)


def update_rows(
    values: Tensor, accumulator: Tensor, rows: Tensor, gradient: Tensor, learning_rate: float
) -> None:
    """Take one step on distinct rows (n,) with their gradient (n, K), in place.

    Equal to ``update`` with a gradient that is zero in all other rows.
    """
    touched, sums = values.index_select(0, rows), accumulator.index_select(0, rows)
    update(touched, sums, gradient, learning_rate)
    values.index_copy_(0, rows, touched)
    accumulator.index_copy_(0, rows, sums)
