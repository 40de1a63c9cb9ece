"""Which function implements which method name of the configuration.

A new method is one file and one line here. Values are ``module:function`` strings that are
imported when used, so that a job loads (and depends on the source of) its own method only: the
workflow leaves this file out of a job's inputs for that reason.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from varbench.errors import InputError

METHODS: dict[str, dict[str, str]] = {
    "catalogue": {
        "generated": "varbench.catalogues.generated:load",
        "folder": "varbench.catalogues.folder:load",
        "amazon_authors": "varbench.catalogues.amazon_authors:load",
        "amazon_partitioned": "varbench.catalogues.amazon_partitioned:load",
    },
    "defense": {
        "pretrained": "varbench.extractors.pretrained:load",
        "standard": "varbench.extractors.standard:train",
        "adversarial": "varbench.extractors.adversarial:train",
        "free": "varbench.extractors.free:train",
    },
    "attack": {
        "none": "",  # the clean baseline: a catalogue as it is, nothing runs
        "noise": "varbench.attacks.noise:noise",
        "fgsm": "varbench.attacks.fgsm:fgsm",
        "pgd": "varbench.attacks.pgd:pgd",
        "mi_fgsm": "varbench.attacks.mi_fgsm:mi_fgsm",
        "apgd": "varbench.attacks.apgd:apgd",
        "ddn": "varbench.attacks.ddn:ddn",
        "expa": "varbench.attacks.expa:expa",
        "carlini_wagner": "varbench.attacks.carlini_wagner:carlini_wagner",
        "insa": "varbench.attacks.insa:insa",
        "wb_sign": "varbench.attacks.wb_sign:wb_sign",
        "ceiling": "",  # no image attack: the attacked items borrow other items' features
    },
    "recommender": {
        "bpr_mf": "varbench.recommenders.bpr_mf:train",
        "vbpr": "varbench.recommenders.vbpr:train",
        "amr": "varbench.recommenders.amr:train",
    },
}

# Recommenders that see no image: an attack on images changes nothing that they learn or rank by.
BLIND = frozenset({"bpr_mf"})

# Attacks that draw nothing at random, and the value of a parameter with which others do not.
DETERMINISTIC_ATTACKS = frozenset(
    {"none", "fgsm", "mi_fgsm", "apgd", "ddn", "carlini_wagner", "insa", "wb_sign", "ceiling"}
)
_DETERMINISTIC_WITH = {"pgd": ("random_start", False), "expa": ("form", "dvbpr")}


def draws(block: Mapping[str, Any]) -> bool:
    """Say whether an attack's block, completed with its defaults, draws anything at random.

    One that is not known to be deterministic is taken to draw, and so is repeated in every run.
    """
    method = block["method"]
    if method in _DETERMINISTIC_WITH:
        parameter, value = _DETERMINISTIC_WITH[method]
        return bool(block.get(parameter) != value)
    return method not in DETERMINISTIC_ATTACKS


def makes_images(method: str) -> bool:
    """Say whether an attack method changes images."""
    return bool(METHODS["attack"][method])


def sees_images(method: str) -> bool:
    """Say whether a recommender method learns from images."""
    return method not in BLIND


def module_of(kind: str, method: str) -> str:
    """Return the dotted module that implements ``method``, without importing it."""
    methods = METHODS[kind]
    if method not in methods:
        raise InputError(f"unknown {kind} method {method!r}; known: {', '.join(sorted(methods))}")
    return methods[method].partition(":")[0]


def resolve(kind: str, method: str) -> Callable[..., Any]:
    """Import and return the function that implements ``method``."""
    module = import_module(module_of(kind, method))
    function: Callable[..., Any] = getattr(module, METHODS[kind][method].partition(":")[2])
    return function
