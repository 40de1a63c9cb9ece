"""Files that only some jobs read: a training's images, an attacker's recommender, others' weights.

Functions for the rules' ``input``, which give paths by the name of the option that a command has.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from varbench.axes import POISONING
from varbench.experiment.grid import Grid
from varbench.experiment.options import Wildcards, of_wildcards

Config = dict[str, Any]
Files = Callable[[Wildcards], Config]

# Torchvision's weights of LPIPS' networks, where `perceptual.weights` is `download`.
BACKBONES = {
    "vgg": "data/weights/vgg16-397923af.pth",
    "squeeze": "data/weights/squeezenet1_1-b8a52dc0.pth",
    "alex": "data/weights/alexnet-owt-7be5be79.pth",
}


def training_set(grid: Grid, drawn: str, catalogue: str, features: str) -> Files:
    """Return the images and labels that a network is trained on.

    drawn, catalogue, features : folders, the last two with the wildcards of their rules
    """
    images = grid.config["training_images"]
    if images["folder"] is not None:
        from snakemake.io import ancient

        # They must be there; their time says nothing, and their files are too many to look at.
        halves = ancient([f"{images['folder']}/{half}" for half in ("train", "val")])
        found = {"halves": halves}
    elif images["catalogue"] is not None:
        names = grid.undefended({"catalogue": images["catalogue"]})
        found = {
            "image_archive": f"{catalogue}/images.zip".format(**names),
            "labels": f"{features}/classes.parquet".format(**names),
        }
    else:
        found = {"image_archive": f"{drawn}/images.zip", "labels": f"{drawn}/labels.parquet"}
    return lambda wildcards: found  # noqa: ARG005


def guide_files(grid: Grid, guides: str, models: str, catalogue: str, features: str) -> Files:
    """Return the recommender that an attack knows, and what it ranks; {} for most attacks.

    guides, models, catalogue, features : folders, with the wildcards of their rules
    """

    @of_wildcards
    def files(wildcards: Wildcards) -> Config:
        names = dict(wildcards.items())
        guide = grid.guide(names)
        if guide is None:
            return {}
        known = {**names, "recommender": guide["recommender"]}
        if guide["seed"] == "white_box":
            clean = {"threat": POISONING, "attack": grid.clean, "seed": "0"}
            folder = models.format(**known | clean)
        else:
            folder = guides.format(**known, users=guide["users"])
        own = grid.clean_features(names)
        return {
            "guide": f"{folder}/model.safetensors",
            "clean_features": f"{features}/features.npy".format(**own),
            "interactions": f"{catalogue}/interactions.parquet".format(**own),
        }

    return files


def backbone(config: Config) -> str | list[str]:
    """Return the file of LPIPS' backbone; a stand-in has none."""
    perceptual = config["perceptual"]
    if perceptual["weights"] == "download":
        return BACKBONES[perceptual["network"]]
    return [] if perceptual["weights"] == "stand-in" else perceptual["weights"]


def outside_files(grid: Grid) -> list[str]:
    """Return the files of data and weights that the grid reads from elsewhere."""
    config = grid.config
    sources = [config["catalogues"][c]["source"].get("path") for c in grid.catalogues]
    used = [*grid.names["defense"], config["undefended"]]
    starts = [config["defenses"][name].get("starts_from") for name in used]
    weights = [config["defenses"][n].get("weights") for n in [*used, *filter(None, starts)]]
    return [*filter(None, [*sources, *weights, backbone(config)])]


def outside_files_there(grid: Grid) -> list[str]:
    """Return those of ``outside_files`` that are files and there: a folder has no checksum."""
    return [path for path in outside_files(grid) if Path(path).is_file()]
