"""What a job asks a cluster for: megabytes and minutes, from the sizes in the configuration.

Rough on purpose, from above; each further attempt gets as much again.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from varbench.axes import Names
from varbench.experiment.grid import Grid
from varbench.experiment.options import Wildcards, of_wildcards
from varbench.experiment.tuning import settings

ROW_BYTES = 40  # of a line in a table of items or interactions
UNKNOWN = {"items": 100_000, "users": 100_000, "interactions": 2_000_000}
FEATURE_BYTES = 2048 * 4  # a ResNet-50's, the widest
FOLDER_IMAGES = 1_281_167  # in a folder to train on: ImageNet's
TRIPLET_SECONDS = 2e-5
LONGEST = 24 * 60  # minutes; training and C&W go on where they were stopped
# With Snakemake itself, which runs twice inside a SLURM job, and the libraries.
PLAIN_MB, TORCH_MB = 700, 1500
WORKER_MB = 500  # a process that reads images

Megabytes = Callable[[Wildcards, int], int]
Minutes = Callable[[Wildcards, int], int]
Seconds = Callable[[Names], float]


class Requirements:
    """Memory and time of the jobs of an experiment.

    Parameters
    ----------
    grid
        Its grid, with the checked configuration.
    classes
        How many the extractor has.
    gpu
        Whether jobs may find a GPU, which then holds activations and is that much faster.
    """

    def __init__(self, grid: Grid, classes: int, *, gpu: bool) -> None:
        self._grid, self._config, self._classes, self._gpu = grid, grid.config, classes, gpu
        size = self._config["extractor"]["image_size"]
        self.pixels = (500 if size == "native" else size) ** 2  # of an image
        self.image_mb = 3 * self.pixels / 1e6  # decoded, a byte each value
        # A network's activations of an image that is trained on or attacked: ResNet-50's.
        self.activations_mb = 0 if gpu else 2e-3 * self.pixels
        # One pass forward and back of one image.
        self.pass_seconds = (2e-7 if gpu else 1e-5) * self.pixels
        self.sizes = cache(self._sizes)
        batch = self._config["extractor"]["batch_size"]
        self.plain = self.mb(PLAIN_MB)
        self.torch = self.mb(TORCH_MB)
        self.tables = self.mb(2 * PLAIN_MB)
        self.catalogue = self.mb(PLAIN_MB, image=1, interaction=1e-3)
        self.robustness = self.mb(TORCH_MB, training_image=self.image_mb, batch=2 * batch)
        self.drawing = self.mb(PLAIN_MB, training_image=self.image_mb)
        self.extraction = self.mb(TORCH_MB, image=1, item=2 * FEATURE_BYTES / 1e6, batch=batch)
        # Of a fifth of the items, bytes and several times four bytes a value.
        self.attack = self.mb(TORCH_MB, image=5, batch=2 * batch)
        self.recommender = self.mb(
            TORCH_MB, item=4 * FEATURE_BYTES / 1e6, user=5e-3, interaction=1e-4
        )
        self.ranking = self.mb(PLAIN_MB, item=2e-3 + FEATURE_BYTES / 1e6, user=1e-2)

    def mb(
        self,
        base: float,
        *,
        image: float = 0,
        item: float = 0,
        user: float = 0,
        interaction: float = 0,
        training_image: float = 0,
        batch: int = 0,
    ) -> Megabytes:
        """Return megabytes: a base and so much for each; for each of a batch, activations."""

        @of_wildcards
        def needed(wildcards: Wildcards, attempt: int) -> int:
            total = base + batch * self.activations_mb
            total += training_image * self.training_images()
            if image or item or user or interaction:
                count = self.sizes(self._grid.catalogue(dict(wildcards.items())))
                total += (image * self.image_mb + item) * count["items"]
                total += user * count["users"] + interaction * count["interactions"]
            return attempt * round(total)

        return needed

    def at_most(
        self, memory: Megabytes, minutes: float, seconds: Seconds | None = None
    ) -> dict[str, Megabytes | Minutes]:
        """Return memory and time by their resources' names.

        minutes, seconds : a base, and what the job is estimated to compute
        """
        return {"mem_mb": memory, "runtime": self._minutes(minutes, seconds)}

    def _minutes(self, base: float, seconds: Seconds | None) -> Minutes:
        """Return minutes: a base, and three times what the job is estimated to compute."""

        @of_wildcards
        def needed(wildcards: Wildcards, attempt: int) -> int:
            total = base + (3 * seconds(dict(wildcards.items())) / 60 if seconds else 0)
            return min(LONGEST, attempt * round(total))

        return needed

    def training_images(self) -> int:
        """Return how many images extractors are trained on."""
        given = self._config["training_images"]
        if given["folder"] is not None:
            return FOLDER_IMAGES
        if given["catalogue"] is not None:
            return int(self.sizes(given["catalogue"])["items"])
        return int(given["per_category"]) * self._classes

    def processes(self, wildcards: Wildcards) -> int:
        """Return in how many processes a network is trained."""
        defense = dict(wildcards.items())["defense"]
        return int(self._config["defenses"][defense]["processes"])

    def training_mb(self, wildcards: Wildcards, attempt: int) -> int:
        """Return megabytes of the training of an extractor."""
        defense = self._config["defenses"][dict(wildcards.items())["defense"]]
        batch, count = defense["batch_size"], defense["processes"]
        given = self._config["training_images"]
        if given["folder"] is None:
            image = 3 * count * self.image_mb
            needed = self.mb(count * TORCH_MB, training_image=image, batch=batch)
            return needed(wildcards, attempt)
        # Each process has a worker for each thread, and each worker two batches that wait.
        workers = count * self._config["threads"]["extractor"]
        side = given["image_size"] or self._config["extractor"]["image_size"]
        waiting = 2 * workers * batch / count * 3 * side**2 / 1e6
        total = count * TORCH_MB + workers * WORKER_MB + waiting + batch * self.activations_mb
        return int(attempt * round(total))

    def training_seconds(self, names: Names) -> float:
        """Return seconds of the training of an extractor."""
        defense = self._config["defenses"][names["defense"]]
        passes = defense["epochs"] * (1 + defense.get("steps", 0))
        side_by_side = defense["processes"] if self._gpu else 1
        return float(passes * self.training_images() * self.pass_seconds / side_by_side)

    def robustness_seconds(self, _names: Names) -> float:
        """Return seconds of the attacks that measure a network's robustness."""
        return 50 * self.training_images() * self.pass_seconds

    def attack_seconds(self, names: Names) -> float:
        """Return seconds of an attack on a fifth of the items, more than any category has."""
        attack = self._config["attacks"][names["attack"]]
        passes = attack.get("steps", attack.get("iterations", 1))
        passes *= attack.get("binary_search_steps", 1)
        return float(passes) * self._fifth(names) * self.pass_seconds

    def measuring_seconds(self, names: Names) -> float:
        """Return seconds of LPIPS on a fifth of the items, each clean and attacked."""
        return 2 * self._fifth(names) * self.pass_seconds

    def recommender_seconds(self, names: Names) -> float:
        """Return seconds of the trainings of a recommender, all runs and seeds."""
        epochs = self._config["recommenders"][names["recommender"]]["epochs"]
        interactions = self.sizes(self._grid.catalogue(names))["interactions"]
        return float(epochs * interactions * TRIPLET_SECONDS) * len(self._grid.repeats)

    def tuning_seconds(self, names: Names) -> float:
        """Return seconds of all trials of a recommender."""
        block = self._config["recommenders"][names["recommender"]]
        trials = len(settings(block, self._config["tuning"]["values"]))
        return self.recommender_seconds(names) * trials

    def _fifth(self, names: Names) -> float:
        return float(self.sizes(self._grid.catalogue(names))["items"]) / 5

    def _sizes(self, catalogue: str) -> dict[str, Any]:
        """Estimate a catalogue's items, users and interactions before it is read."""
        block = self._config["catalogues"][catalogue]
        source = block["source"]
        if source["method"] == "generated":
            interactions = round(source["users"] * source["interactions_per_user"])
            counts: dict[str, Any] = {k: source[k] for k in ("items", "users")}
            return counts | {"interactions": interactions}
        if source["method"] == "amazon_authors":  # filtered as it comes
            return {**UNKNOWN, **block["expected"]}
        if source["method"] != "folder":
            return {**UNKNOWN}
        folder = Path(source["path"])
        items, interactions = (
            path.stat().st_size // ROW_BYTES if path.exists() else 0
            for path in (folder / source["items"], folder / source["interactions"])
        )
        users = interactions // block["core_users"]
        return {"items": items, "users": users, "interactions": interactions}
