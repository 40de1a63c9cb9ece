"""The normalisation that a file of weights brings along, against the configured one."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from varbench.errors import InputError
from varbench.extractors.layouts import (
    DEEPEST,
    DEVIATIONS,
    MEANS,
    OFFSETS,
    SCALES,
    entries,
    is_statistic,
    words_of,
)

INVERSE = {"inv", "inverse", "reciprocal"}
TOLERANCE = 2e-3  # of [0, 1]: half a pixel value
BYTES = 255
LARGEST = 2  # a mean or deviation above it is in 255ths
# Dictionaries in which one plain number for all channels is a setting, and no result.
SETTINGS = re.compile("norm|transf|preproc|args|conf|cfg|hyper|data", re.IGNORECASE)


def statistics(content: Any, path: str = "") -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Yield (dotted name, values of "mean" and "std") of each normalisation in ``content``.

    Three values each, in units of [0, 1] (255ths are converted). They come from tensors under names
    such as ``normalizer.new_mean``, ``mean``, ``mu``, ``sigma``, ``imageMean``, ``var`` (whose root
    is taken), ``inv_std``; where both are there, also from names that may mean other things
    (``shift`` and ``scale``), from lists of three numbers and from one number for all channels.
    """
    if path.count(".") > DEEPEST:
        return
    groups: dict[tuple[str, ...], dict[str, Any]] = {}
    for key, value in entries(content).items():
        values = _tensor(value, path)
        kind = is_statistic(key, values)
        if kind is not None and (values.dtype.is_floating_point or values.numel() == 3):
            groups.setdefault(_stem(key), {})[kind] = (key, value, values)
        yield from statistics(value, f"{path}.{key}" if path else str(key))
    for group in groups.values():
        alone = len(group) == 1
        if alone and not all(
            isinstance(v, Tensor) and v.numel() == 3 and {*words_of(k)} & (MEANS | DEVIATIONS)
            for k, v, _ in group.values()
        ):
            continue  # one number called sigma, a list, or a shift may be anything
        found = {kind: _meant(k, v) for kind, (k, _, v) in group.items()}
        if any(values.max() > LARGEST for values in found.values()):
            found = {kind: values / BYTES for kind, values in found.items()}
        name = next(name for name, _, _ in group.values())
        yield (f"{path}.{name}" if path else name), found


def _stem(name: str) -> tuple[str, ...]:
    """Return what a mean's and a deviation's names have in common."""
    kinds = MEANS | DEVIATIONS | OFFSETS | SCALES | INVERSE
    return name.rpartition(".")[0], *(word for word in words_of(name) if word not in kinds)


def _meant(name: str, values: Tensor) -> Tensor:
    """Return the mean or deviation of three channels that a buffer's values stand for."""
    words, values = {*words_of(name)}, values.flatten().double().expand(3)
    if words & {"var", "variance"}:
        values = values.sqrt()
    return 1 / values if words & INVERSE else values


def _tensor(value: Any, path: str) -> Any:
    """Return a list of three numbers, or a number among settings, as a tensor; else the value."""
    single = _is_number(value) and SETTINGS.search(path.rpartition(".")[2])
    if single or (
        isinstance(value, list | tuple) and len(value) == 3 and all(map(_is_number, value))
    ):
        return torch.tensor(value, dtype=torch.float64)
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def check(content: Any, mean: Sequence[float], std: Sequence[float]) -> None:
    """Raise InputError if a file's own normalisation is another than ``mean`` and ``std``.

    content : what ``checkpoints.read_content`` returns
    mean, std : of the three channels, in units of [0, 1]

    The error gives both and the lines of YAML that fit the file.
    """
    configured = {"mean": torch.tensor(mean).double(), "std": torch.tensor(std).double()}
    for name, found in statistics(content):
        if all((found[k] - configured[k]).abs().max() <= TOLERANCE for k in found):
            continue
        said = ", ".join(f"{kind} {numbers(values)}" for kind, values in found.items())
        lines = " and ".join(
            f"'{k}: {numbers(found.get(k, values))}'" for k, values in configured.items()
        )
        raise InputError(
            f"its network normalises images with {said} ({name}) and the configuration with "
            f"mean {numbers(configured['mean'])}, std {numbers(configured['std'])}; put the lines "
            f"{lines} under extractor"
        )


def numbers(values: Tensor) -> str:
    """Return three numbers as YAML."""
    return f"[{', '.join(f'{v:.6g}' for v in values.tolist())}]"
