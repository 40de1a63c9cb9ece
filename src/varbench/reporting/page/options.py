"""What the configuration says about a page: names, their order and labels, K, the protocol."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from varbench.errors import InputError
from varbench.reporting.labels import NAMES, THREATS, attack_labels

CONTROLS = ("noise", "ceiling")
AXES = {
    "threat": "threats",
    "dataset": "datasets",
    "defense": "defenses",
    "attack": "attacks",
    "recommender": "recommenders",
}


@dataclass(frozen=True)
class Options:
    """The configuration's part of a page.

    Attributes
    ----------
    title, protocol, undefended, clean
        Of the page; the protocol's description; the defense and the attack that are none.
    axes
        Names along each axis (threats, datasets, defenses, attacks, recommenders), in order.
    runs, k, confidence
        Repetitions, length of the lists, and what intervals hold.
    attacks
        The blocks of the attacks.
    datasets
        Of each: catalogue, source_category, target_category, stands_for (or None).
    classes
        Names of the networks' classes, by index.
    network_run, attack_run
        The run that is shown: for each defense, and for each defense and attack ("0" or "shared");
        an attack that makes no images, or none on that network, has none.
    labels
        Display names that replace the usual ones.
    configuration
        As run, complete; it is shown and may be saved.
    """

    title: str
    axes: Mapping[str, list[str]]
    runs: int
    k: int
    confidence: float
    clean: str
    undefended: str
    attacks: Mapping[str, Mapping[str, Any]]
    datasets: Mapping[str, Mapping[str, Any]]
    network_run: Mapping[str, str]
    attack_run: Mapping[str, Mapping[str, str]]
    protocol: str = "corrected"
    classes: list[str] = field(default_factory=list)
    labels: Mapping[str, str] = field(default_factory=dict)
    configuration: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, block: Mapping[str, Any]) -> "Options":
        """Return the options that a JSON object holds; InputError names what is missing."""
        try:
            options = cls(**block)
        except TypeError as error:
            raise InputError(f"--options: {str(error).partition('() ')[2]}") from None
        missing = [axis for axis in AXES.values() if not options.axes.get(axis)]
        if missing:
            raise InputError(f"--options: axes has no {', '.join(missing)}")
        return options

    @property
    def attacked(self) -> list[str]:
        """Return the attacks that change something."""
        return [name for name in self.axes["attacks"] if name != self.clean]

    @property
    def controls(self) -> list[str]:
        """Return the attacks that are none: what chance does, and what target items would."""
        return [name for name in self.attacked if self.attacks[name]["method"] in CONTROLS]

    def pictured(self, defense: str) -> list[str]:
        """Return the attacks that have images of their own on a defense's network."""
        return [name for name in self.attacked if name in self.attack_run[defense]]

    def names(self, axis: str) -> dict[str, str]:
        """Return the label of each name along an axis, in order."""
        known = {
            **NAMES,
            **(THREATS if axis == "threat" else {}),
            **attack_labels(self.attacks),
            **self.labels,
        }
        return {name: known.get(name, name) for name in self.axes[AXES[axis]]}
