"""The photograph of a drawn product: light, shadow, camera."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from varbench.catalogues.drawing.backdrop import backdrop
from varbench.catalogues.drawing.canvas import Canvas
from varbench.catalogues.drawing.fabric import smooth_noise, weave

Layer = NDArray[np.floating[Any]]  # (size, size) float32


@dataclass(frozen=True)
class Material:
    """How a product takes the light.

    Attributes
    ----------
    weave
        Kind of its fine structure, see ``fabric.weave``.
    gloss
        Strength of highlights, 0 for cloth.
    folds
        Strength of the wrinkles of soft cloth.
    stands
        It stands on a floor (shadow below) or lies flat (shadow around).
    """

    weave: str
    gloss: float = 0.0
    folds: float = 1.0
    stands: bool = False


def photograph(
    canvas: Canvas, material: Material, size: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Light the product in front of a backdrop and take its picture, (size, size, 3)."""
    ink = np.asarray(canvas.ink.resize((size, size), Image.Resampling.LANCZOS), np.float32) / 255
    product, cover = ink[..., :3], ink[..., 3]  # product is times cover, as the ink is
    relief = np.asarray(canvas.relief.reduce(canvas.side // size), np.float32) / 255
    angle = rng.uniform(-2.3, -0.85)  # the lamp is above, to the left or to the right
    lamp = (math.cos(angle), math.sin(angle))

    light = _light(relief, lamp, material.folds, rng)
    threads = rng.uniform(0.036, 0.044) * weave(material.weave, canvas, size, rng)
    product = product * light[..., None] + (cover * threads)[..., None]
    if material.gloss:
        product += (material.gloss * cover * _highlight(relief, lamp, rng))[..., None]
    scene = backdrop(size, rng)
    scene *= 1 - _shadow(cover, lamp, material.stands, rng)[..., None]
    scene += product - cover[..., None] * scene
    return _camera(scene, lamp, rng)


@lru_cache
def _square(size: int) -> tuple[Layer, Layer]:
    """Return x and y of each pixel, from -1 to 1."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j].astype(np.float32)
    return x, y


def _slope(height: Layer, lamp: tuple[float, float]) -> Layer:
    """Return how much a surface faces the lamp; size-independent units."""
    down, right = np.gradient(height)
    return np.asarray((lamp[0] * right + lamp[1] * down) * (-len(height) / 4))


def _light(
    relief: Layer, lamp: tuple[float, float], folds: float, rng: np.random.Generator
) -> Layer:
    """Brightness of each point: slopes that face the lamp are bright."""
    size = len(relief)
    wrinkles = smooth_noise(size, int(rng.integers(3, 6)), int(rng.integers(5, 11)), rng)
    edges = gaussian_filter(relief, 0.011 * size)
    volume = gaussian_filter(edges + 0.06 * folds * wrinkles, 0.05 * size, truncate=3)
    surface = rng.uniform(0.03, 0.06) * edges + rng.uniform(0.1, 0.18) * volume
    return np.clip(1 + _slope(surface, lamp), 0.4, 1.5)


def _highlight(relief: Layer, lamp: tuple[float, float], rng: np.random.Generator) -> Layer:
    """Brightness that a glossy surface adds where it faces the lamp."""
    slope = _slope(gaussian_filter(relief, 0.03 * len(relief)), lamp)
    highlight: Layer = np.clip(slope - rng.uniform(0.2, 0.4), 0, 0.6)
    return highlight


def _shadow(
    cover: Layer, lamp: tuple[float, float], stands: bool, rng: np.random.Generator
) -> Layer:
    """Darkness of the backdrop behind the product, from 0 to 1."""
    size = len(cover)
    reach = rng.uniform(0.01, 0.045) * size
    across, down = round(-lamp[0] * reach), round(-lamp[1] * reach)
    cast = np.roll(cover, (down, across), (0, 1))
    dark: Layer = rng.uniform(0.15, 0.45) * gaussian_filter(
        cast, rng.uniform(0.015, 0.04) * size, truncate=3
    )
    if stands:
        x, y = _square(size)
        covered = cover > 0.5
        columns, rows = np.flatnonzero(covered.any(0)), np.flatnonzero(covered.any(1))
        width = 1.1 * (x[0, columns[-1]] - x[0, columns[0]]) / 2
        centre = (x[0, columns[-1]] + x[0, columns[0]]) / 2
        depth = rng.uniform(0.1, 0.16)
        floor = ((x - centre) / width) ** 2 + ((y - y[rows[-1], 0]) / depth) ** 2
        dark = np.maximum(dark, rng.uniform(0.3, 0.6) * np.exp(-1.5 * floor))
    return dark


def _camera(
    image: NDArray[np.floating[Any]], lamp: tuple[float, float], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Fall-off of the lamp, exposure, white balance, lens blur and sensor noise."""
    size = len(image)
    x, y = _square(size)
    light = (
        1
        + rng.uniform(0, 0.12) * (lamp[0] * x + lamp[1] * y)
        - rng.uniform(0, 0.1) * (x * x + y * y)
    )
    balance = rng.normal(rng.uniform(0.92, 1.04), 0.02, 3)
    image = image * light[..., None] * balance.astype(np.float32)
    image = 1 - rng.uniform(0.75, 0.9) * (1 - image)  # stray light in the lens lifts the blacks
    softness = rng.uniform(0, 0.005) * size
    if softness > 0.25:
        image = gaussian_filter(image, (softness, softness, 0))
    image += rng.uniform(0.002, 0.008) * rng.standard_normal(image.shape, np.float32)
    return np.clip(np.round(255 * image), 0, 255).astype(np.uint8)
