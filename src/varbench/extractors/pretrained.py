"""Pretrained extractors: weights from elsewhere, checked against what the configuration says."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from varbench.errors import InputError
from varbench.extractors import normalisation
from varbench.extractors.checkpoints import read_content
from varbench.extractors.layouts import NotFittingError, entries, find, listed
from varbench.extractors.networks import Extractor, load_weights

SIDE_OUTPUTS = ("AuxLogits.", "aux1.", "aux2.")


def load(network: Extractor, path: Path, *, weights_key: str | None = None) -> None:
    """Load the weights in a file into ``network``, in place.

    Parameters
    ----------
    network
        Built with the configured normalisation.
    path
        A file that ``torch.save`` wrote, in one of the ``layouts``, or safetensors.
    weights_key
        Where in the file they are, if several networks in it fit.

    Raises
    ------
    InputError
        The file cannot be read, its weights are another network's or for another number of
        classes, or it normalises images by other numbers than the configuration.
    """
    content = read_content(path)
    try:
        _load(network, content, weights_key)
        mean, std = network.mean.flatten().tolist(), network.std.flatten().tolist()
        normalisation.check(_part(content, weights_key), mean, std)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _load(network: Extractor, content: Any, key: str | None) -> None:
    own = network.network.state_dict()
    try:
        weights = find(content, own, key=key)
    except NotFittingError as error:
        raise InputError(f"{error}; {_wanted(network)}") from error
    if hasattr(network.network, "aux_logits"):  # GoogLeNet's and Inception's, which are not built
        weights = {n: t for n, t in weights.items() if not n.startswith(SIDE_OUTPUTS)}
    broken = [n for n, t in weights.items() if t.is_floating_point() and not t.isfinite().all()]
    if broken:
        raise InputError(
            f"weights that are no finite numbers: {listed(broken)}; its training has diverged, or "
            "the file is damaged"
        )
    outputs = _outputs(network, weights)
    if outputs is not None:
        raise InputError(
            f"its network has {outputs} outputs and extractor.classes names {network.classes} "
            "classes; give the file of the classes that it was trained on, in its order"
        )
    try:
        load_weights(network, weights)
    except InputError as error:
        raise InputError(f"{error}; {_wanted(network)}") from error


def _wanted(network: Extractor) -> str:
    return (
        f"it should be of extractor.architecture, {network.architecture}, for {network.classes} "
        "classes"
    )


def _outputs(network: Extractor, weights: Mapping[str, Tensor]) -> int | None:
    """Return the outputs of weights that fit but for their number."""
    own = network.network.state_dict()
    other = [(weights[n].shape, own[n].shape) for n in own if n in weights]
    differing = [(given, wanted) for given, wanted in other if given != wanted]
    counts = {given[0] for given, _ in differing if len(given)}
    last = all(
        wanted[:1] == torch.Size([network.classes]) and given[1:] == wanted[1:]
        for given, wanted in differing
    )
    return counts.pop() if differing and last and len(counts) == 1 else None


def _part(content: Any, key: str | None) -> Any:
    """Return the part of a file's dictionaries that a key leads into, or all of it."""
    for name in (key or "").split("."):
        inside = entries(content).get(name)
        content = inside if isinstance(inside, dict | list | tuple) else content
    return content
