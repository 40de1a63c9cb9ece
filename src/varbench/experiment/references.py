"""Names in a configuration that must mean something: other entries of it, or the paper's own."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

from varbench.registry import sees_images

Config = dict[str, Any]

# The paper's attacks and recommenders: what an entry must be to stand for one. Epsilon in 255ths.
PAPER: dict[str, dict[str, dict[str, Any]]] = {
    "attacks": {
        "fgsm_4": {"method": "fgsm", "epsilon": 4},
        "fgsm_8": {"method": "fgsm", "epsilon": 8},
        "pgd_4": {"method": "pgd", "epsilon": 4},
        "pgd_8": {"method": "pgd", "epsilon": 8},
        "cw": {"method": "carlini_wagner"},
    },
    "recommenders": {"vbpr": {"method": "vbpr"}, "amr": {"method": "amr"}},
    "defenses": {
        "T": {"method": ("standard", "pretrained")},
        "AT": {"method": ("adversarial", "pretrained")},
        "FAT": {"method": ("free", "pretrained")},
    },
    "datasets": {},
}


def of_references(config: Config) -> Iterator[str]:
    """Yield what is named and is not there, or is not what it is said to be."""
    for section in PAPER:
        yield from _of_stands_for(section, config[section])
    for name, attack in config["attacks"].items():
        key = f"attacks.{name}"
        network = attack.get("crafted_on")
        if network is not None and network not in config["defenses"]:
            known = hint(network, config["defenses"])
            yield f"{key}.crafted_on: unknown defense {network!r}{known}"
        if network is not None and attack["method"] in ("none", "ceiling"):
            yield f"{key}.crafted_on: method {attack['method']} makes no images"
        if "guide" in attack:
            yield from _of_guide(f"{key}.guide", attack["guide"], config)


def _of_stands_for(section: str, blocks: Config) -> Iterator[str]:
    """Yield entries that stand for one of the paper's and are another, or are several."""
    taken: dict[str, str] = {}
    for name, block in blocks.items():
        standing = block.get("stands_for")
        if standing is None:
            continue
        if standing in taken:
            yield f"{section}.{name}.stands_for: {taken[standing]} stands for {standing} already"
        taken[standing] = name
        for key, wanted in PAPER[section].get(standing, {}).items():
            allowed = wanted if isinstance(wanted, tuple) else (wanted,)
            if block.get(key) not in allowed:
                yield (
                    f"{section}.{name}.stands_for: {standing} has {key} "
                    f"{' or '.join(map(str, allowed))}, and this one {block.get(key)}; "
                    "set stands_for: null, or another name"
                )


def _of_guide(key: str, guide: Config, config: Config) -> Iterator[str]:
    """Yield why an attack cannot be guided by a recommender."""
    name, recommenders = guide["recommender"], config["recommenders"]
    evaluated, seeds = config["grid"]["recommenders"] or recommenders, config["recommender_seeds"]
    if name not in recommenders:
        yield f"{key}.recommender: unknown recommender {name!r}{hint(name, recommenders)}"
    elif not sees_images(recommenders[name]["method"]):
        yield f"{key}.recommender: {name!r} sees no images, so none can please it"
    elif guide["seed"] == "surrogate" and recommenders[name]["starts_from"] is not None:
        yield (
            f"{key}.recommender: {name!r} starts from another recommender; name one that starts "
            "from nothing, or set seed: white_box"
        )
    elif guide["seed"] == "white_box" and guide["users"] != 1:
        yield f"{key}.users: a white_box guide is the victim itself, trained on all users"
    elif guide["seed"] == "white_box" and name not in evaluated:
        yield (
            f"{key}.recommender: a white_box guide is the victim itself, and {name!r} is not "
            "among grid.recommenders; name one of them, or set seed: surrogate"
        )
    elif guide["seed"] == "white_box" and seeds > 1:
        yield (
            f"{key}.seed: a white_box guide is one training, and recommender_seeds: {seeds} makes "
            "several victims on the same images; set recommender_seeds: 1, or seed: surrogate"
        )


def hint(name: object, known: Any) -> str:
    """Return what was probably meant by a name that is not ``known``, or what there is."""
    return meant(name, known) or f"; known: {', '.join(map(str, known))[:400]}"


def meant(name: object, known: Iterable[object], cutoff: float = 0.6) -> str:
    """Return what was probably meant by a name that is not ``known``; nothing where none is near.

    cutoff : how alike two names must be, from 0 to 1
    """
    close = get_close_matches(str(name), map(str, known), n=1, cutoff=cutoff)
    return f"; did you mean {close[0]!r}?" if close else ""
