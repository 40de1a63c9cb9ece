"""How far an attack moves an image: for the classifier, in the features, to the eye.

One value an image; tables average them. torch and lpips take seconds to import, so only the
functions of the perceptual distance import them.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from varbench.errors import InputError
from varbench.seeds import derive

if TYPE_CHECKING:
    import torch
    from torch import Tensor

BACKBONES = {"alex": "AlexNet", "squeeze": "SqueezeNet1_1", "vgg": "VGG16"}  # torchvision's names


def successes(classes: NDArray[np.integer], target: int) -> NDArray[np.bool_]:
    """Return for each attacked image whether its predicted class, (N,), is the target class."""
    success: NDArray[np.bool_] = classes == target
    return success


def success_rates(
    before: NDArray[np.integer], after: NDArray[np.integer], target: int
) -> tuple[float, float]:
    """Return the share of successes among all images, and among those that were not a success yet.

    The first is the paper's SR: it also counts images that the network put in the target class
    before any attack. The second leaves these out. ``before`` and ``after`` are the predicted
    classes (N,) of the clean and the attacked images; a rate of no images is NaN.
    """
    success = successes(after, target)
    movable = success[before != target]
    return (
        float(success.mean()) if success.size else float("nan"),
        float(movable.mean()) if movable.size else float("nan"),
    )


def feature_losses(clean: NDArray[Any], attacked: NDArray[Any]) -> NDArray[np.float64]:
    """Return each image's mean squared difference over its features, (N, D) and (N, D) -> (N,)."""
    if clean.shape != attacked.shape:
        raise ValueError(f"features of different shape: {clean.shape} and {attacked.shape}")
    # In float64: a hardened network's features move by less than float32 resolves once squared.
    losses: NDArray[np.float64] = np.square(clean.astype(np.float64) - attacked).mean(axis=1)
    return losses


@dataclass(frozen=True)
class PerceptualDistance:
    """A distance between two images' activations in a network, ready for `distances`.

    ``label`` names it in tables. ``is_lpips`` is False for a stand-in, whose values must never be
    shown as LPIPS.
    """

    network: Any  # an lpips.LPIPS
    label: str
    is_lpips: bool


def lpips_distance(
    network: str, backbone: Mapping[str, "Tensor"] | None = None, *, device: str = "cpu"
) -> PerceptualDistance:
    """Return LPIPS 0.1 (Zhang et al., CVPR 2018) on one of its three networks.

    network : "alex", "squeeze" or "vgg" (the paper's)
    backbone : ImageNet weights under torchvision's names; None downloads torchvision's own.
        The linear heads come with the lpips package.

    Raises InputError where the weights do not fit the network or cannot be downloaded.
    """
    model = _build(network, heads=True)
    _load_backbone(model, network, _downloaded(network) if backbone is None else backbone)
    return PerceptualDistance(model.to(device), f"LPIPS ({network})", is_lpips=True)


def stand_in_distance(network: str, *, seed: int = 0, device: str = "cpu") -> PerceptualDistance:
    """Return a distance in a randomly initialised network, for where no weights are at hand.

    It rises with what an attack changes but is not LPIPS: nothing in it was learnt, neither from
    images nor from human judgements, so its layers and channels weigh the same.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive("perceptual stand-in", network, seed))
        model = _build(network, heads=False)
    label = f"random-{network} distance (seed {seed}, not LPIPS)"
    return PerceptualDistance(model.to(device), label, is_lpips=False)


def distances(
    metric: PerceptualDistance,
    clean: "Tensor",
    attacked: Sequence["Tensor"],
    *,
    tile_pixels: int = 400_000,
) -> "Tensor":
    """Return the distance of each attacked image to its clean one, (attacks, N) float32.

    clean : (N, 3, H, W) in [0, 1]
    attacked : for each attack its N images, in the same order
    tile_pixels : pixels, over all images, that pass through the network at a time; bounds the
        memory (VGG takes about 1 KB a pixel)

    A clean image's activations are computed once for all attacks.
    """
    import torch

    for images in attacked:
        if images.shape != clean.shape:
            raise ValueError(f"images of different shape: {clean.shape} and {images.shape}")
    tile = max(1, tile_pixels // (clean.shape[2] * clean.shape[3]))
    result = torch.empty(len(attacked), len(clean))
    with torch.inference_mode():
        for start in range(0, len(clean), tile):
            part = slice(start, start + tile)
            reference = _activations(metric, clean[part])
            for row, images in enumerate(attacked):
                compared = _activations(metric, images[part])
                result[row, part] = _compare(metric, reference, compared).cpu()
    return result


def _activations(metric: PerceptualDistance, images: "Tensor") -> list["Tensor"]:
    """Return each layer's activations, (n, C, h, w), scaled to unit length at every position."""
    import lpips

    if not bool(((images >= 0) & (images <= 1)).all()):  # also false for NaN
        raise ValueError("image values outside [0, 1]")
    scaling = metric.network.scaling_layer
    inputs = 2 * images.to(scaling.shift.device) - 1  # LPIPS takes [-1, 1]
    return [lpips.normalize_tensor(layer) for layer in metric.network.net(scaling(inputs))]


def _compare(
    metric: PerceptualDistance, one: list["Tensor"], other: list["Tensor"]
) -> "torch.Tensor":
    """Sum the layers' weighted squared differences, averaged over positions: (n,)."""
    squares = [(a - b).square() for a, b in zip(one, other, strict=True)]  # (n, C, h, w) each
    if metric.is_lpips:
        layers = [head(s) for head, s in zip(metric.network.lins, squares, strict=True)]
    else:
        layers = [s.sum(dim=1, keepdim=True) for s in squares]
    total: torch.Tensor = sum(layer.mean(dim=(1, 2, 3)) for layer in layers)
    return total


def _build(network: str, *, heads: bool) -> Any:
    """Return lpips' module with a random backbone, with or without its trained linear heads."""
    import lpips

    if network not in BACKBONES:
        raise InputError(f"perceptual.network: {network!r} is none of {', '.join(BACKBONES)}")
    with warnings.catch_warnings():  # lpips 0.1.4 builds the backbone by torchvision's old argument
        warnings.filterwarnings("ignore", category=UserWarning, module=r"torchvision\.")
        return lpips.LPIPS(net=network, lpips=heads, pnet_rand=True, verbose=False)


def _load_backbone(model: Any, network: str, weights: Mapping[str, "Tensor"]) -> None:
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


def _downloaded(network: str) -> Mapping[str, "Tensor"]:
    from torchvision.models import get_weight

    name = f"{BACKBONES[network]}_Weights.IMAGENET1K_V1"
    try:
        weights: Mapping[str, Tensor] = get_weight(name).get_state_dict(
            progress=False, check_hash=True
        )
    except (OSError, RuntimeError) as error:  # no network; a truncated file's hash
        raise InputError(
            f"perceptual.weights: could not download torchvision's {name} ({error}); "
            "name a file of these weights, or stand-in"
        ) from error
    return weights
