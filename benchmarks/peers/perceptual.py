"""LPIPS of five attacks on the same clean images."""

import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from comparing import OURS, Row, missing, race
from subjects import Given, photographs
from varbench.extractors.networks import build
from varbench.metrics.perceptual import distances, lpips_model

TOLERANCE = 1e-5  # of the mean distance, which is small where weights are drawn
ATTACKS = 5
WHY = "a clean image's activations are computed once: 6 passes instead of 10, at most 1.67 times"


def torchmetrics_model(network: str, weights: dict[str, Tensor]) -> Any:
    """Return torchmetrics' LPIPS with the same backbone; its own would be fetched."""
    import torchmetrics
    from torchmetrics.functional.image.lpips import _LPIPS

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = _LPIPS(pretrained=True, net=network, pnet_rand=True)
    del torchmetrics
    own = model.net.state_dict()
    # Their layers are cut into slices but keep torchvision's numbers and order.
    given = [weights[name] for name in weights if name.startswith("features.")]
    fitted = zip(own.items(), given, strict=False)
    model.net.load_state_dict({name: value for (name, _), value in fitted})
    return model


def rows(given: Given) -> Iterator[Row]:
    network, architecture = ("squeeze", "squeezenet1_1") if given.smallest else ("vgg", "vgg16")
    size, count = (64, 1) if given.smallest else (224, 2)
    weights = build(architecture, 1000).network.state_dict()
    model = lpips_model(network, weights)
    clean = photographs(given.images, size, count)
    steps = torch.linspace(1, 8, ATTACKS) / 255
    signs = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0)).sign()
    attacked = [(clean + step * signs).clamp(0, 1) for step in steps]

    def ours() -> Tensor:
        return distances(model, clean, attacked)

    @torch.inference_mode()
    def package() -> Tensor:
        return torch.stack([model(clean, one, normalize=True).flatten() for one in attacked])

    sides = {OURS: ours, "lpips": package}
    if not missing("torchmetrics"):
        other = torchmetrics_model(network, weights)

        @torch.inference_mode()
        def metrics() -> Tensor:
            return torch.stack([other(clean, one, normalize=True).flatten() for one in attacked])

        sides["torchmetrics"] = metrics
    found = race(sides, given.rounds)
    work = f"LPIPS ({network}) of {ATTACKS} attacks on {count} images of {size}"
    for name in ("lpips", "torchmetrics"):
        if name not in sides:
            yield Row(work, name, f"{name} is not installed")
        elif name in found.failures:
            yield Row(work, name, found.failures[name])
        else:
            apart = float((found.results[OURS] - found.results[name]).abs().max())
            mean = float(found.results[OURS].mean())
            said = f"distances, {mean:.1e} on average, differ by {apart:.0e} at most"
            yield Row(work, name, said, found.ratio(name), apart <= TOLERANCE * mean, 1.6, WHY)
