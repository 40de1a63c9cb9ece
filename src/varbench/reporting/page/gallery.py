"""Every attacked image: the file itself, small pictures of it, and what is known about it."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from varbench.image_archive import ImageArchive, encode
from varbench.reporting.page.archives import Archives
from varbench.reporting.page.frames import CELL, Tables, columnwise
from varbench.reporting.page.options import Options
from varbench.storage import read_table

THUMBNAIL = 128  # pixels of the longer side
AMPLIFICATION = 16  # of differences
SEEN = [
    *("class_before", "class_after", "probability_before", "probability_after"),
    *("success", "l_inf", "l_2"),
]

Pixels = NDArray[np.uint8]


def facts(archives: Archives, options: Options) -> pd.DataFrame:
    """Return a row an attacked image of the run that is shown.

    It has dataset, defense, attack, item, id, classes by name, probabilities, success, l_inf
    (255ths), l_2 ([0, 1] units), distance and distance_label.
    """
    parts = []
    for dataset in options.axes["datasets"]:
        items = read_table(archives.catalogue_of(dataset) / "items.parquet", ["item", "id"])
        ids = items.set_index("item")["id"]
        for defense in options.axes["defenses"]:
            for attack in options.pictured(defense):
                known = _known(archives.attack_of(dataset, defense, attack), options)
                names = {"dataset": dataset, "defense": defense, "attack": attack}
                parts.append(known.assign(**names, id=known["item"].map(ids)))
    order = [*CELL[:3], "item", "id", *SEEN, "distance", "distance_label"]
    return pd.concat(parts, ignore_index=True)[order]


def write_gallery(folder: Path, archives: Archives, options: Options) -> None:
    """Write every attacked image, its clean one and small pictures of both.

    Under ``folder``: images/DATASET/clean/ITEM.png and images/DATASET/DEFENSE/ATTACK/ITEM.png, as
    they are stored, and ITEM_difference.webp; thumbs/ has the same, small, as .webp.
    """
    for dataset in options.axes["datasets"]:
        items = archives.attacked(dataset)
        catalogue = archives.catalogue_of(dataset)
        clean = dict(zip(items, ImageArchive(catalogue / "images.zip").read(items), strict=True))
        for item, pixels in clean.items():
            _write(folder, f"{dataset}/clean/{item:06d}", pixels)
        for defense in options.axes["defenses"]:
            for attack in options.pictured(defense):
                archive = ImageArchive(archives.attack_of(dataset, defense, attack) / "images.zip")
                for item, pixels in zip(items, archive.read(items), strict=True):
                    name = f"{dataset}/{defense}/{attack}/{item:06d}"
                    _write(folder, name, pixels, clean[item])


def write_thumbnails(folder: Path, dataset: str, items: list[int], archives: Archives) -> None:
    """Write small pictures of catalogue images, those of them that are not there yet."""
    archive = ImageArchive(archives.catalogue_of(dataset) / "images.zip")
    new = [i for i in items if not (folder / f"thumbs/{dataset}/clean/{i:06d}.webp").exists()]
    for item, pixels in zip(new, archive.read(new), strict=True):
        _write_small(folder / f"thumbs/{dataset}/clean/{item:06d}.webp", Image.fromarray(pixels))


def ranks(gallery: pd.DataFrame, tables: Tables) -> dict[str, Any]:
    """Return ranks and HR@K of each image's item, by "THREAT/RECOMMENDER", in gallery order."""
    known = None
    for name, wanted in (
        ("item_ranks", ["mean_rank_before", "mean_rank_after", "lists_before", "lists_after"]),
        ("promotion", ["hr_before", "hr_after"]),
    ):
        if name in tables:
            keys = ["threat", *CELL, "item"]
            own = tables[name].reindex(columns=[*keys, *wanted])
            known = own if known is None else known.merge(own, on=keys, how="outer")
    if known is None:
        return {}
    found = {}
    place = ["dataset", "defense", "attack", "item"]
    for (threat, recommender), own in known.groupby(["threat", "recommender"], sort=False):
        aligned = gallery[place].merge(own, on=place, how="left")
        values = aligned.drop(columns=[*place, "threat", "recommender"])
        found[f"{threat}/{recommender}"] = columnwise(values.astype(float), digits=4)["columns"]
    return found


def difference(attacked: Pixels, clean: Pixels) -> Pixels:
    """Return what was added to an image (H, W, 3), amplified, around mid-grey."""
    apart = attacked.astype(np.int16) - clean
    amplified: Pixels = (128 + AMPLIFICATION * apart).clip(0, 255).astype(np.uint8)
    return amplified


def _known(where: Path, options: Options) -> pd.DataFrame:
    known = read_table(where / "outcome.parquet", ["item", *SEEN])[["item", *SEEN]]
    visual = where / "distances.parquet"
    columns = ["item", "distance", "distance_label"]
    if visual.exists():
        known = known.merge(read_table(visual, columns)[columns], on="item", how="left")
    else:
        known = known.assign(distance=np.nan, distance_label="")
    for column in ("class_before", "class_after"):
        named = dict(enumerate(options.classes))
        known[column] = known[column].map(lambda c, named=named: named.get(c, f"class {c}"))
    known["l_inf"] *= 255
    return known


def _write(folder: Path, name: str, pixels: Pixels, clean: Pixels | None = None) -> None:
    image = folder / "images" / f"{name}.png"
    image.parent.mkdir(parents=True, exist_ok=True)
    image.write_bytes(encode(pixels))
    _write_small(folder / "thumbs" / f"{name}.webp", Image.fromarray(pixels))
    if clean is not None:
        apart = Image.fromarray(difference(pixels, clean))
        apart.save(image.with_name(f"{image.stem}_difference.webp"), quality=85, method=1)
        _write_small(folder / "thumbs" / f"{name}_difference.webp", apart)


def _write_small(path: Path, image: Image.Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.BILINEAR)
    image.save(path, format="WEBP", quality=85, method=1)
