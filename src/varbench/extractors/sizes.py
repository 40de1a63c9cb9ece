"""Which sizes of images an architecture takes: some need many pixels, some one size alone."""

from itertools import pairwise

import torch

from varbench.errors import InputError
from varbench.extractors.networks import Extractor

TRIED = (32, 64, 96, 128, 160, 192, 224, 256, 299, 384, 512)  # sides in pixels


def check_size(network: Extractor, size: int | None, key: str = "extractor.image_size") -> None:
    """Raise InputError if a network takes no images of ``size`` x ``size``; None is any size.

    The message names the ``key`` and the smallest side that was found to work.
    """
    if size is None:
        return
    why = _refusal(network, size)
    if why is None:
        return
    smallest = smallest_size(network)
    advice = f"; the smallest size found that it takes is {smallest}" if smallest else ""
    raise InputError(
        f"{key}: {network.architecture} takes no images of {size} x {size} ({why}){advice}"
    )


def smallest_size(network: Extractor) -> int | None:
    """Return the smallest side of those tried that works, refined by bisection; None for none."""
    works = next((size for size in TRIED if _refusal(network, size) is None), None)
    if works is None:
        return None
    fails = max((size for size, after in pairwise(TRIED) if after == works), default=0)
    while fails and works - fails > 1:
        middle = (works + fails) // 2
        if _refusal(network, middle) is None:
            works = middle
        else:
            fails = middle
    return works


@torch.no_grad()
def _refusal(network: Extractor, size: int) -> str | None:
    """Return why a forward pass in evaluation mode fails; None if it does not."""
    training = network.training
    network.eval()
    try:
        device = network.mean.device
        network.features_and_logits(torch.zeros(1, 3, size, size, device=device))
    except Exception as error:  # each architecture has its own
        return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    finally:
        network.train(training)
    return None
