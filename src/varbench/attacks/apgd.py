"""Auto-PGD (Croce and Hein, "Reliable evaluation of adversarial robustness with an ensemble of
diverse parameter-free attacks", ICML 2020, Algorithm 1) on the cross-entropy, targeted.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from varbench.attacks.common import (
    Attacked,
    Model,
    batches,
    check_inputs,
    check_number,
    linf_box,
    per_channel,
    per_image,
)

MOMENTUM, RHO = 0.75, 0.75  # alpha and rho of the paper


def apgd(
    model: Model,
    images: Tensor,
    targets: Tensor,
    *,
    seeds: Sequence[int],
    batch_size: int,
    epsilon: float,
    steps: int = 100,
) -> Attacked:
    """PGD with momentum whose step halves, image by image, where it no longer helps.

    Parameters
    ----------
    steps
        One of them is at the clean image, where the search starts.

    Returns
    -------
    Attacked
        Of all points evaluated the one with the least cross-entropy to the target.
    """
    check_number("epsilon", epsilon, above=0, at_most=255)
    check_number("steps", steps, at_least=2, whole=True)
    check_inputs(model, images, targets, seeds, batch_size)
    adversarial = torch.empty_like(images)
    radius = per_channel(epsilon, (1.0,), images)
    for rows in batches(len(images), batch_size):
        adversarial[rows] = _search(model, images[rows], targets[rows], radius, steps)
    return Attacked(adversarial, torch.full_like(targets, steps))


def checkpoints(steps: int) -> list[int]:
    """Return the evaluations after which the step may halve (section 3.2 of the paper)."""
    shares = [0.0, 0.22]
    while shares[-1] < 1:
        shares.append(shares[-1] + max(shares[-1] - shares[-2] - 0.03, 0.06))
    return sorted({math.ceil(round(share * steps, 6)) for share in shares if 0 < share < 1})


def _search(model: Model, clean: Tensor, targets: Tensor, radius: Tensor, steps: int) -> Tensor:
    low, high = linf_box(clean, radius)
    loss, gradient = _evaluate(model, clean, targets)
    x = before = clean
    best, best_loss, best_gradient = clean, loss, gradient
    size = radius * clean.new_full((len(clean), 1, 1, 1), 2.0)  # (N, 1, 1, 1), eta
    gains = torch.zeros_like(targets)  # steps since the last checkpoint that lowered the loss
    halved = torch.ones_like(targets, dtype=torch.bool)  # at the last checkpoint
    best_then, last, checks = best_loss, 0, checkpoints(steps)
    for k in range(1, steps):
        z = (x - size * gradient.sign()).clamp_(low, high)
        share = 1.0 if k == 1 else MOMENTUM
        following = (x + share * (z - x) + (1 - share) * (x - before)).clamp_(low, high)
        before, x = x, following
        previous = loss
        loss, gradient = _evaluate(model, x, targets)
        gains += loss < previous
        better = loss < best_loss
        best = torch.where(per_image(better), x, best)
        best_gradient = torch.where(per_image(better), gradient, best_gradient)
        best_loss = torch.where(better, loss, best_loss)
        if k in checks:
            too_few = gains < RHO * (k - last)
            stuck = ~halved & (best_then == best_loss)
            halved = too_few | stuck
            where = per_image(halved)
            size = torch.where(where, size / 2, size)
            x = torch.where(where, best, x)  # its momentum is from the point before, as it was
            gradient = torch.where(where, best_gradient, gradient)
            loss = torch.where(halved, best_loss, loss)
            gains, best_then, last = torch.zeros_like(gains), best_loss, k
    return best


def _evaluate(model: Model, x: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return each image's cross-entropy to its target (N,) and the gradient."""
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        losses = cross_entropy(model(x), targets, reduction="none")
        (gradient,) = torch.autograd.grad(losses.sum(), x)
    return losses.detach(), gradient
