"""Where the paper's released code differs from its text, as switches of the configuration.

A switch is a parameter of the blocks that it concerns, so the workflow treats it like any other:
it reaches no other stage. D1 to D18 number the differences as docs/protocol.md does; of D16 nothing
can be computed.
"""

from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

Config = dict[str, Any]

CORRECTED, AS_PUBLISHED = "corrected", "as_published"


@dataclass(frozen=True)
class Switch:
    """One difference.

    Attributes
    ----------
    section
        Of the configuration, whose blocks it is a parameter of.
    parameter, published
        The parameter's name, and its value in the released code. Without the switch it keeps what
        the block says, whose default is the corrected value.
    methods
        That have the parameter; empty for a section whose blocks have no method.
    """

    section: str
    parameter: str
    published: Any
    methods: tuple[str, ...] = ()


_LINF = ("fgsm", "pgd")
_BPR = ("vbpr", "amr")
SWITCHES = {
    "D1_epsilon_space": Switch("attacks", "epsilon_space", "normalised", _LINF),
    "D2_saving": Switch("attacks", "saving", "truncate", (*_LINF, "carlini_wagner")),
    "D3_clipping": Switch("attacks", "clip", False, _LINF),
    "D4_rest_features": Switch("recommenders", "rest_features", "undefended", _BPR),
    "D5_attacked_items": Switch("metrics", "source_share", False),
    "D6_counted_items": Switch("metrics", "counted", "seen"),
    "D7_divisor": Switch("metrics", "category_share", False),
    "D8_regulariser": Switch("recommenders", "regulariser", "linear", _BPR),
    "D9_feature_scale": Switch("recommenders", "feature_scale", "attacked", _BPR),
    "D10_amr_start": Switch("recommenders", "starts_from", None, ("amr",)),
    "D11_user_factors": Switch("recommenders", "user_factors", "shared", _BPR),
    "D12_split": Switch("catalogues", "split", "single_pass"),
    "D13_success_rate": Switch("metrics", "success_rate_not_target", False),
    "D14_cw_variable": Switch("attacks", "variable", "normalised", ("carlini_wagner",)),
    "D15_baseline": Switch("metrics", "baseline", "last_listed"),
    "D17_amr_optimiser": Switch("recommenders", "optimiser", "restarted", ("amr",)),
    "D18_storage": Switch("attacks", "storage", "float", ("carlini_wagner",)),
}


def published_switches(protocol: Mapping[str, str | None]) -> frozenset[str]:
    """Return the switches that a ``protocol`` block sets as published."""
    preset = protocol["preset"]
    return frozenset(name for name in SWITCHES if (protocol[name] or preset) == AS_PUBLISHED)


def describe(protocol: Mapping[str, str | None]) -> str:
    """Return a protocol's name: its preset, and the switches that differ from it."""
    preset = protocol["preset"]
    others = [n for n in SWITCHES if protocol[n] not in (None, preset)]
    return ", ".join([str(preset), *(f"{name} {protocol[name]}" for name in others)])


def apply(config: Config) -> None:
    """Set the blocks' parameters as ``config["protocol"]`` says, in place."""
    published = published_switches(config["protocol"])
    for section in ("catalogues", "attacks", "recommenders"):
        for block in config[section].values():
            _set(block, section, published)
    _set(config["metrics"], "metrics", published)


def last_listed(metrics: Config, names: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return defense and recommender of the clean cell that the released test takes (D15).

    There a listing's last file decides, and nothing orders it: here the configuration says which,
    or else it is the last defense and the last recommender in the order of tables.
    """
    given: dict[str, str | None] = metrics["last_listed"]
    return {axis: name or names[axis][-1] for axis, name in given.items()}


@dataclass(frozen=True)
class Variant:
    """The names that one protocol's cells have in an ablation.

    Attributes
    ----------
    dataset, attack, recommender
        The variant's name for each name of the grid.
    metrics
        The section of that name.
    """

    dataset: dict[str, str]
    attack: dict[str, str]
    recommender: dict[str, str]
    metrics: Config


def protocols() -> dict[str, frozenset[str]]:
    """Return the protocols of an ablation and the switches that each sets as published.

    Both presets, and the published one with one switch corrected at a time.
    """
    everything = frozenset(SWITCHES)
    single = {f"{AS_PUBLISHED}, {name} corrected": everything - {name} for name in SWITCHES}
    return {CORRECTED: frozenset(), AS_PUBLISHED: everything, **single}


def variants(
    config: Config,
    plain: Config,
    grid: Mapping[str, Collection[str]],
    chosen: Collection[str] | None = None,
) -> dict[str, Variant]:
    """Add the blocks that an ablation needs to ``config``, in place, and return their names.

    A block whose parameters are those of the experiment keeps its name, so its results are shared;
    another is named after its published switches, such as ``pgd_8+D1+D2``.

    Parameters
    ----------
    config
        The experiment, its protocol applied.
    plain
        The same without it: every switch corrected.
    grid
        The names of the ablation's datasets, attacks and recommenders.
    chosen
        Of ``protocols``; None for all.
    """
    return {
        name: _variant(config, plain, grid, published)
        for name, published in protocols().items()
        if chosen is None or name in chosen
    }


def _variant(
    config: Config, plain: Config, grid: Mapping[str, Collection[str]], published: frozenset[str]
) -> Variant:
    def named(section: str, name: str) -> str:
        block = deepcopy(plain[section][name])
        concerned = _set(block, section, published)
        start = block.get("starts_from") if section == "recommenders" else None
        if start:
            block["starts_from"] = named(section, start)
        return _add(config[section], name, concerned, block)

    def dataset(name: str) -> str:
        block = dict(plain["datasets"][name])
        block["catalogue"] = catalogue = named("catalogues", block["catalogue"])
        suffix = catalogue.removeprefix(plain["datasets"][name]["catalogue"])
        return _add(config["datasets"], name, suffix, block)

    metrics = dict(plain["metrics"])
    _set(metrics, "metrics", published)
    return Variant(
        dataset={name: dataset(name) for name in grid["datasets"]},
        attack={name: named("attacks", name) for name in grid["attacks"]},
        recommender={name: named("recommenders", name) for name in grid["recommenders"]},
        metrics=metrics,
    )


def _add(blocks: Config, name: str, suffix: str, block: Config) -> str:
    """Add the block under its own name unless the experiment has the same; return its name."""
    if blocks[name] == block:
        return name
    blocks[name + (suffix or "+corrected")] = block
    return name + (suffix or "+corrected")


def _set(block: Config, section: str, published: Collection[str]) -> str:
    """Set the published switches that concern a block; return what names them, "+D1+D2"."""
    concerned = [
        name
        for name, switch in SWITCHES.items()
        if name in published
        and switch.section == section
        and (not switch.methods or block["method"] in switch.methods)
    ]
    for name in concerned:
        block[SWITCHES[name].parameter] = SWITCHES[name].published
    return "".join(f"+{name.partition('_')[0]}" for name in concerned)
