"""Searches of C&W on a small network and on linear models."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from varbench.attacks.carlini_wagner import carlini_wagner
from varbench.attacks.common import Attacked

CLASSES = 4
Model = Callable[[Tensor], Tensor]


def small_net() -> Model:
    """Return a network whose logits are, to the last bit, the same in a batch of any size.

    The loss has a kink where an image enters the target class: a matrix product that rounds
    differently in another batch can put one iterate on the other side of it, and the rest of that
    image's search goes another way. Products and sums along rows do not round differently.
    """
    generator = torch.Generator().manual_seed(5)
    first = torch.randn(32, 192, generator=generator) / 5
    second = torch.randn(CLASSES, 32, generator=generator)

    def logits(x: Tensor) -> Tensor:
        hidden = ((x.flatten(1) - 0.5)[:, None, :] * first).sum(-1)  # (N, 32)
        return (nn.functional.softplus(hidden)[:, None, :] * second).sum(-1)

    middle = logits(torch.full((1, 3, 8, 8), 0.5))
    return lambda x: logits(x) - middle


def some_images(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    images = (torch.rand(count, 3, 8, 8, generator=generator) * 1.2 - 0.1).clamp(0, 1)
    images = (images * 255).round() / 255  # as every stored image is
    return images, torch.randint(CLASSES, (count,), generator=generator)


def linear_model(classes: int, seed: int = 0) -> tuple[Tensor, Model]:
    weights = torch.randn(classes, 192, generator=torch.Generator().manual_seed(seed))
    return weights, lambda x: x.flatten(1) @ weights.T


def run(model: Model, images: Tensor, targets: Tensor, **parameters: Any) -> Attacked:
    parameters = {"seeds": range(len(images)), "batch_size": 4} | parameters
    return carlini_wagner(model, images, targets, **parameters)


def distances(attacked: Attacked, images: Tensor) -> Tensor:
    return (attacked.images - images).flatten(1).norm(dim=1)


def margins(model: Model, images: Tensor, targets: Tensor) -> Tensor:
    """Return how far the target's logit is above all others (N,)."""
    logits = model(images).detach()
    is_target = nn.functional.one_hot(targets, logits.shape[1]) > 0
    return logits[is_target] - logits.masked_fill(is_target, -math.inf).amax(1)


UNEVEN = {"learning_rate": 2e-2, "iterations": 30, "binary_search_steps": 3, "abort_every": 5}
