"""T: training on the images as they are."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from varbench.extractors.networks import Extractor
from varbench.extractors.training import Labels, Pixels, fit


def train(network: Extractor, images: Pixels, labels: Labels, **options: Any) -> None:
    """Minimise the cross-entropy of the clean images; options as for ``training.fit``."""
    fit(network, images, labels, _step, **options)


def _step(
    network: Extractor,
    images: Tensor,
    labels: Tensor,
    update: Callable[[Tensor], None],
    _generator: torch.Generator,
) -> None:
    update(cross_entropy(network(images), labels))
