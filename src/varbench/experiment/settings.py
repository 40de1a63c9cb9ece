"""What the commands of a job are told of the configuration, by the names of its wildcards."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from varbench.axes import POISONING, Names
from varbench.experiment.configuration import class_index, read_classes
from varbench.experiment.grid import Grid
from varbench.experiment.options import Wildcards
from varbench.experiment.protocol import last_listed
from varbench.seeds import derive

Config = dict[str, Any]

# Torchvision's weights of LPIPS' networks, where `perceptual.weights` is `download`.
BACKBONES = {
    "vgg": "data/weights/vgg16-397923af.pth",
    "squeeze": "data/weights/squeezenet1_1-b8a52dc0.pth",
    "alex": "data/weights/alexnet-owt-7be5be79.pth",
}
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
    def backbone(self) -> str | list[str]:
        """The file of LPIPS' backbone; a stand-in has none."""
        perceptual = self._config["perceptual"]
        if perceptual["weights"] == "download":
            return BACKBONES[perceptual["network"]]
        return [] if perceptual["weights"] == "stand-in" else perceptual["weights"]

    @property
    def training_images(self) -> Config:
        """What a training is told of its images."""
        images = self._config["training_images"]
        if images["folder"] is not None:
            return {"image_size": self.side, "training_size": images["image_size"] or self.side}
        return {"image_size": self.side, "validation": images["validation"]}

    @property
    def metrics_of_cells(self) -> Config:
        """What the tables of cells are told of the metrics."""
        keys = ("k", "counted", "confidence", "correction", "equivalence_margin", "category_share")
        return {key: self._config["metrics"][key] for key in keys}

    @property
    def metrics_of_images(self) -> Config:
        """What the table of images is told of the metrics."""
        keys = ("source_share", "success_rate_not_target", "confidence")
        return {key: self._config["metrics"][key] for key in keys}

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

    def outside_files(self) -> list[str]:
        """Return the files of data and weights that the grid reads from elsewhere."""
        config, grid = self._config, self._grid
        sources = [config["catalogues"][c]["source"].get("path") for c in grid.catalogues]
        used = [*grid.names["defense"], self.undefended]
        starts = [config["defenses"][name].get("starts_from") for name in used]
        weights = [config["defenses"][n].get("weights") for n in [*used, *filter(None, starts)]]
        return [*filter(None, [*sources, *weights, self.backbone])]

    def outside_files_there(self) -> list[str]:
        """Return those of ``outside_files`` that are files and there: a folder has no checksum."""
        return [path for path in self.outside_files() if Path(path).is_file()]

    # Of a job.

    def name(self, axis: str) -> Callable[[Names], str]:
        """Return what reads a wildcard."""
        return lambda names: names[axis]

    def number(self, axis: str) -> Callable[[Names], float]:
        """Return what reads a wildcard that is a number."""
        return lambda names: float(names[axis])

    def catalogue(self, names: Names) -> Config:
        """Return the block of a catalogue."""
        return dict(self._config["catalogues"][names["catalogue"]])

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

    def budget(self, names: Names) -> Config:
        """Return how many items of a dataset are attacked, and which."""
        return dict(self._config["datasets"][names["dataset"]]["attacked"])

    def defense(self, names: Names) -> Config:
        """Return how a network is trained."""
        return _without(self._config["defenses"][names["defense"]], "starts_from", "stands_for")

    def defended(self, names: Names) -> bool:
        """Say whether a network should be robust."""
        return names["defense"] != self.undefended

    def weights_key(self, names: Names) -> str | None:
        """Return where in a file of weights a loaded network's are, if that is given."""
        key: str | None = self._config["defenses"][names["defense"]].get("weights_key")
        return key

    @property
    def epsilons(self) -> list[float]:
        """The radii of the grid's attacks, in 255ths, for the robust accuracy of networks."""
        blocks = [self._config["attacks"][name] for name in self._grid.attacks]
        return sorted({block["epsilon"] for block in blocks if "epsilon" in block})

    def attack(self, names: Names) -> Config:
        """Return an attack's method and parameters."""
        attack = self._config["attacks"][names["attack"]]
        return _without(attack, "crafted_on", "guide", "stands_for")

    def recommender(self, names: Names) -> Config:
        """Return a recommender's method and parameters."""
        recommender = self._config["recommenders"][names["recommender"]]
        return _without(recommender, "starts_from", "rest_features", "stands_for")

    def start_of_recommender(self, names: Names) -> Config | None:
        """Return the recommender that one starts from, if any."""
        start = self._config["recommenders"][names["recommender"]]["starts_from"]
        return self.recommender({**names, "recommender": start}) if start else None

    def of_target_item(self, names: Names) -> Names | None:
        """Return the names, for attacks that aim at an item."""
        return names if "target_item" in self._config["attacks"][names["attack"]] else None

    def aims_at_class(self, names: Names) -> bool:
        """Say whether an attack's success is the class that the network sees."""
        return self._grid.guide(names) is None

    def k_of_guide(self, names: Names) -> int | None:
        """Return the length of the lists that an attack with a guide wants to get into."""
        return self._config["metrics"]["k"] if self._grid.guide(names) else None

    # Seeds: the first run has the experiment's own.

    def seed_of_run(self, names: Names) -> int:
        """Return the seed of what is random about a network or an attack."""
        seed: int = self._config["seed"]
        if names["run"] in ("shared", "0"):
            return seed
        return derive("run", seed, int(names["run"])) % SEEDS

    def seeds_of_repeats(self, _names: Names) -> list[int]:
        """Return the seed of each training of a cell."""
        return [self._training_seed(repeat["run"], repeat["seed"]) for repeat in self._grid.repeats]

    def seeds_of_guide(self, names: Names) -> list[int]:
        """Return the seed of a guide's training, which is no victim's."""
        return [self._training_seed(names["run"], "guide")]

    def _training_seed(self, run: str, seed: str) -> int:
        return derive("recommender", self._config["seed"], run, seed) % SEEDS

    # Files that only some jobs read, by the name of the option that gives them to the command.

    def training_set(
        self, drawn: str, catalogue: str, features: str
    ) -> Callable[[Wildcards], Config]:
        """Return the images and labels that a network is trained on.

        drawn, catalogue, features : folders, the last two with the wildcards of their rules
        """
        images = self._config["training_images"]
        if images["folder"] is not None:
            from snakemake.io import ancient

            # They must be there; their time says nothing, and their files are too many to look at.
            halves = ancient([f"{images['folder']}/{half}" for half in ("train", "val")])
            found = {"halves": halves}
        elif images["catalogue"] is not None:
            names = self._grid.undefended({"catalogue": images["catalogue"]})
            found = {
                "image_archive": f"{catalogue}/images.zip".format(**names),
                "labels": f"{features}/classes.parquet".format(**names),
            }
        else:
            found = {"image_archive": f"{drawn}/images.zip", "labels": f"{drawn}/labels.parquet"}
        return lambda wildcards: found  # noqa: ARG005

    def guide_files(
        self, guides: str, models: str, catalogue: str, features: str
    ) -> Callable[[Wildcards], Config]:
        """Return the recommender that an attack knows, and what it ranks; {} for most attacks.

        guides, models, catalogue, features : folders, with the wildcards of their rules
        """
        return partial(self._guide_files, guides, models, catalogue, features)

    def _guide_files(
        self, guides: str, models: str, catalogue: str, features: str, wildcards: Wildcards
    ) -> Config:
        names = dict(wildcards.items())
        guide = self._grid.guide(names)
        if guide is None:
            return {}
        known = {**names, "recommender": guide["recommender"]}
        if guide["seed"] == "white_box":
            clean = {"threat": POISONING, "attack": self._grid.clean, "seed": "0"}
            folder = models.format(**known | clean)
        else:
            folder = guides.format(**known, users=guide["users"])
        own = self._grid.clean_features(names)
        return {
            "guide": f"{folder}/model.safetensors",
            "clean_features": f"{features}/features.npy".format(**own),
            "interactions": f"{catalogue}/interactions.parquet".format(**own),
        }

    # What a name stands for in the paper.

    def stands_for(self, axis: str) -> dict[str, str]:
        """Return the paper's name of each name along an axis that has one."""
        blocks = self._config[f"{axis}s"]
        return {n: blocks[n]["stands_for"] for n in self._grid.names[axis] if stands(blocks[n])}


def stands(block: Mapping[str, Any]) -> bool:
    """Say whether a block stands for one of the paper's."""
    return block.get("stands_for") is not None


def _without(block: Config, *keys: str) -> Config:
    return {key: value for key, value in block.items() if key not in keys}
