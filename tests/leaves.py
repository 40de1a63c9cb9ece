"""Every value of a configuration, and other valid values in its place."""

from collections.abc import Iterator
from copy import deepcopy
from itertools import combinations
from pathlib import Path
from typing import Any

import yaml

from varbench.errors import InputError
from varbench.experiment.configuration import complete, read_classes
from varbench.registry import METHODS

BASE = Path(__file__).parents[1]
SCHEMA_PATH = BASE / "resources" / "config.schema.yaml"
SCHEMA = yaml.safe_load(SCHEMA_PATH.read_text())
KINDS = {
    "defenses": "defense",
    "attacks": "attack",
    "recommenders": "recommender",
}

Config = dict[str, Any]
Path_ = tuple[str, ...]

# What else a text, a list or nothing may be where the schema lists no choice.
OTHERS: dict[str, list[Any]] = {
    "results": ["elsewhere"],
    "threats": [["poisoning"]],
    "device": ["cpu"],
    "catalogues.*.source.path": ["other/path"],
    "catalogues.*.source.items": ["other.csv"],
    "catalogues.*.source.interactions": ["other.tsv"],
    "catalogues.*.source.images": ["other_images"],
    "catalogues.*.source.dataset": ["other"],
    "catalogues.*.source.categories": [["sandal", "running shoe", "jersey"]],
    "catalogues.*.source.unpopular": ["jersey"],
    "catalogues.*.source.popular": ["jersey"],
    "catalogues.*.expected.*": [1000],
    "catalogues.*.min_rating": [3],
    "datasets.*.catalogue": ["spare"],
    "datasets.*.source_category": ["jersey", "Band Aid"],
    "datasets.*.target_category": ["jersey", "Band Aid"],
    "datasets.*.attacked.items": [1],
    "extractor.architecture": ["mobilenet_v2"],
    "extractor.classes": ["resources/classes_imagenet1k.txt", "resources/classes_generated.txt"],
    "extractor.image_size": [128],
    "extractor.mean": [[0.5, 0.5, 0.4]],
    "extractor.std": [[0.5, 0.5, 0.4]],
    "training_images.catalogue": ["spare", "shop"],
    "training_images.folder": ["other/folder"],
    "training_images.image_size": [128],
    "undefended": ["AT", "FAT"],
    "defenses.*.weights": ["another.pt"],
    "defenses.*.starts_from": ["T", "other"],
    "*.*.step_size": [1.5],
    "attacks.*.crafted_on": ["T", "FAT"],
    "attacks.*.abort_every": [7],
    "attacks.*.guide.recommender": ["other"],
    "attacks.*.guide.users": [0.5],
    "recommenders.*.starts_from": ["vbpr", "other"],
    "grid.datasets": [["men"]],
    "grid.defenses": [["T"], ["FAT"]],
    "grid.attacks": [["none", "pgd"], ["none", "expa"]],
    "grid.recommenders": [["vbpr"]],
    "metrics.last_listed.defense": ["T"],
    "metrics.last_listed.recommender": ["vbpr"],
    "tuning.recommenders": [["vbpr"]],
    "tuning.values.*": [[0.1]],
    "ablation.protocols": [["corrected"]],
    "protocol.*": ["as_published"],
    "perceptual.weights": ["backbone.pth", "other.pth"],
    "tables.labels": [{"T": "none"}],
}


def leaves(block: Any, path: Path_ = ()) -> Iterator[Path_]:
    """Yield the way to every value; a list is one, and so is what `labels` maps."""
    for key, value in block.items():
        if isinstance(value, dict) and key != "labels":
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


def at(config: Config, path: Path_) -> Any:
    """Return what is there."""
    for key in path:
        config = config[key]
    return config


def put(config: Config, path: Path_, value: Any) -> Config:
    """Return the configuration with another value there."""
    changed = deepcopy(config)
    at(changed, path[:-1])[path[-1]] = value
    return changed


