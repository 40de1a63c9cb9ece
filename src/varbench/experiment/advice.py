"""What in a configuration is allowed and probably not meant."""

from collections.abc import Iterator
from typing import Any

from varbench.experiment import units

Config = dict[str, Any]

# torchvision's weights of these were trained on images normalised by 0.5 and 0.5, which its own
# models undo inside; the networks here are built without that.
_HALVES = ("googlenet", "inception_v3")


def warnings(config: Config) -> Iterator[str]:
    """Yield a line for each thing in a completed configuration that deserves a second look."""
    yield from units.warnings(config)
    extractor = config["extractor"]
    pretrained = [n for n, d in config["defenses"].items() if d["method"] == "pretrained"]
    halves = [*extractor["mean"], *extractor["std"]] == [0.5] * 6
    if extractor["architecture"] in _HALVES and pretrained and not halves:
        yield (
            f"extractor.mean: torchvision's weights of {extractor['architecture']} are for images "
            "normalised by mean [0.5, 0.5, 0.5] and std [0.5, 0.5, 0.5]"
        )
