"""Where a file of tensors keeps a network's weights, and under which prefix.

Known layouts: torchvision's; MadryLab's robustness library (``model``, ``module.model.`` and
entries of its normaliser and attacker); RobustBench's (``model.`` or ``module.`` or none, perhaps
with the normalisation's buffers); free adversarial training's (``state_dict``, ``module.``);
Lightning's (``state_dict``, the attribute's name); torch.compile's (``_orig_mod.``); averaged
models (``n_averaged``, ``module.``); any other one prefix in any dictionary of dictionaries.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from varbench.errors import InputError

Tensors = Mapping[str, Tensor]
DEEPEST = 6  # dictionaries in dictionaries
# Words in the names of a normalisation's buffers; those of the second line may mean other things
# too, and count in three values only.
MEANS, DEVIATIONS = (
    {"mean", "means", "mu"},
    {"std", "stds", "sigma", "stdev", "stddev", "sd", "sds"},
)
OFFSETS, SCALES = {"avg", "average", "loc", "offset", "shift"}, {"scale", "var", "variance"}
WRAPPERS = ("module.", "model.")  # where nothing is known of the network
LISTED = 10  # names in one message
# What wrappers put between the parts of a name: torch.compile, FSDP, activation checkpoints.
BETWEEN = ("_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.")
# What they put beside a network; the normalisation is compared with the configuration's elsewhere.
BESIDE = r"(.*\.)?(attacker\..*|n_averaged)"


class NotFittingError(InputError):
    """The weights are another network's."""


@dataclass(frozen=True)
class Found:
    """A network's weights in a file.

    Attributes
    ----------
    path, prefix
        The dotted keys of the dictionaries that hold them, and the prefix of their names.
    weights
        Under the network's own names, and whatever else is under the prefix.
    beside
        Names outside of the prefix that are neither a wrapper's nor a normaliser's.
    missing
        Names of the network that are not there, or of another shape.
    """

    path: str
    prefix: str
    weights: dict[str, Tensor]
    beside: list[str]
    missing: list[str]

    @property
    def place(self) -> str:
        """Both, dotted."""
        return ".".join(filter(None, [self.path, self.prefix.removesuffix(".")]))


def find(content: Any, own: Tensors, *, key: str | None = None) -> dict[str, Tensor]:
    """Return the weights in ``content`` that belong to a network whose state dict is ``own``.

    Parameters
    ----------
    content
        What ``checkpoints.read_content`` returns.
    own
        Names and tensors of the network; only their shapes are looked at.
    key
        The place in the file where several fit: dotted keys of dictionaries, and a prefix.

    Returns
    -------
    Tensors under the network's own names. Where no place fits wholly, those of the place that comes
    nearest, for ``networks.load_weights`` to say what is wrong with them.

    Raises
    ------
    InputError
        The content holds no tensors under names, none that resemble the network's, or several
        networks that fit; or there is nothing at ``key``, or something beside the network that
        may be a part of it.
    """
    held = state_dicts(content)
    if not held:
        raise InputError(
            "holds no state dict (a mapping from names to tensors)"
            + (f"; its keys: {listed(map(str, content))}" if isinstance(content, dict) else "")
        )
    places = [found for path, tensors in held.items() for found in _places(path, tensors, own)]
    if key is not None:
        places = [found for found in places if _within(found.place, key)]
    nearest = sorted(places, key=lambda found: len(found.missing))
    if not nearest or len(nearest[0].missing) == len(own):
        where = f"it holds none at weights_key {key!r}" if key else "the names are others"
        raise NotFittingError(
            f"weights do not fit the extractor: {where}; there are {_names(held)}"
        )
    fitting = [found for found in nearest if not found.missing]
    chosen = next((found for found in fitting if found.place == key), nearest[0])
    if chosen.missing or chosen.place == key:
        return chosen.weights
    if not all(_same(found, chosen, own) for found in fitting):
        options = listed(found.place or "(outermost)" for found in fitting)
        raise InputError(
            f"several networks in it fit: {options}; name one as weights_key beside weights"
        )
    copies = tuple(found.prefix for found in fitting if found.path == chosen.path)
    beside = [name for name in chosen.beside if not name.startswith(copies)]
    if beside and key is None:
        raise InputError(
            f"holds more than the network: {listed(beside)}; if these are no part of it, put "
            f"weights_key: {chosen.place} beside weights"
        )
    return chosen.weights