def valid(config: Config) -> Config | None:
    """Return the completed configuration, or None."""
    config = deepcopy(config)
    try:
        complete(config, SCHEMA_PATH)
        read_classes(config, BASE)
    except InputError:
        return None
    return config


def matches(pattern: str, path: Path_) -> bool:
    """Say whether a pattern, in which `*` is any one name, is of this path."""
    names = pattern.split(".")
    return len(names) == len(path) and all(
        name in ("*", own) for name, own in zip(names, path, strict=True)
    )


def changed(config: Config, path: Path_) -> Config | None:
    """Return a valid configuration in which that value is another; None if there is none."""
    if path[-1] == "method":
        return other_method(config, path)
    value = at(config, path)
    for other in candidates(value, path):
        found = valid(put(config, path, other)) if other != value else None
        if found is not None and found != config:
            return found
    return None


def candidates(value: Any, path: Path_) -> Iterator[Any]:
    """Yield what may be there instead."""
    for pattern, others in OTHERS.items():
        if matches(pattern, path):
            yield from others
    yield from choices(path)
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, 2 * value, value - 1)
    elif isinstance(value, float):
        yield from (value * 1.25, value / 2)
    if value is not None:
        yield None


def choices(path: Path_) -> list[Any]:
    """Return what the schema lists for a value; empty where it lists nothing."""
    section, *_ = path
    nodes = [SCHEMA]
    if section in KINDS or path[2:3] == ("source",):
        kind = KINDS.get(section, "catalogue")
        of_methods = [*SCHEMA["$defs"][kind].values()]
        nodes = [{"properties": m["properties"]} for m in of_methods]
        nodes.append({"properties": SCHEMA["$defs"]["every"].get(kind, {})})
        path = path[2:] if section in KINDS else path[3:]
    for key in path:
        nodes = [child for node in nodes for child in children(node, key)]
    return [choice for node in nodes for choice in node.get("enum", []) if choice is not None]


def children(node: Config, key: str) -> list[Config]:
    """Return the schemas of a key."""
    child = node.get("properties", {}).get(key) or node.get("additionalProperties") or {}
    if "$ref" in child:
        *_, name = child["$ref"].split("/")
        child = SCHEMA["$defs"][name] | child
    return [child]


def other_method(config: Config, path: Path_) -> Config | None:
    """Return a valid configuration with another method, which keeps the parameters it shares."""
    kind = KINDS.get(path[0], "catalogue")
    block = at(config, path[:-1])
    for method in METHODS[kind]:
        schema = SCHEMA["$defs"][kind].get(method)
        if method == block["method"] or schema is None or method == "none":
            continue
        known = {*schema["properties"], *SCHEMA["$defs"]["every"].get(kind, {})}
        kept = {key: value for key, value in block.items() if key in known}
        found = valid(put(config, path[:-1], {**kept, "method": method}))
        if found is not None:
            return found
    return None


def swaps(config: Config) -> Iterator[tuple[Path_, Path_, Config]]:
    """Yield every two values of one type in a block that can change places, and the result."""
    seen = set()
    for one, other in combinations(leaves(config), 2):
        # Blocks of one section read their values alike.
        section = (
            one[0] if len(one) < 3 else (one[0], *one[2:-1], at(config, one[:-1]).get("method"))
        )
        key = (section, one[-1], other[-1])
        values = at(config, one), at(config, other)
        if one[:-1] != other[:-1] or values[0] == values[1] or key in seen:
            continue
        if alike(*values):
            found = valid(put(put(config, one, values[1]), other, values[0]))
            if found is not None:
                seen.add(key)
                yield one, other, found


def alike(one: Any, other: Any) -> bool:
    """Say whether two values are of one type; a whole number is a number too."""
    numbers = [
        isinstance(value, int | float) and not isinstance(value, bool) for value in (one, other)
    ]
    return all(numbers) or (type(one) is type(other) and one is not None)
