"""Trials of a recommender's parameters on interactions held out from training."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

Config = dict[str, Any]


def settings(block: Mapping[str, Any], values: Mapping[str, Sequence[Any]]) -> list[Config]:
    """Return every combination of the values of those parameters that a recommender has."""
    own = {name: tried for name, tried in values.items() if name in block}
    return [dict(zip(own, chosen, strict=True)) for chosen in product(*own.values())]


def of_tuning(config: Config) -> Iterator[str]:
    """Yield what contradicts the section ``tuning``."""
    tuning, blocks = config["tuning"], config["recommenders"]
    names = tuning["recommenders"] or list(blocks)
    for name in names:
        if name not in blocks:
            yield f"tuning.recommenders: unknown {name!r}; known: {', '.join(blocks)}"
            return
    for parameter in tuning["values"]:
        if not any(parameter in blocks[name] for name in names):
            yield f"tuning.values.{parameter}: no parameter of {', '.join(names)}"
