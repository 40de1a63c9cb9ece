"""What the page and the figures are told of the configuration."""

from collections.abc import Mapping
from typing import Any

from varbench.axes import ROW
from varbench.experiment.grid import Grid
from varbench.experiment.protocol import describe
from varbench.experiment.settings import Settings

TITLE = "Adversarial product images against visual recommenders"


def page_options(grid: Grid, settings: Settings) -> dict[str, Any]:
    """Return the fields of ``reporting.page.options.Options``, but for the configuration."""
    config, first = grid.config, grid.names["run"][0]
    metrics, defenses = config["metrics"], grid.names["defense"]
    return {
        "title": TITLE,
        "axes": {f"{axis}s": list(grid.names[axis]) for axis in ROW},
        "runs": config["runs"],
        "k": metrics["k"],
        "confidence": metrics["confidence"],
        "clean": grid.clean,
        # A grid without it is shown beside its first network.
        "undefended": next(d for d in (config["undefended"], *defenses) if d in defenses),
        "attacks": {name: config["attacks"][name] for name in grid.names["attack"]},
        "datasets": {name: _dataset(name, grid, settings) for name in grid.names["dataset"]},
        "network_run": {
            defense: grid.network({"defense": defense, "run": first})["run"]
            for defense in grid.names["defense"]
        },
        "attack_run": {
            defense: _runs_of_attacks(defense, first, grid) for defense in grid.names["defense"]
        },
        "protocol": describe(config["protocol"]),
        "classes": settings.classes,
        "labels": config["tables"]["labels"],
    }


def shown(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration as the page shows it: without what no result depends on."""
    return {key: value for key, value in config.items() if key not in ("device", "threads")}


def _dataset(name: str, grid: Grid, settings: Settings) -> dict[str, Any]:
    block = grid.config["datasets"][name]
    categories = settings.categories({"dataset": name})
    return {
        "catalogue": block["catalogue"],
        "source_category": categories["source"],
        "target_category": categories["target"],
        "stands_for": block["stands_for"],
    }


def _runs_of_attacks(defense: str, run: str, grid: Grid) -> dict[str, str]:
    """Return the run that is shown of each attack whose images were made on this network."""
    dataset = grid.names["dataset"][0]
    found = {}
    for attack in grid.image_attacks:
        names = {"dataset": dataset, "defense": defense, "attack": attack, "run": run}
        if grid.crafted_on(names) == defense:
            found[attack] = grid.attack(names)["run"]
    return found
