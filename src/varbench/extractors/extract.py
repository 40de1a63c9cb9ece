"""Reading a network out: features, predicted classes and their probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from varbench.errors import InputError
from varbench.extractors.networks import Extractor
from varbench.grouping import by_size
from varbench.images import to_unit


@dataclass(frozen=True)
class ReadOut:
    """What a network makes of N images.

    Attributes
    ----------
    features
        (N, D) float32.
    classes
        (N,) int64, the predicted class.
    probabilities
        (N,) float32, the predicted class's.
    target_probabilities
        (N,) float32, the target class's; NaN if none was asked for.
    """

    features: NDArray[np.float32]
    classes: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    target_probabilities: NDArray[np.float32]


@torch.inference_mode()
def read_out(
    network: Extractor,
    images: Sequence[NDArray[np.uint8]],
    batch_size: int,
    device: torch.device,
    *,
    target: int | None = None,
) -> ReadOut:
    """Pass uint8 images (H, W, 3), of any sizes, through a network in evaluation mode.

    Raises
    ------
    InputError
        Features are not finite: the message gives the image's position. Or the network takes no
        images of some size, which is only known here where images keep their sizes.
    """
    count = len(images)
    result = ReadOut(
        features=np.empty((count, network.feature_dim), np.float32),
        classes=np.empty(count, np.int64),
        probabilities=np.empty(count, np.float32),
        target_probabilities=np.full(count, np.nan, np.float32),
    )
    for group in by_size(images):
        for start in range(0, len(group), batch_size):
            rows = group[start : start + batch_size]
            batch = to_unit([images[row] for row in rows]).to(device)
            batch = batch.contiguous(memory_format=torch.channels_last)
            features, logits = _pass(network, batch)
            probabilities = logits.softmax(dim=1)
            highest, classes = probabilities.max(dim=1)
            result.features[rows] = features.cpu().numpy()
            result.classes[rows] = classes.cpu().numpy()
            result.probabilities[rows] = highest.cpu().numpy()
            if target is not None:
                result.target_probabilities[rows] = probabilities[:, target].cpu().numpy()
    broken = ~np.isfinite(result.features).all(axis=1)
    if broken.any():
        raise InputError(
            f"features of image {int(np.flatnonzero(broken)[0])} are not finite: "
            "the extractor's weights are damaged or its training diverged"
        )
    return result


def _pass(network: Extractor, batch: Tensor) -> tuple[Tensor, Tensor]:
    try:
        return network.features_and_logits(batch)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # each architecture has its own
        height, width = batch.shape[2:]
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"extractor.image_size: {network.architecture} takes no images of {width} x {height} "
            f"({reason}); give a size that it takes"
        ) from error
