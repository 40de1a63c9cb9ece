"""The two ways in which attacks inside the L-inf ball go downhill: sign steps, and Adam's."""

from collections.abc import Callable

import torch
from torch import Tensor

from varbench.attacks.common import per_image

# Of images (N, 3, H, W): a loss each (N,), as a function of the images that autograd can follow.
Losses = Callable[[Tensor], Tensor]


def losses_and_gradient(losses: Losses, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return each image's loss (N,) and its gradient (N, 3, H, W), both detached.

    The losses are summed, not averaged: an image's gradient does not change with the batch.
    """
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        values = losses(x)
        (gradient,) = torch.autograd.grad(values.sum(), x)
    return values.detach(), gradient


def sign_steps(
    gradient: Callable[[Tensor], Tensor],
    x: Tensor,
    box: tuple[Tensor, Tensor],
    step: Tensor,
    steps: int,
) -> Tensor:
    """Step ``steps`` times by ``step`` against the sign of the gradient, clamping to the box.

    gradient maps images to gradients (N, 3, H, W); step is broadcast over the images; x is changed
    in place and returned, the last point.
    """
    for _ in range(steps):
        x.addcmul_(gradient(x).sign(), step, value=-1).clamp_(*box)
    return x


def adam_steps(
    losses: Losses, x: Tensor, box: tuple[Tensor, Tensor], steps: int, learning_rate: float
) -> Tensor:
    """Evaluate the loss at ``steps`` points, Adam's steps apart, each clamped to the box.

    x is changed in place. The point with the least loss is returned, image by image, x itself being
    the first; where no loss was below infinity, x.
    """
    best, least = x.clone(), x.new_full((len(x),), torch.inf)
    optimizer = torch.optim.Adam([x], lr=learning_rate)
    for _ in range(steps):
        values, x.grad = losses_and_gradient(losses, x)
        better = values < least
        best = torch.where(per_image(better), x, best)
        least = torch.where(better, values, least)
        optimizer.step()
        x.clamp_(*box)
    return best
