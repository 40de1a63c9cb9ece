"""Names as a reader sees them, for the names that configuration and tables use."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from varbench.errors import InputError

NAMES = {
    "none": "No-Attack",
    "cw": "C&W",
    "bpr_mf": "BPR-MF",
    "vbpr": "VBPR",
    "amr": "AMR",
    "popularity": "Popularity",
    "random": "Random",
}
# What the paper's names of networks mean; all tables and pictures have the short ones.
DEFENSES = {
    "T": "trained as usual",
    "AT": "adversarial training",
    "FAT": "free adversarial training",
}
THREATS = {
    "poisoning": "Poisoning",
    "evasion": "Evasion",
    "cold_start": "Cold start",
}
METHODS = {
    "none": "No-Attack",
    "fgsm": "FGSM",
    "pgd": "PGD",
    "mi_fgsm": "MI-FGSM",
    "apgd": "APGD",
    "ddn": "DDN",
    "expa": "EXPA",
    "carlini_wagner": "C&W",
    "insa": "INSA",
    "wb_sign": "WB-SIGN",
    "noise": "Noise",
    "ceiling": "Ceiling",
}


def attack_labels(attacks: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return labels such as ``FGSM (ε = 4)`` for attacks given as configuration blocks.

    Where two attacks differ in other parameters only, their names tell them apart.
    """
    labels = {}
    for name, parameters in attacks.items():
        label = METHODS.get(parameters["method"], parameters["method"])
        epsilon = parameters.get("epsilon")
        labels[name] = label if epsilon is None else f"{label} (ε = {epsilon:g})"
    count = Counter(labels.values())
    return {
        name: label if count[label] == 1 else f"{label}, {name}" for name, label in labels.items()
    }


def networks(names: Iterable[str], labels: Mapping[str, str]) -> str:
    """Say what the paper's names of networks mean, for those of ``names`` that are shown as such.

    Empty, or sentences without a space around them.
    """
    short = [name for name in dict.fromkeys(names) if name in DEFENSES and name not in labels]
    return " ".join(f"{name}: {DEFENSES[name]}." for name in short)


def display(
    names: Iterable[str], labels: Mapping[str, str] | None, defaults: Mapping[str, str] = NAMES
) -> dict[str, str]:
    """Return each name's label, from ``labels``, else from ``defaults``, else the name itself.

    Raises InputError where two of the names would read the same.
    """
    known = {**defaults, **(labels or {})}
    shown = {name: known.get(name, name) for name in names}
    for label, times in Counter(shown.values()).items():
        if times > 1:
            same = ", ".join(name for name in shown if shown[name] == label)
            raise InputError(
                f"tables.labels: {same} are all shown as {label!r}; rename all but one"
            )
    return shown
