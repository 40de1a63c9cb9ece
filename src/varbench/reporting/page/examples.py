"""Figure 1 of the paper from our results: an item clean and attacked, composed as a picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from varbench.image_archive import ImageArchive
from varbench.reporting.page import gallery
from varbench.reporting.page.archives import Archives
from varbench.reporting.page.frames import Tables
from varbench.reporting.page.lists import example
from varbench.reporting.page.options import Options

SIDE, GAP, LINE = 360, 24, 30  # pixels
INK = "#1b1f24"

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
) -> Image.Image | None:
    """Return the picture of the item that `lists.example` chooses under the first threat.

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


def compose(columns: Sequence[Column]) -> Image.Image:
    """Put columns side by side: title, image, amplified difference, lines of text."""
    font = ImageFont.load_default(size=22)
    lines = max(len(column.lines) for column in columns)
    height = 2 * LINE + 2 * (SIDE + GAP) + lines * LINE
    sheet = Image.new("RGB", (GAP + len(columns) * (SIDE + GAP), height), "white")
    pen = ImageDraw.Draw(sheet)
    for number, column in enumerate(columns):
        left, top = GAP + number * (SIDE + GAP), LINE // 2
        pen.text((left, top), _fitting(column.title, font), fill=INK, font=font)
        top += LINE + LINE // 2
        sheet.paste(_square(column.image), (left, top))
        top += SIDE + GAP
        if column.difference is None:
            words = f"difference \N{MULTIPLICATION SIGN} {gallery.AMPLIFICATION}"
            pen.text((left + SIDE, top + SIDE // 2), words, fill=INK, font=font, anchor="rm")
        else:
            sheet.paste(_square(column.difference), (left, top))
        top += SIDE + GAP // 2
        for line in column.lines:
            pen.text((left, top), _fitting(line, font), fill=INK, font=font)
            top += LINE
    return sheet


def _square(pixels: Pixels) -> Image.Image:
    """Scale an image to fit a white square."""
    image = Image.fromarray(pixels)
    scale = SIDE / max(image.size)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    square = Image.new("RGB", (SIDE, SIDE), "white")
    square.paste(
        image.resize(size, Image.Resampling.BICUBIC), ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2)
    )
    return square


def _fitting(text: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> str:
    """Cut a text that is wider than its column."""
    while font.getlength(text) > SIDE and len(text) > 1:
        text = text[:-2] + "\N{HORIZONTAL ELLIPSIS}"
    return text
