"""One product picture from a category, a look and a seed."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varbench.catalogues.drawing import (
    boots,
    bottoms,
    carried,
    outerwear,
    shirts,
    shoes,
    underwear,
    worn,
)
from varbench.catalogues.drawing.canvas import Canvas
from varbench.catalogues.drawing.look import Look, Palette, palette
from varbench.catalogues.drawing.studio import Material, photograph
from varbench.errors import InputError


@dataclass(frozen=True)
class _Product:
    """How a category is drawn, what it is made of, how much it is turned (radians)."""

    paint: Callable[[Canvas, Palette, np.random.Generator], None]
    material: Material
    tilt: float = 0.08


# Names and order are torchvision's ImageNet class names in the order of their indices.
_PRODUCTS = {
    "backpack": _Product(carried.backpack, Material("canvas", folds=0.5, stands=True), 0.05),
    "bow tie": _Product(worn.bow_tie, Material("satin", gloss=0.15, folds=0.5), 0.12),
    "brassiere": _Product(underwear.brassiere, Material("lace", gloss=0.1, folds=0.3)),
    "cowboy boot": _Product(boots.cowboy_boot, Material("leather", 0.35, 0.4, stands=True), 0.05),
    "cowboy hat": _Product(worn.cowboy_hat, Material("felt", folds=0.3), 0.1),
    "jean": _Product(bottoms.jean, Material("twill"), 0.08),
    "jersey": _Product(shirts.jersey, Material("purl")),
    "miniskirt": _Product(bottoms.miniskirt, Material("herringbone"), 0.08),
    "mitten": _Product(worn.mitten, Material("knit"), 0.16),
    "running shoe": _Product(shoes.running_shoe, Material("mesh", 0.1, 0.2, stands=True), 0.05),
    "sandal": _Product(shoes.sandal, Material("braid", 0.2, 0.1, stands=True), 0.05),
    "sock": _Product(boots.sock, Material("rib"), 0.14),
    "sunglasses": _Product(worn.sunglasses, Material("lacquer", gloss=0.6, folds=0.0)),
    "sweatshirt": _Product(shirts.sweatshirt, Material("fleece")),
    "trench coat": _Product(outerwear.trench_coat, Material("gabardine", folds=0.8), 0.06),
    "umbrella": _Product(carried.umbrella, Material("ripstop", gloss=0.15, folds=0.2), 0.14),
}
CATEGORIES: tuple[str, ...] = tuple(_PRODUCTS)


def draw(category: str, look: Look, size: int, seed: int) -> NDArray[np.uint8]:
    """Draw a product; equal arguments give equal pixels.

    Parameters
    ----------
    category
        One of CATEGORIES.
    look
        Main colour and pattern; everything else varies with the seed.
    size
        Side of the image in pixels, from 32 on.
    seed
        Shape, pose, details, background, light and noise.

    Returns
    -------
    (size, size, 3) RGB.

    Raises
    ------
    InputError
        The category is unknown.
    """
    if category not in _PRODUCTS:
        raise InputError(f"unknown category {category!r}; known: {', '.join(CATEGORIES)}")
    product = _PRODUCTS[category]
    rng = np.random.default_rng(seed)
    side = 3 * size  # supersampled
    scale = 0.5 * side * rng.uniform(0.83, 0.96)
    angle = rng.normal(0, product.tilt)
    cos, sin = np.cos(angle), np.sin(angle)
    flip = 1 if rng.random() < 0.5 else -1
    squeeze = np.diag([flip * rng.normal(1, 0.03), rng.normal(1, 0.03)])
    shear = np.array([[1, 0], [rng.normal(0, 0.05), 1]])
    matrix = scale * squeeze @ shear @ np.array([[cos, sin], [-sin, cos]])
    canvas = Canvas(side, matrix, np.full(2, side / 2))
    product.paint(canvas, palette(look, canvas, rng), rng)
    canvas.centre(*(side * rng.normal(0.5, 0.02, 2)))
    return photograph(canvas, product.material, size, rng)
