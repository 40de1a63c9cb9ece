"""The grid of an experiment: names along each axis, and what depends on what, by name.

Rules ask it for the names of what a job reads and fill them into their patterns of paths. It knows
no path. Job digests leave this file out, so an edit of it reruns nothing by itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from varbench import axes
from varbench.axes import COLD_START, SHARED, Names
from varbench.experiment.configuration import in_order
from varbench.registry import draws, makes_images, sees_images

Config = dict[str, Any]
CONTROLS = ("noise", "ceiling")  # methods that show what chance, or the best attack, would do
ABOUT = ("crafted_on", "stands_for")  # keys of an attack that are no parameters of its method


@dataclass(frozen=True)
class Grid:
    """The cells of an experiment and their dependencies.

    Attributes
    ----------
    config
        The checked configuration. Blocks that an ablation adds to it later are known here too.
    names
        For each axis of ``axes.CELL`` its names, in the order of tables; of the attacks the clean
        baseline comes first.
    clean
        The attack that changes nothing.
    """

    config: Config
    names: Mapping[str, tuple[str, ...]]
    clean: str

    @classmethod
    def of(cls, config: Config) -> "Grid":
        """Read the axes from a checked configuration."""
        chosen = {axis: in_order(config, f"{axis}s") for axis in axes.WITHIN_THREAT}
        clean = next(a for a in chosen["attack"] if config["attacks"][a]["method"] == "none")
        chosen["attack"] = [clean, *(a for a in chosen["attack"] if a != clean)]
        chosen["threat"] = config["threats"]
        chosen["run"] = [str(run) for run in range(config["runs"])]
        chosen["seed"] = [str(seed) for seed in range(config["recommender_seeds"])]
        return cls(config, {axis: tuple(chosen[axis]) for axis in axes.CELL}, clean)

    # What is there.

    @property
    def attacks(self) -> tuple[str, ...]:
        """The attacks, without the clean baseline."""
        return self.names["attack"][1:]

    @property
    def image_attacks(self) -> tuple[str, ...]:
        """The attacks that make images; a ceiling borrows features and makes none."""
        return tuple(name for name in self.attacks if self.makes_images(name))

    @property
    def catalogues(self) -> tuple[str, ...]:
        """The catalogues of the grid's datasets."""
        return tuple(sorted({self.catalogue({"dataset": d}) for d in self.names["dataset"]}))

    @property
    def repeats(self) -> list[dict[str, str]]:
        """Run and seed of every training of a cell."""
        return [
            {"run": run, "seed": seed}
            for run, seed in product(self.names["run"], self.names["seed"])
        ]

    def cells(self, **restricted: tuple[str, ...] | list[str]) -> Iterator[dict[str, str]]:
        """Yield the names of every cell, run and seed left out; each one that is computed once."""
        names = {**self.names, **restricted}
        seen = set()
        for values in product(*(names[axis] for axis in axes.ROW)):
            cell = axes.computed(dict(zip(axes.ROW, values, strict=True)), self.clean)
            if tuple(cell.values()) not in seen:
                seen.add(tuple(cell.values()))
                yield cell

    def images(self, attacks: tuple[str, ...] | None = None) -> Iterator[dict[str, str]]:
        """Yield the names of every attack's images, or features, as each network sees them."""
        chosen = self.attacks if attacks is None else attacks
        keys = ("dataset", "defense", "attack")
        for values in product(self.names["dataset"], self.names["defense"], chosen):
            names = dict(zip(keys, values, strict=True))
            yield from self.runs_of(names)

    def runs_of(self, names: Names) -> Iterator[dict[str, str]]:
        """Yield an attack's names once for each run in which its outcome is another."""
        runs = dict.fromkeys(self.attack({**names, "run": r})["run"] for r in self.names["run"])
        for run in runs:
            yield {**names, "run": run}

    def networks(self, *defenses: str) -> list[dict[str, str]]:
        """Return defense and run of every network of these defenses; of the grid's if none."""
        found = {
            tuple(self.network({"defense": defense, "run": run}).items()): None
            for defense in defenses or self.names["defense"]
            for run in self.names["run"]
        }
        return [dict(pairs) for pairs in found]

    def baseline_cells(self, baseline: Names | None) -> list[dict[str, str]]:
        """Return the clean cells that all others are compared with, if the same ones are (D15).

        baseline : their defense and recommender; None for each cell's own, which the grid has
        """
        if baseline is None:
            return []
        names = {axis: [name] for axis, name in baseline.items()}
        return list(self.cells(**names, attack=[self.clean]))

    def crafted(self) -> list[dict[str, str]]:
        """Return the names of every attack that makes images, on the network that it knew."""
        made = (self.crafting(names) for names in self.images(self.image_attacks))
        return [dict(pairs) for pairs in dict.fromkeys(tuple(names.items()) for names in made)]

    def examined(self) -> list[dict[str, str]]:
        """Return the names of the attacks that are looked at for signs of failure: the first runs.

        Each on the network that it knew.
        """
        if not self.config["metrics"]["examined_images"]:
            return []
        first: dict[tuple[str, ...], dict[str, str]] = {}
        for names in self.crafted():
            first.setdefault((names["dataset"], names["defense"], names["attack"]), names)
        return list(first.values())

    @property
    def transfers(self) -> dict[str, str]:
        """For each attack that is crafted on another network, the same one crafted on its own."""
        plain = {
            name: {key: value for key, value in block.items() if key not in ABOUT}
            for name, block in self.config["attacks"].items()
        }
        own = [name for name in self.image_attacks if not self._transferred(name)]
        return {
            name: other
            for name in self.image_attacks
            for other in own
            if self._transferred(name) and plain[name] == plain[other]
        }

    def _transferred(self, attack: str) -> bool:
        return self.config["attacks"][attack].get("crafted_on") is not None

    def features(self) -> Iterator[dict[str, str]]:
        """Yield catalogue, defense and run of what every network makes of every catalogue."""
        for catalogue, network in product(self.catalogues, self.networks()):
            yield {"catalogue": catalogue, **network}

    @property
    def catalogue_by_dataset(self) -> dict[str, str]:
        """The catalogue of every dataset."""
        return {name: self.catalogue({"dataset": name}) for name in self.names["dataset"]}

    @property
    def controls(self) -> list[str]:
        """The attacks that are none: they are rows of the tables, and never the most effective."""
        methods = {name: self.config["attacks"][name]["method"] for name in self.attacks}
        return [name for name, method in methods.items() if method in CONTROLS]

    @property
    def blind(self) -> list[str]:
        """The recommenders that see no image."""
        methods = {
            name: self.config["recommenders"][name]["method"] for name in self.names["recommender"]
        }
        return [name for name, method in methods.items() if not sees_images(method)]

    def as_options(self) -> dict[str, Any]:
        """Return what the commands that read many cells are told of the grid."""
        return {
            "names": dict(self.names),
            "clean": self.clean,
            "controls": self.controls,
            "blind": self.blind,
            "catalogues": self.catalogue_by_dataset,
        }

    # What a job of these names reads.

    def catalogue(self, names: Names) -> str:
        """Return the catalogue of a job, whichever of its names tells it."""
        if "catalogue" in names:
            return names["catalogue"]
        found: str = self.config["datasets"][names["dataset"]]["catalogue"]
        return found

    def pretrained(self, defense: str) -> bool:
        """Say whether a defense's network is loaded, so that all runs share it."""
        return bool(self.config["defenses"][defense]["method"] == "pretrained")

    def makes_images(self, attack: str) -> bool:
        """Say whether an attack changes images."""
        return makes_images(self.config["attacks"][attack]["method"])

    def network(self, names: Names) -> dict[str, str]:
        """Return defense and run of the network of a job."""
        defense = names["defense"]
        return {"defense": defense, "run": SHARED if self.pretrained(defense) else names["run"]}

    def start(self, names: Names) -> dict[str, str] | None:
        """Return the network that a training starts from, if any."""
        other = self.config["defenses"][names["defense"]].get("starts_from")
        return self.network({**names, "defense": other}) if other else None

    def undefended(self, names: Names) -> dict[str, str]:
        """Return the undefended network of the first run, with the job's catalogue.

        It decides which items are attacked: the same ones under every defense, in every run.
        """
        network = self.network({"defense": self.config["undefended"], "run": self.names["run"][0]})
        return {"catalogue": self.catalogue(names), **network}

    def undefended_network(self, names: Names) -> dict[str, str]:
        """Return the undefended network of the job's run."""
        return self.network({**names, "defense": self.config["undefended"]})

    @property
    def measured_networks(self) -> list[dict[str, str]]:
        """The networks whose accuracy is measured: all where there are images for it.

        Those are images that training kept out, and where all networks are loaded as large a share
        of the catalogue that ``training_images`` names; a folder's are in the training's log.
        """
        images = self.config["training_images"]
        trained = not all(map(self.pretrained, self.names["defense"]))
        given = trained or images["catalogue"] is not None
        return self.networks() if given and images["folder"] is None else []

    def clean_features(self, names: Names) -> dict[str, str]:
        """Return what a job's network makes of its whole catalogue."""
        return {"catalogue": self.catalogue(names), **self.network(names)}

    def rest_features(self, names: Names) -> dict[str, str]:
        """Return whose features the items have that are not attacked (D4)."""
        recommender = self.config["recommenders"][names["recommender"]]
        undefended = recommender.get("rest_features") == "undefended"
        if undefended and names["attack"] != self.clean:
            names = {**names, "defense": self.config["undefended"]}
        return self.clean_features(names)

    def crafted_on(self, names: Names) -> str:
        """Return the defense on whose network an attack's images are made."""
        attack = self.config["attacks"][names["attack"]]
        return str(attack.get("crafted_on") or names["defense"])

    def crafting(self, names: Names) -> dict[str, str]:
        """Return the names of the attack that made a job's images, on the network it knew."""
        made = {**names, "defense": self.crafted_on(names)}
        return {"dataset": names["dataset"], "attack": names["attack"], **self._attack(made)}

    def attack(self, names: Names) -> dict[str, str]:
        """Return the names of an attack's outcome, as the job's network sees it."""
        own, made = self._attack(names), self.crafting(names)
        run = own["run"] if made["run"] == SHARED else names["run"]
        return {"dataset": names["dataset"], "attack": names["attack"], **own, "run": run}

    def _attack(self, names: Names) -> dict[str, str]:
        network = self.network(names)
        if draws(self.config["attacks"][names["attack"]]) or self.guide(names):
            network["run"] = names["run"]
        return network

    def training(self, names: Names) -> dict[str, str]:
        """Return the training whose model ranks in a cell."""
        return axes.trained(names, self.clean)

    def halfway(self, names: Names) -> dict[str, str] | None:
        """Return the training of the same cell that this one starts in the middle of, if any."""
        start = self.config["recommenders"][names["recommender"]]["starts_from"]
        return {**names, "recommender": start} if start else None

    def catalogue_of(self, names: Names) -> dict[str, str]:
        """Return the name of the catalogue of a job."""
        return {"catalogue": self.catalogue(names)}

    def ranked_with(self, names: Names) -> dict[str, str] | None:
        """Return the attack whose features the attacked items have; None where all are clean."""
        return None if names["attack"] == self.clean else self.attack(names)

    def attacked_in_training(self, names: Names) -> Names | None:
        """Return the names of a training that must know which items are attacked, else None."""
        known = self.leaves_out_attacked(names) or names["attack"] != self.clean
        return names if known else None

    def leaves_out_attacked(self, names: Names) -> bool:
        """Say whether a training goes without the attacked items' interactions."""
        return names["threat"] == COLD_START

    def guide(self, names: Names) -> dict[str, Any] | None:
        """Return the recommender that an attack knows: its block's ``guide``; None for most."""
        guide: dict[str, Any] | None = self.config["attacks"][names["attack"]].get("guide")
        return guide
