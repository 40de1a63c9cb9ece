"""Radii and steps in 255ths, a normalisation in [0, 1]: what is probably in another unit."""

from collections.abc import Iterator
from typing import Any

Config = dict[str, Any]

SMALLEST = 0.5  # of 255: stored pixels are whole numbers, and less is rounded away
SUSPICIOUS = 1.0


def errors(config: Config) -> Iterator[str]:
    """Yield the radii below half of a pixel value, and steps below it that never reach the radius.

    Steps that small are no mistake where there are enough of them. A normalisation is of [0, 1].
    """
    for name in ("mean", "std"):
        values = config["extractor"][name]
        if max(values) > 1:
            fitting = ", ".join(f"{value / 255:.3g}" for value in values)
            yield (
                f"extractor.{name}: {values} is in 255ths, and here it is of pixels from 0 to 1; "
                f"write [{fitting}]"
            )
    for key, block in _blocks(config):
        epsilon, step = block.get("epsilon"), block.get("step_size")
        if epsilon is not None and epsilon < SMALLEST:
            yield (
                f"{key}.epsilon: {epsilon:g} of 255 changes no pixel by a whole value; it is in "
                f"255ths{_meant(epsilon)}"
            )
        if step is not None and step < SMALLEST and not _far_enough(block):
            yield (
                f"{key}.step_size: {block.get('steps', 1)} steps of {step:g} of 255 do not come as "
                f"far as epsilon, {epsilon:g}; it is in 255ths{_meant(step)}"
            )


def warnings(config: Config) -> Iterator[str]:
    """Yield the radii and steps that are allowed and look like another unit."""
    for key, block in _blocks(config):
        epsilon, step = block.get("epsilon"), block.get("step_size")
        if epsilon is not None and SMALLEST <= epsilon <= SUSPICIOUS:
            yield (
                f"{key}.epsilon: {epsilon:g} changes each pixel value by one at the most; it is in "
                f"255ths{_meant(epsilon)}"
            )
        if step is not None and step < SMALLEST and _far_enough(block):
            yield f"{key}.step_size: {step:g} is in 255ths{_meant(step)}"


def _far_enough(block: Config) -> bool:
    return bool(block["step_size"] * block.get("steps", 1) >= block.get("epsilon", SMALLEST))


def _meant(value: float) -> str:
    """Return what a share of the range from 0 to 1 is in 255ths."""
    whole = round(255 * value)
    return f": for {value:g} of the range from 0 to 1 write {whole}" if whole else ""


def _blocks(config: Config) -> Iterator[tuple[str, Config]]:
    """Yield the attacks and defenses; a recommender's epsilon is of features."""
    for section in ("attacks", "defenses"):
        for name, block in config[section].items():
            yield f"{section}.{name}", block
