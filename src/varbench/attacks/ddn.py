"""Decoupled direction and norm (Rony et al., "Decoupling direction and norm for efficient
gradient-based L2 adversarial attacks and defenses", CVPR 2019, Algorithm 1), targeted.

The network sees each iterate rounded to 8 bits (``storage``), and the gradient passes through the
rounding as if it were not there, as in C&W here.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from varbench.attacks.common import (
    STORAGE,
    Attacked,
    Model,
    batches,
    check_choice,
    check_inputs,
    check_number,
    confirmed,
    per_image,
)


def ddn(
    model: Model,
    images: Tensor,
    targets: Tensor,
    *,
    seeds: Sequence[int],
    batch_size: int,
    steps: int = 100,
    initial_norm: float = 1.0,
    gamma: float = 0.05,
    storage: str = "bits8",
) -> Attacked:
    """Follow the gradient's direction on a sphere that shrinks where the attack succeeds.

    Each image has a radius of its own: times 1 - gamma after a point in the target class, times
    1 + gamma after another. The step falls from 1 to 0.01 along a cosine.

    Parameters
    ----------
    initial_norm
        First radius, L2 of values in [0, 1].
    gamma
        By how much the radius changes.
    storage
        As ``varbench.attacks.common.STORAGE`` has it: "bits8" judges rounded images, "float" those
        of the search.

    Returns
    -------
    Attacked
        The adversarial point with the smallest L2 distance among those evaluated, or the clean
        image where none was.
    """
    check_number("steps", steps, at_least=1, whole=True)
    check_number("initial_norm", initial_norm, above=0)
    check_number("gamma", gamma, above=0, at_most=1)
    check_choice("storage", storage, STORAGE)
    check_inputs(model, images, targets, seeds, batch_size)
    adversarial = torch.empty_like(images)
    for rows in batches(len(images), batch_size):
        adversarial[rows] = _search(
            model, images[rows], targets[rows], steps, initial_norm, gamma, STORAGE[storage]
        )
    return Attacked(adversarial, torch.full_like(targets, steps))


def _search(
    model: Model,
    clean: Tensor,
    targets: Tensor,
    steps: int,
    initial_norm: float,
    gamma: float,
    stored: Callable[[Tensor], Tensor],
) -> Tensor:
    delta = torch.zeros_like(clean)
    radius = clean.new_full((len(clean),), initial_norm)
    best, best_l2 = clean.clone(), clean.new_full((len(clean),), math.inf)
    for k in range(steps):
        x = stored(clean + delta).requires_grad_()
        with torch.enable_grad():
            logits = model(x)
            loss = cross_entropy(logits, targets, reduction="sum")
            (gradient,) = torch.autograd.grad(loss, x)
        x = x.detach()
        success = confirmed(model, x, targets, logits.detach().argmax(1) == targets)
        l2 = _norm(x - clean)
        better = success & (l2 < best_l2)
        best = torch.where(per_image(better), x, best)
        best_l2 = torch.where(better, l2, best_l2)

        step = 0.01 + (1 - 0.01) * (1 + math.cos(math.pi * k / steps)) / 2
        delta = delta - step * _unit(gradient)
        radius = radius * torch.where(success, 1 - gamma, 1 + gamma)
        delta = (clean + per_image(radius) * _unit(delta)).clamp_(0, 1) - clean
    return best


def _norm(values: Tensor) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(values, dim=(1, 2, 3))
    return norm


def _unit(values: Tensor) -> Tensor:
    """Scale each image's values to length 1; zeros stay zeros."""
    return values / per_image(_norm(values).clamp_min(1e-30))
