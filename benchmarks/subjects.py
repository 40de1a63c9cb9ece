"""Networks and images that the attacks are measured on."""

from copy import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from varbench.extractors.checkpoints import read_checkpoint
from varbench.extractors.networks import Extractor, build, for_inference, load_weights

RUNNING_SHOE = 770


@dataclass(frozen=True)
class Given:
    """What the command was told.

    Attributes
    ----------
    smallest
        Sizes at which everything runs in about a minute.
    rounds
        Turns of each side.
    weights, images
        A file of SqueezeNet 1.1's ImageNet weights and a folder of photographs; where they are not
        there, weights and images are drawn.
    """

    smallest: bool
    rounds: int
    weights: Path
    images: Path


@dataclass(frozen=True)
class Subject:
    """A network as its users have it, the same made fast, images (N, 3, S, S), targets (N,)."""

    name: str
    plain: Extractor
    fast: Extractor
    images: Tensor
    targets: Tensor


def subject(given: Given, architecture: str, size: int, count: int) -> Subject:
    """Return a network and as many images of the size."""
    network = build(architecture, 1000).eval()
    # Another's network has no reason to be frozen, so its parameters ask for gradients here too.
    images, kind = photographs(given.images, size, count), "random weights"
    if architecture == "squeezenet1_1" and given.weights.exists():
        load_weights(network, read_checkpoint(given.weights))
        kind = "ImageNet weights"
        targets = torch.full((count,), RUNNING_SHOE)
    else:
        _settle(network, images)
        with torch.no_grad():
            targets = network(images).topk(2).indices[:, 1].contiguous()  # the runner-up
    name = f"{architecture}, {kind}, {count} images of {size}"
    return Subject(name, network, for_inference(network), images, targets)


def half_gradients(network: Extractor) -> Extractor:
    """Return the network with gradients in bf16, as an attack's ``precision: bf16`` has them."""
    half = copy(network)
    half.gradient_dtype = torch.bfloat16
    return half


def photographs(folder: Path, size: int, count: int) -> Tensor:
    """Return the folder's first images as (count, 3, size, size) in [0, 1], or drawn ones."""
    files = sorted(folder.glob("*.jpg"))[:count]
    if len(files) < count:
        coarse = torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(0))
        return torch.nn.functional.interpolate(coarse, size, mode="bilinear").clamp(0, 1)
    seen = [np.asarray(Image.open(file).convert("RGB").resize((size, size))) for file in files]
    return torch.from_numpy(np.stack(seen)).permute(0, 3, 1, 2).contiguous().float() / 255


def _settle(network: Extractor, images: Tensor) -> None:
    """Give a random network's batch norms the statistics of some images: logits then differ."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # a plain average
    network.train()
    with torch.no_grad():
        network(images)
    network.eval()
