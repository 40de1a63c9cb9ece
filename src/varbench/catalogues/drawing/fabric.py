"""Materials: the printed pattern of a fabric and the fine weave of its threads."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from varbench.catalogues.drawing.canvas import Canvas, Colour, Paint

Layer = NDArray[np.floating[Any]]  # (size, size) float32

PATTERNS = ("plain", "stripes", "checks", "dots", "zigzag", "camouflage")


def smooth_noise(size: int, rows: int, columns: int, rng: np.random.Generator) -> Layer:
    """Return smooth noise of rows x columns cells and about unit variance, (size, size)."""
    cells = Image.fromarray(rng.standard_normal((rows, columns), np.float32))
    return np.asarray(cells.resize((size, size), Image.Resampling.BICUBIC))


def printed(
    pattern: str, tones: tuple[Colour, Colour, Colour], canvas: Canvas, rng: np.random.Generator
) -> Paint:
    """Return a material with ``pattern`` in three tones, in register with the product's pose."""
    if pattern == "plain":
        return tones[0]
    x, y = canvas.grid(canvas.side)
    angle = rng.normal(0, 0.06) + (math.pi / 2 if rng.random() < 0.35 else 0)
    period = rng.uniform(0.16, 0.34)
    cos, sin = math.cos(angle) / period, math.sin(angle) / period
    v = _fraction(sin * x + cos * y + rng.random())
    if pattern == "stripes":
        tone = 2 * (v < rng.uniform(0.3, 0.55)).view(np.uint8)
    elif pattern == "camouflage":
        cells = max(4, round(2.6 / period))
        height = smooth_noise(canvas.side, cells, cells, rng)
        tone = (height > -0.25).view(np.uint8) + (height > 0.45)
    else:
        u = _fraction(cos * x - sin * y + rng.random())
        if pattern == "checks":
            tone = (u < 0.5).view(np.uint8) + (v < 0.5)
        elif pattern == "dots":
            distance = (u - 0.5) ** 2 + (v - 0.5) ** 2
            tone = 2 * (distance < rng.uniform(0.06, 0.12)).view(np.uint8)
        else:
            v += rng.uniform(0.6, 1.1) * np.abs(u - 0.5)
            tone = 2 * (_fraction(v) < 0.42).view(np.uint8)
    # One 32-bit word a pixel is looked up several times faster than four bytes.
    words = np.array([(*colour, 255) for colour in tones], np.uint8).view(np.uint32)[:, 0]
    pixels = words[tone][..., None].view(np.uint8)
    return Image.frombuffer("RGBX", tone.shape[::-1], pixels, "raw", "RGBX", 0, 1)


def _fraction(values: Layer) -> Layer:
    """Return ``values`` modulo 1; faster than the operator."""
    return values - np.floor(values)


# Woven and knitted cloth, as waves of x and y that are one thread apart.
_THREADS: dict[str, Callable[[Layer, Layer], Layer]] = {
    "braid": lambda x, y: np.sin(x + 2 * np.sin(y / 2)),
    "canvas": lambda x, y: np.sin(x / 2) * np.sin(y / 2),
    "gabardine": lambda x, y: np.sin(x / 2 + y),
    "herringbone": lambda x, y: np.sin(x + 2 * np.abs(np.sin(y / 3))),
    "knit": lambda x, y: np.sin(y + 2 * np.abs(np.sin(x / 2))),
    "lace": lambda x, y: (np.cos(x) + np.cos(x / 2 + y) + np.cos(x / 2 - y)) / 2,
    "mesh": lambda x, y: (np.cos(x) + np.cos(y)) / 1.5,
    "purl": lambda _, y: np.sin(y),
    "rib": lambda x, _: np.sin(x),
    "ripstop": lambda x, y: 2 * np.maximum(np.cos(x / 3), np.cos(y / 3)) ** 4 - 1,
    "twill": lambda x, y: np.sin(x + y),
}
# Other surfaces: smooth noise, by the pixels of a grain at a size of 64.
_GRAINS = {"felt": 2.0, "fleece": 2.8, "leather": 4.0, "satin": 8.0, "lacquer": 16.0}


def weave(kind: str, canvas: Canvas, size: int, rng: np.random.Generator) -> Layer:
    """Return the fine structure of a material, about -1 to 1, (size, size).

    Hardly visible, yet typical of a category: a network trained without a defense relies on it.
    """
    if kind in _GRAINS:
        cells = round(64 / _GRAINS[kind])
        return 0.6 * smooth_noise(size, cells, cells, rng)
    turns = 2 * math.pi / rng.uniform(0.12, 0.14)
    x, y = canvas.grid(size)
    return _THREADS[kind](turns * x, turns * y)
