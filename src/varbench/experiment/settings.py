"""What the commands of a job are told of the configuration, by the names of its wildcards."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from varbench.axes import Names
from varbench.experiment.configuration import class_index, read_classes
from varbench.experiment.grid import Grid
from varbench.experiment.protocol import last_listed
from varbench.seeds import derive

Config = dict[str, Any]

SEEDS = 2**31  # of derived seeds: they stay readable in logs


class Settings:
    """Values of the configuration for the jobs of a grid.

    Raises InputError where class names cannot be read or a category is not among them.
    """

    def __init__(self, grid: Grid, base: Path) -> None:
        self._grid, self._config = grid, grid.config
        self.classes = read_classes(self._config, base)
        size = self._config["extractor"]["image_size"]
        self.side = None if size == "native" else size  # None: images keep their size
        self.batch_size: int = self._config["extractor"]["batch_size"]
        self.undefended: str = self._config["undefended"]

    # The same for all jobs.

    @property
    def network(self) -> Config:
        """What builds the extractor."""
        extractor = self._config["extractor"]
        return {k: extractor[k] for k in ("architecture", "mean", "std")} | {
            "classes": len(self.classes)
        }

    @property
    def cells_table(self) -> Config:
        """What the command that aggregates cells is told."""
        keys = ("k", "counted", "confidence", "correction", "equivalence_margin", "category_share")
        return {
            "grid": self._grid.as_options(),
            "measured": self._grid.measured_networks,
            "metrics": {key: self._config["metrics"][key] for key in keys},
            "baseline": self.baseline(),
        }

    @property
    def images_table(self) -> Config:
        """What the command that aggregates attacked images is told."""
        grid, keys = self._grid, ("source_share", "success_rate_not_target", "confidence")
        return {
            "images": [
                {**names, "crafted": grid.crafting(names), "clean": grid.clean_features(names)}
                for names in grid.images(grid.image_attacks)
            ],
            "examined": grid.examined(),
            "transfers": grid.transfers,
            "metrics": {key: self._config["metrics"][key] for key in keys},
        }

    @property
    def rendering(self) -> Config:
        """What every command is told that renders tables."""
        attacks = {name: self._config["attacks"][name] for name in self._grid.names["attack"]}
        return {"style": self._config["tables"], "attacks": attacks, "clean": self._grid.clean}

    def where_results_are(self, results: str) -> str:
        """Return what the terminal says at the end of a run."""
        places = {
            "report": f"{results}/report/index.html",
            "tables": f"{results}/tables",
            "figures": f"{results}/figures",
        }
        there = [f"{what} in {place}" for what, place in places.items() if Path(place).exists()]
        return ", ".join(there) or f"results in {results}"

    def baseline(self) -> Names | None:
        """Return whose clean cells changes are taken from; None for each cell's own (D15)."""
        metrics = self._config["metrics"]
        if metrics["baseline"] == "same_defense":
            return None
        return last_listed(metrics, self._grid.names)

    # What a command is told, by the option's name.

    def preparation(self, names: Names) -> Config:
        """Return what makes a catalogue."""
        block = self._config["catalogues"][names["catalogue"]]
        seed = self._config["seed"]
        return {**block, "name": names["catalogue"], "image_size": self.side, "seed": seed}

    def selection(self, names: Names) -> Config:
        """Return what chooses the items of a dataset that are attacked."""
        block = self._config["datasets"][names["dataset"]]
        return {
            "dataset": names["dataset"],
            "source_class": self.source_class(names),
            "target_class": self.target_class(names),
            "categories": self.categories(names),
            "budget": dict(block["attacked"]),
            "seed": self._config["seed"],
        }

    def network_training(self, names: Names) -> Config:
        """Return what trains a network."""
        defense = self._config["defenses"][names["defense"]]
        images = self._config["training_images"]
        of_images = (
            {"validation": images["validation"]}
            if images["folder"] is None
            else {"training_size": images["image_size"] or self.side}
        )
        return {
            "network": self.network,
            "defense": _without(defense, "starts_from", "stands_for"),
            "seed": self._seed_of_run(names),
            "image_size": self.side,
            **of_images,
        }

    def network_loading(self, names: Names) -> Config:
        """Return what loads a network; the key of its weights in their file, if that is given."""
        key = self._config["defenses"][names["defense"]].get("weights_key")
        return {"network": self.network, "image_size": self.side, "weights_key": key}

    def network_measuring(self, names: Names) -> Config:
        """Return what measures a network: with the radii of the grid's attacks, in 255ths."""
        blocks = [self._config["attacks"][name] for name in self._grid.attacks]
        return {
            "network": self.network,
            "epsilons": sorted({block["epsilon"] for block in blocks if "epsilon" in block}),
            "steps": 20,
            "validation": self._config["training_images"]["validation"],
            "defended": names["defense"] != self.undefended,
            "batch_size": self.batch_size,
            "seed": self._seed_of_run(names),
        }

    def crafting(self, names: Names) -> Config:
        """Return what makes attacked images; ``k`` only where an attack knows a recommender."""
        attack = self._config["attacks"][names["attack"]]
        return {
            "network": self.network,
            "attack": _without(attack, "crafted_on", "guide", "stands_for"),
            "target_class": self.target_class(names),
            "k": self._config["metrics"]["k"] if self._grid.guide(names) else None,
            "batch_size": self.batch_size,
            "seed": self._seed_of_run(names),
        }

    def examining(self, names: Names) -> Config:
        """Return what looks at an attack for signs of failure."""
        images = self._config["metrics"]["examined_images"]
        return {**self.crafting(names), **self._aim(names), "images": images}

    def reading(self, names: Names) -> Config:
        """Return what reads attacked images back."""
        source_class = self.source_class(names)
        of_network = {"network": self.network, "batch_size": self.batch_size}
        return {**of_network, "source_class": source_class, **self._aim(names)}

    def _aim(self, names: Names) -> Config:
        """Return an attack's class, and whether its success is that the network sees this class."""
        aims_at_class = self._grid.guide(names) is None
        return {"target_class": self.target_class(names), "aims_at_class": aims_at_class}

    def training(self, names: Names) -> Config:
        """Return what trains the recommenders of a cell, all runs and seeds."""
        repeats = self._grid.repeats
        return {
            "recommender": self._recommender(names["recommender"]),
            "leave_out_attacked": self._grid.leaves_out_attacked(names),
            "seeds": [self._training_seed(repeat["run"], repeat["seed"]) for repeat in repeats],
        }

    def guide_training(self, names: Names) -> Config:
        """Return what trains the recommender that an attack knows: its seed is no victim's."""
        return {
            "recommender": self._recommender(names["recommender"]),
            "share_of_users": float(names["users"]),
            "seeds": [self._training_seed(names["run"], "guide")],
        }

    def ranking(self, names: Names) -> Config:
        """Return what ranks for the users of a cell."""
        return {
            "length": self._config["metrics"]["list_length"],
            "k": self._config["metrics"]["k"],
            "source_class": self.source_class(names),
            "leave_out_attacked": self._grid.leaves_out_attacked(names),
        }

    def tuning(self, names: Names) -> Config:
        """Return what tries other parameters of a recommender, and of the one it starts from."""
        start = self._config["recommenders"][names["recommender"]]["starts_from"]
        return {
            "recommender": self._recommender(names["recommender"]),
            "start": self._recommender(start) if start else None,
            "values": self._config["tuning"]["values"],
            "k": self._config["metrics"]["k"],
            "seed": self._config["seed"],
        }

    # Single values of a job.

    def name(self, axis: str) -> Callable[[Names], str]:
        """Return what reads a wildcard."""
        return lambda names: names[axis]

    def source_class(self, names: Names) -> int:
        """Return the index of a dataset's source category."""
        return self._category(names, "source")

    def target_class(self, names: Names) -> int:
        """Return the index of a dataset's target category."""
        return self._category(names, "target")

    def _category(self, names: Names, role: str) -> int:
        category = self._config["datasets"][names["dataset"]][f"{role}_category"]
        return class_index(category, self.classes)

    def categories(self, names: Names) -> dict[str, str]:
        """Return the names of a dataset's source and target category."""
        return {
            "source": self.classes[self.source_class(names)],
            "target": self.classes[self.target_class(names)],
        }

    def target_category(self, names: Names) -> str:
        """Return the name of a dataset's target category."""
        return self.categories(names)["target"]

    def _recommender(self, name: str) -> Config:
        """Return a recommender's method and parameters."""
        recommender = self._config["recommenders"][name]
        return _without(recommender, "starts_from", "rest_features", "stands_for")

    def of_target_item(self, names: Names) -> Names | None:
        """Return the names, for attacks that aim at an item."""
        return names if "target_item" in self._config["attacks"][names["attack"]] else None

    # Seeds: the first run has the experiment's own.

    def _seed_of_run(self, names: Names) -> int:
        """Return the seed of what is random about a network or an attack."""
        seed: int = self._config["seed"]
        if names["run"] in ("shared", "0"):
            return seed
        return derive("run", seed, int(names["run"])) % SEEDS

    def _training_seed(self, run: str, seed: str) -> int:
        return derive("recommender", self._config["seed"], run, seed) % SEEDS

    # What a name stands for in the paper.

    def stands_for(self, axis: str) -> dict[str, str]:
        """Return the paper's name of each name along an axis that has one."""
        blocks = self._config[f"{axis}s"]
        found = {name: blocks[name].get("stands_for") for name in self._grid.names[axis]}
        return {name: theirs for name, theirs in found.items() if theirs is not None}


def _without(block: Config, *keys: str) -> Config:
    return {key: value for key, value in block.items() if key not in keys}