def state_dicts(content: Any, path: str = "", deep: int = 0) -> dict[str, dict[str, Tensor]]:
    """Return each dictionary in ``content`` that holds tensors under names, by its dotted keys."""
    if deep > DEEPEST:
        return {}
    named = entries(content)
    # Numbers and places in a list lead to dictionaries, and are no names of tensors.
    names = [key for key in content if isinstance(key, str)] if isinstance(content, dict) else []
    tensors = {key: named[key] for key in names if isinstance(named[key], Tensor)}
    result = {path: tensors} if tensors else {}
    for key, value in named.items():
        result |= state_dicts(value, f"{path}.{key}" if path else key, deep + 1)
    return result


def entries(content: Any) -> dict[str, Any]:
    """Return what a dictionary or a list holds, by its key or place as text; else nothing."""
    if isinstance(content, dict):
        return {str(key): value for key, value in content.items()}
    if isinstance(content, list | tuple):
        return {str(place): value for place, value in enumerate(content)}
    return {}


def _places(path: str, tensors: Tensors, own: Tensors) -> Iterator[Found]:
    """Yield what a state dict holds under each prefix that some of the network's names have."""
    named = {_plain(name): tensor for name, tensor in tensors.items()}
    first, *_ = (name for name in own if not _counter(name))
    last = [name for name in own if not _counter(name)][-1]
    prefixes = {
        name.removesuffix(anchor)
        for anchor in (first, last)
        for name in named
        if name == anchor or name.endswith(f".{anchor}")
    }
    for prefix in sorted(prefixes):
        if re.search(r"(^|\.)attacker\.", prefix):
            continue  # MadryLab's second copy of the same network
        inside = {n.removeprefix(prefix): t for n, t in named.items() if n.startswith(prefix)}
        yield Found(
            path=path,
            prefix=prefix,
            weights={n: t for n, t in inside.items() if n in own or not _wrappers(n, t)},
            beside=[n for n, t in named.items() if not (n.startswith(prefix) or _wrappers(n, t))],
            missing=[n for n in own if not _counter(n) and not _alike(inside.get(n), own[n])],
        )


def _plain(name: str) -> str:
    for part in BETWEEN:
        name = name.replace(part, "")
    return name


def _counter(name: str) -> bool:
    """Say whether it is batch norm's counter of batches, which old files lack."""
    return name.endswith("num_batches_tracked")


def _alike(given: Tensor | None, own: Tensor) -> bool:
    return given is not None and given.shape == own.shape


def _wrappers(name: str, tensor: Tensor) -> bool:
    """Say whether an entry is what a wrapper adds to a network, such as a normalisation."""
    return re.fullmatch(BESIDE, name) is not None or is_statistic(name, tensor) is not None


def is_statistic(name: str, value: Any) -> str | None:
    """Return "mean" or "std" for a normalisation's buffer, by its name and number of values."""
    if not isinstance(value, Tensor) or value.numel() not in (1, 3):
        return None
    words = {*words_of(name)}
    if "running" in words:  # batch norm's
        return None
    colours = value.numel() == 3
    if words & MEANS or (colours and words & OFFSETS):
        return "mean"
    return "std" if words & DEVIATIONS or (colours and words & SCALES) else None


def words_of(name: str) -> list[str]:
    """Return the words of a name's last part: new_mean, newMean and new.mean have the same."""
    leaf = name.rpartition(".")[2]
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", leaf)]


def _within(place: str, key: str) -> bool:
    return place == key or place.startswith(f"{key}.")


def _same(one: Found, other: Found, own: Tensors) -> bool:
    """Say whether two places hold the same network twice, as modules with two names do."""
    return one is other or all(
        torch.equal(one.weights[name], other.weights[name]) for name in own if not _counter(name)
    )


def _names(held: Mapping[str, Tensors]) -> str:
    """Describe what state dicts there are: their keys, and of each the first names."""
    return "; ".join(
        f"{path + ': ' if path else ''}{listed(list(tensors)[:3])}, {len(tensors)} in all"
        for path, tensors in list(held.items())[:LISTED]
    )


def unwrapped(weights: Tensors) -> dict[str, Tensor]:
    """Drop what wrappers add to a network and their prefixes from the names."""
    weights = {_plain(name): tensor for name, tensor in weights.items()}
    while True:
        weights = {n: t for n, t in weights.items() if not _wrappers(n, t)}
        prefix = next((p for p in WRAPPERS if all(name.startswith(p) for name in weights)), None)
        if prefix is None or not weights:
            return dict(weights)
        weights = {name.removeprefix(prefix): tensor for name, tensor in weights.items()}


def listed(names: Iterable[str]) -> str:
    """Join the first of many names."""
    every = list(names)
    return ", ".join(every[:LISTED]) + ", ..." * (len(every) > LISTED)
