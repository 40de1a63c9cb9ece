"""LPIPS (Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric",
CVPR 2018): what the eye notices of an attack, one value an image.
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import lpips
import torch
from torch import Tensor

from varbench.errors import InputError

BACKBONES = {"alex": "AlexNet", "squeeze": "SqueezeNet1_1", "vgg": "VGG16"}  # torchvision's names


def lpips_model(
    network: str, backbone: Mapping[str, Tensor], *, device: str = "cpu"
) -> lpips.LPIPS:
    """Return LPIPS 0.1 on one of its three networks, ready for `distances`.

    network : "alex", "squeeze" or "vgg" (the paper's)
    backbone : ImageNet weights under torchvision's names; the linear heads come with the lpips
        package.

    Raises InputError where the weights do not fit the network.
    """
    if network not in BACKBONES:
        raise InputError(f"perceptual.network: {network!r} is none of {', '.join(BACKBONES)}")
    with warnings.catch_warnings():  # lpips 0.1.4 builds the backbone by torchvision's old argument
        warnings.filterwarnings("ignore", category=UserWarning, module=r"torchvision\.")
        model = lpips.LPIPS(net=network, pnet_rand=True, verbose=False)
    _load_backbone(model, network, backbone)
    return model.to(device)


def distances(
    model: lpips.LPIPS,
    clean: Tensor,
    attacked: Sequence[Tensor],
    *,
    tile_pixels: int = 400_000,
) -> Tensor:
    """Return the distance of each attacked image to its clean one, (attacks, N) float32.

    clean : (N, 3, H, W) in [0, 1]
    attacked : for each attack its N images, in the same order
    tile_pixels : pixels, over all images, that pass through the network at a time; bounds the
        memory (VGG takes about 1 KB a pixel)

    A clean image's activations are computed once for all attacks.
    """
    for images in attacked:
        if images.shape != clean.shape:
            raise ValueError(f"images of different shape: {clean.shape} and {images.shape}")
    tile = max(1, tile_pixels // (clean.shape[2] * clean.shape[3]))
    result = torch.empty(len(attacked), len(clean))
    with torch.inference_mode():
        for start in range(0, len(clean), tile):
            part = slice(start, start + tile)
            reference = _activations(model, clean[part])
            for row, images in enumerate(attacked):
                compared = _activations(model, images[part])
                result[row, part] = _compare(model, reference, compared).cpu()
    return result


def _activations(model: lpips.LPIPS, images: Tensor) -> list[Tensor]:
    """Return each layer's activations, (n, C, h, w), scaled to unit length at every position."""
    if not bool(((images >= 0) & (images <= 1)).all()):  # also false for NaN
        raise ValueError("image values outside [0, 1]")
    scaling = model.scaling_layer
    inputs = 2 * images.to(scaling.shift.device) - 1  # LPIPS takes [-1, 1]
    return [lpips.normalize_tensor(layer) for layer in model.net(scaling(inputs))]


def _compare(model: lpips.LPIPS, one: list[Tensor], other: list[Tensor]) -> Tensor:
    """Sum the layers' weighted squared differences, averaged over positions: (n,)."""
    squares = [(a - b).square() for a, b in zip(one, other, strict=True)]  # (n, C, h, w) each
    layers = [head(s).mean(dim=(1, 2, 3)) for head, s in zip(model.lins, squares, strict=True)]
    return torch.stack(layers).sum(dim=0)


def _load_backbone(model: Any, network: str, weights: Mapping[str, Tensor]) -> None:
    """Copy ``features.3.squeeze.weight`` to where lpips keeps it, ``slice2.3.squeeze.weight``."""
    backbone = {}
    for name, own in model.net.state_dict().items():
        source = f"features.{name.partition('.')[2]}"
        if source not in weights or weights[source].shape != own.shape:
            found = tuple(weights[source].shape) if source in weights else "nothing"
            raise InputError(
                f"perceptual.weights: not torchvision's {BACKBONES[network]}: {source} should be "
                f"{tuple(own.shape)}, found {found}; give a file of that network's weights"
            )
        backbone[name] = weights[source]
    model.net.load_state_dict(backbone)
