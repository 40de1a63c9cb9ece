"""A small network, images for it, and an attack on them."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from varbench.attacks.common import Attacked

CLASSES = 4


def small_net() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        net = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.Softplus(),
            nn.Flatten(),
            nn.Linear(8 * 6 * 6, CLASSES),
        )
    return net.eval()


def some_images(count: int = 7, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return images (count, 3, 6, 6), some of their pixels at 0 and at 1, and targets."""
    generator = torch.Generator().manual_seed(seed)
    images = (torch.rand(count, 3, 6, 6, generator=generator) * 1.4 - 0.2).clamp(0, 1)
    return images, torch.randint(CLASSES, (count,), generator=generator)


def linear_model(weights: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda x: x.flatten(1) @ weights.T


def run(
    attack: Callable[..., Attacked],
    model: Callable[[Tensor], Tensor],
    images: Tensor,
    targets: Tensor,
    **parameters: Any,
) -> Attacked:
    parameters = {"seeds": range(len(images)), "batch_size": 3} | parameters
    return attack(model, images, targets, **parameters)


def assert_same(first: Tensor, second: Tensor) -> None:
    """Assert that images agree but for a stray pixel.

    A gradient of about zero may take either sign when a batch of another size rounds differently.
    """
    assert ((first - second).abs() > 1e-5).float().mean() < 0.01
