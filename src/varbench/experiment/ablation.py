"""The cells of an ablation: chosen ones of the grid, under several protocols."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

from varbench.axes import POISONING
from varbench.axes import WITHIN_THREAT as AXES
from varbench.experiment.grid import Grid
from varbench.experiment.protocol import Variant, last_listed, variants

Config = dict[str, Any]


@dataclass(frozen=True)
class Ablation:
    """The names along each axis, the clean attack first, and what they are under each protocol.

    ``last_listed`` are defense and recommender of the clean cell of D15; where the ablation has no
    such recommender, its own last one.
    """

    names: Mapping[str, Sequence[str]]
    variants: Mapping[str, Variant]
    clean: str
    last_listed: Mapping[str, str]

    @classmethod
    def of(
        cls, config: Config, corrected: Config, names: Mapping[str, Sequence[str]], clean: str
    ) -> "Ablation":
        """Add the blocks that the ablation needs to ``config``, in place.

        corrected : the configuration before its protocol was applied
        names : of the grid; the ablation takes these where it names none
        """
        section = config["ablation"]
        chosen = {axis: list(section[f"{axis}s"] or names[axis]) for axis in AXES}
        chosen["attack"] = [clean, *(a for a in chosen["attack"] if a != clean)]
        grid = {f"{axis}s": chosen[axis] for axis in AXES}
        found = variants(config, corrected, grid, section["protocols"])
        listed = last_listed(config["metrics"], chosen)
        if listed["recommender"] not in chosen["recommender"]:
            listed["recommender"] = chosen["recommender"][-1]
        return cls(chosen, found, clean, listed)

    def cells(self) -> Iterator[dict[str, str]]:
        """Yield every cell by the names that it has under a protocol; each name once."""
        seen = set()
        for variant in self.variants.values():
            named = [variant.dataset.values(), variant.recommender.values()]
            pairs = [*product(self.names["defense"], variant.attack.values())]
            if variant.metrics["baseline"] == "last_listed":
                pairs.append((self.last_listed["defense"], self.clean))
            for (dataset, recommender), (defense, attack) in product(product(*named), pairs):
                cell = (POISONING, dataset, defense, attack, recommender)
                if cell not in seen:
                    seen.add(cell)
                    yield dict(zip(("threat", *AXES), cell, strict=True))

    def images(self) -> Iterator[dict[str, str]]:
        """Yield dataset, defense and attack of all images, by their names; each once."""
        found = dict.fromkeys(
            (cell["dataset"], cell["defense"], cell["attack"])
            for cell in self.cells()
            if cell["attack"] != self.clean
        )
        for names in found:
            yield dict(zip(("dataset", "defense", "attack"), names, strict=True))

    def runs_of_attacks(self, grid: Grid) -> list[dict[str, Any]]:
        """Return the names of all images, of each run that has its own; a ceiling has none."""
        made = (images for images in self.images() if grid.makes_images(images["attack"]))
        found = [names for images in made for names in grid.runs_of(images)]
        return [{**names, "crafted": grid.crafting(names)} for names in found]

    def as_options(self, grid: Grid) -> dict[str, Any]:
        """Return what the aggregation's command is told, but for the patterns of paths."""
        return {
            "repeats": grid.repeats,
            "images": self.runs_of_attacks(grid),
            "k": grid.config["metrics"]["k"],
            "clean": self.clean,
            "names": {axis: list(names) for axis, names in self.names.items()},
            "variants": {name: asdict(variant) for name, variant in self.variants.items()},
            "last_listed": dict(self.last_listed),
        }
