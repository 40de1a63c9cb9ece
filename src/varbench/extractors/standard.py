"""T: training on the images as they are."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from varbench.extractors.data import Data
from varbench.extractors.networks import Extractor
from varbench.extractors.training import Row, fit


def train(network: Extractor, data: Data, **options: Any) -> list[Row]:
    """Minimise the cross-entropy of the clean images; options as for ``training.fit``."""
    return fit(network, data, _step, **options)


def _step(
    _network: nn.Module,
    images: Tensor,
    labels: Tensor,
    update: Callable[[Tensor, Tensor], None],
    _generator: torch.Generator,
) -> None:
    update(images, labels)
