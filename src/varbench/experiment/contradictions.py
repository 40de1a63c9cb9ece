"""What a configuration says against itself, in ways that its schema cannot know."""

from collections.abc import Iterator
from typing import Any

from varbench.experiment.protocol import protocols
from varbench.experiment.references import hint, of_references
from varbench.experiment.removed import trained as used_and_trained
from varbench.experiment.tuning import of_tuning

Config = dict[str, Any]


def contradictions(config: Config) -> Iterator[str]:
    """Yield what the schema cannot say: references between blocks."""
    for name, dataset in config["datasets"].items():
        key = f"datasets.{name}"
        if dataset["catalogue"] not in config["catalogues"]:
            yield (
                f"{key}.catalogue: unknown catalogue {dataset['catalogue']!r}"
                f"{hint(dataset['catalogue'], config['catalogues'])}"
            )
    if config["undefended"] not in config["defenses"]:
        yield (
            f"undefended: unknown defense {config['undefended']!r}"
            f"{hint(config['undefended'], config['defenses'])}"
        )
    for section in ("defenses", "recommenders"):
        for name, block in config[section].items():
            start = block.get("starts_from")
            if start is None:
                continue
            if start not in config[section]:
                known = hint(start, config[section])
                yield f"{section}.{name}.starts_from: unknown {start!r}{known}"
            elif start == name or config[section][start].get("starts_from") is not None:
                yield f"{section}.{name}.starts_from: {start!r} must itself start from nothing"
            elif section == "recommenders":
                yield from _unlike(name, block, start, config[section][start])
    for section in ("grid", "ablation"):
        for axis, names in config[section].items():
            defined = config[axis] if axis in config else protocols()
            for name in names or ():
                if name not in defined:
                    yield f"{section}.{axis}: unknown {name!r}{hint(name, defined)}"
    yield from of_references(config)
    yield from _of_training(config)
    yield from of_tuning(config)
    clean = [name for name, attack in config["attacks"].items() if attack["method"] == "none"]
    if len(clean) != 1:
        yield "attacks: exactly one attack of method 'none' is needed, the clean baseline"
    elif clean[0] not in (config["grid"]["attacks"] or clean):
        yield f"grid.attacks: lacks {clean[0]!r}, the clean baseline"
    else:
        for section in ("grid", "ablation"):
            if not {*(config[section]["attacks"] or config["attacks"])} - {*clean}:
                yield f"{section}.attacks: names no attack beside {clean[0]!r}; add one"
    for axis, name in config["metrics"]["last_listed"].items():
        if name is not None and name not in config[f"{axis}s"]:
            known = hint(name, config[f"{axis}s"])
            yield f"metrics.last_listed.{axis}: unknown {axis} {name!r}{known}"
    k, length = config["metrics"]["k"], config["metrics"]["list_length"]
    if k > length:
        yield f"metrics.k: {k} is longer than the stored lists (metrics.list_length: {length})"


def _unlike(name: str, block: Config, start: str, other: Config) -> Iterator[str]:
    """Yield why a recommender cannot start from another one."""
    if other["method"] == "bpr_mf" != block["method"]:
        yield f"recommenders.{name}.starts_from: {start!r} learns nothing from images to start from"
    for key in ("factors", "item_bias"):
        own, others = block.get(key), other.get(key)
        if own != others:
            yield f"recommenders.{name}.{key}: {own}, and {start!r}, where it starts, has {others}"


def _of_training(config: Config) -> Iterator[str]:
    """Yield what contradicts the training of extractors."""
    trained = {name: config["defenses"][name] for name in used_and_trained(config)}
    images = config["training_images"]
    catalogue = images["catalogue"]
    if images["folder"] is not None and catalogue is not None:
        yield "training_images: give a folder or a catalogue, not both"
    if catalogue is not None and catalogue not in config["catalogues"]:
        yield (
            f"training_images.catalogue: unknown catalogue {catalogue!r}"
            f"{hint(catalogue, config['catalogues'])}"
        )
    if catalogue is not None and config["undefended"] in trained:
        yield (
            f"training_images.catalogue: its labels are the predictions of "
            f"{config['undefended']!r}, which must be pretrained then"
        )
    size = config["extractor"]["image_size"]
    if images["image_size"] is not None and images["folder"] is None:
        yield "training_images.image_size: is for a folder's images; others have the extractor's"
    if size == "native" and images["image_size"] is None and trained:
        where = "extractor" if images["folder"] is None else "training_images"
        yield (
            "extractor.image_size: native is for pretrained extractors, and "
            f"defenses.{next(iter(trained))} is trained; give a number as {where}.image_size"
        )
    for name, defense in trained.items():
        if defense["batch_size"] % defense["processes"]:
            yield (
                f"defenses.{name}.batch_size: {defense['batch_size']} images are not shared "
                f"equally by {defense['processes']} processes"
            )
