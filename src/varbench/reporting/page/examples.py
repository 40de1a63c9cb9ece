"""Figure 1 of the paper from our results: an item clean and attacked, composed as a picture."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from varbench.image_archive import ImageArchive, encode
from varbench.reporting.page import gallery, theme
from varbench.reporting.page.archives import Archives
from varbench.reporting.page.frames import Tables
from varbench.reporting.page.lists import example
from varbench.reporting.page.options import Options

SIDE, GAP, LINE = 130, 8, 15  # pixels of the figure

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Column:
    """An image (H, W, 3), what is said of it, and its difference from the clean one, or None."""

    title: str
    image: Pixels
    difference: Pixels | None
    lines: Sequence[str]


def figure(
    dataset: str, facts: pd.DataFrame, tables: Tables, archives: Archives, options: Options
) -> dict[str, Any] | None:
    """Return the specification of the picture of an item that `lists.example` chooses.

    It is the choice under the first threat and recommender.

    None where there are no ranks to choose by.
    """
    chosen = [one for one in example(facts, tables, options) if one["dataset"] == dataset]
    if not chosen:
        return None
    item, attack = int(chosen[0]["item"]), chosen[0]["attack"]
    of_item = facts[
        (facts["dataset"] == dataset) & (facts["attack"] == attack) & (facts["item"] == item)
    ].reset_index(drop=True)
    place = f"{chosen[0]['threat']}/{chosen[0]['recommender']}"
    ranks = gallery.ranks(of_item, tables)[place]
    clean = ImageArchive(archives.catalogue_of(dataset) / "images.zip").read([item])[0]
    columns = [Column("Clean", clean, None, [f"seen as {of_item['class_before'][0]}"])]
    for row, seen in of_item.iterrows():
        where = archives.attack_of(dataset, seen["defense"], attack) / "images.zip"
        pixels = ImageArchive(where).read([item])[0]
        before, after = (ranks[f"mean_rank_{when}"]["values"][row] for when in ("before", "after"))
        lines = [
            f"seen as {seen['class_after']}",
            f"mean rank {before:.0f} \N{RIGHTWARDS ARROW} {after:.0f}",
            f"{seen['distance_label']} {seen['distance']:.2g}",
        ]
        title = f"{options.names('attack')[attack]} on {options.names('defense')[seen['defense']]}"
        columns.append(Column(title, pixels, gallery.difference(pixels, clean), lines))
    return compose(columns)


def compose(columns: Sequence[Column]) -> dict[str, Any]:
    """Put columns side by side: title, image, amplified difference, lines of text."""
    images, texts = [], []
    for number, column in enumerate(columns):
        left, top = number * (SIDE + GAP), LINE
        texts.append({"x": left, "y": 0, "text": column.title})
        images.append({"x": left, "y": top, "url": _url(column.image)})
        top += SIDE + GAP
        if column.difference is None:
            words = f"Difference \N{MULTIPLICATION SIGN} {gallery.AMPLIFICATION}:"
            texts.append({"x": left, "y": top, "text": words})
        else:
            images.append({"x": left, "y": top, "url": _url(column.difference)})
        top += SIDE + GAP
        for line in column.lines:
            texts.append({"x": left, "y": top, "text": line})
            top += LINE
    place = {axis: {"field": axis, "type": "quantitative", "scale": None} for axis in ("x", "y")}
    corner = {"align": "left", "baseline": "top"}
    return {
        "width": len(columns) * (SIDE + GAP) - GAP,
        "height": LINE + 2 * (SIDE + GAP) + max(len(column.lines) for column in columns) * LINE,
        "view": {"stroke": None},
        "layer": [
            {
                "data": {"values": images},
                "mark": {"type": "image", "width": SIDE, "height": SIDE, **corner},
                "encoding": {**place, "url": {"field": "url", "type": "nominal"}},
            },
            {
                "data": {"values": texts},
                "mark": {"type": "text", "limit": SIDE, **corner},
                "encoding": {
                    **place,
                    "text": {"field": "text", "type": "nominal"},
                },
            },
        ],
        "config": {**theme.config(size=11), "background": "white", "axis": {"disable": True}},
    }


def _url(pixels: Pixels) -> str:
    """Return an image as a link that holds it, each pixel a square of pixels of the figure."""
    return f"data:image/png;base64,{base64.b64encode(encode(pixels)).decode()}"
