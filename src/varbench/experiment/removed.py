"""What an overlay removes is forgotten by the sections that the grid does not use."""

import re
from collections.abc import Mapping, Set
from typing import Any

Config = dict[str, Any]

# Which entry of which section an entry builds on.
_FOUNDATIONS = {
    "datasets": ("catalogue", "catalogues"),
    "defenses": ("starts_from", "defenses"),
    "recommenders": ("starts_from", "recommenders"),
}


def forget(config: Config, removed: Mapping[str, Set[str]]) -> None:
    """Take ``removed`` names out of what is not used, in place; elsewhere they stay, to be named.

    Parameters
    ----------
    config
        Checked against the schema and completed.
    removed
        For each section the names that a ``null`` removed.

    An axis of the ablation that keeps no name takes all of the grid, as one that never had any; an
    entry outside of the grid that builds on a removed one goes too; and the catalogue of
    ``training_images`` is none where nothing is trained.
    """
    for axis, names in config["ablation"].items():
        if names and axis in removed:
            config["ablation"][axis] = [n for n in names if n not in removed[axis]] or None
    for section, (key, foundation) in _FOUNDATIONS.items():
        kept = used(config, section)
        for name, block in list(config[section].items()):
            if name not in kept and block.get(key) in removed.get(foundation, ()):
                del config[section][name]
    images = config["training_images"]
    if images["catalogue"] in removed.get("catalogues", ()) and not trained(config):
        images["catalogue"] = None


def explain(problem: str, removed: Mapping[str, Set[str]]) -> str:
    """Return a message about an unknown name; where a null removed that, it says so."""
    name = re.search(r"unknown (?:\w+ )?'([^']+)'", problem)
    if name is None or not any(name[1] in names for names in removed.values()):
        return problem
    return f"{problem[: name.end()]}, which a null removes; name another one, or keep it"


def used(config: Config, section: str) -> set[str]:
    """Return the entries of an axis that the grid or the ablation needs."""
    names = {*(config["grid"][section] or config[section]), *(config["ablation"][section] or ())}
    if section == "defenses":
        names.add(config["undefended"])
    blocks = config[section]
    starts = {blocks[name].get("starts_from") for name in names if name in blocks}
    return names | {start for start in starts if start is not None}


def trained(config: Config) -> list[str]:
    """Return the defenses in use whose networks are trained here."""
    names = used(config, "defenses")
    blocks = config["defenses"].items()
    return [name for name, block in blocks if name in names and block["method"] != "pretrained"]
