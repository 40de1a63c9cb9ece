"""What is behind a product: paper, a wall and a floor, boards, cloth, stone or tiles."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varbench.catalogues.drawing.fabric import smooth_noise

Layer = NDArray[np.floating[Any]]  # (size, size) float32

_PAPERS = np.array(  # the common ones first
    [
        (246, 246, 245),
        (238, 236, 231),
        (226, 228, 232),
        (212, 212, 210),
        (232, 222, 206),
        (214, 224, 230),
        (226, 214, 218),
        (206, 216, 204),
        (176, 160, 142),
        (150, 152, 156),
        (92, 98, 108),
        (70, 66, 66),
    ]
)
_WOODS = np.array(
    [(196, 158, 116), (164, 122, 82), (214, 190, 158), (122, 92, 68), (178, 172, 164)]
)
_KINDS = ("paper", "floor", "boards", "cloth", "stone", "tiles")
_SHARES = np.cumsum((0.32, 0.16, 0.18, 0.14, 0.1, 0.1))


@lru_cache
def _square(size: int) -> tuple[Layer, Layer]:
    """Return x and y of each pixel, from 0 to 1."""
    y, x = np.mgrid[0 : 1 : size * 1j, 0 : 1 : size * 1j].astype(np.float32)
    return x, y


def backdrop(size: int, rng: np.random.Generator) -> NDArray[np.floating[Any]]:
    """Return a random background, (size, size, 3) in about [0, 1]."""
    kind = _KINDS[int(np.searchsorted(_SHARES, rng.random()))]
    papers = len(_PAPERS)
    base = _PAPERS[min(int(papers * rng.random() ** 1.6), papers - 1)]
    if kind == "boards":
        base = _WOODS[rng.integers(len(_WOODS))]
    tone = _TONES[kind](size, rng) + rng.uniform(0, 0.03) * smooth_noise(size, 10, 10, rng)
    scene: NDArray[np.floating[Any]] = (base / 255).astype(np.float32) * tone[..., None]
    if rng.random() < 0.3:
        _intruder(scene, rng)
    return scene


def _paper(size: int, rng: np.random.Generator) -> Layer:
    x, y = _square(size)
    across, down = rng.uniform(-0.12, 0.12), rng.uniform(-0.2, 0.05)
    return 1 + across * (x - 0.5) + down * (y - 0.5)


def _floor(size: int, rng: np.random.Generator) -> Layer:
    _, y = _square(size)
    below = y - rng.uniform(0.5, 0.8)
    step = 0.5 + 0.5 * np.tanh(below * rng.uniform(8, 60))
    tone: Layer = 1 + step * (rng.uniform(-0.22, 0.1) - 0.15 * below)
    return tone


def _boards(size: int, rng: np.random.Generator) -> Layer:
    _, y = _square(size)
    count = int(rng.integers(3, 7))
    place = y * count + rng.random()
    tone = rng.normal(1, 0.05, count + 2).astype(np.float32)[place.astype(int)]
    grain = 0.045 * smooth_noise(size, size // 2, 4, rng) + 0.03 * smooth_noise(size, 24, 3, rng)
    tone *= 1 + grain
    tone *= 1 - 0.3 * (np.abs(place % 1 - 0.5) > 0.5 - 0.012 * count)
    turned: Layer = tone.T if rng.random() < 0.5 else tone
    return turned


def _cloth(size: int, rng: np.random.Generator) -> Layer:
    x, y = _square(size)
    turns = np.float32(2 * np.pi * rng.uniform(14, 30))
    threads = smooth_noise(size, size // 2, 6, rng) + smooth_noise(size, 6, size // 2, rng)
    tone: Layer = 1 + 0.025 * (np.sin(turns * x) * np.sin(turns * y) + threads)
    return tone


def _stone(size: int, rng: np.random.Generator) -> Layer:
    veins = np.abs(smooth_noise(size, 5, 7, rng) + 0.35 * smooth_noise(size, 12, 12, rng))
    tone: Layer = 1 - 0.13 * np.exp(-5 * veins) + 0.04 * smooth_noise(size, 9, 9, rng)
    return tone


def _tiles(size: int, rng: np.random.Generator) -> Layer:
    x, y = _square(size)
    count = rng.uniform(2, 5)
    off_centre = [np.abs((axis * count + rng.random()) % 1 - 0.5) for axis in (x, y)]
    joint = np.maximum(*off_centre) > 0.47
    tone: Layer = 1 + 0.03 * smooth_noise(size, 8, 8, rng) - 0.14 * joint
    return tone


_TONES = dict(zip(_KINDS, (_paper, _floor, _boards, _cloth, _stone, _tiles), strict=True))


def _intruder(scene: NDArray[np.floating[Any]], rng: np.random.Generator) -> None:
    """Blend in something out of focus at the left or right edge, in place."""
    x, y = _square(len(scene))
    side, height = (1.05 if rng.random() < 0.5 else -0.05), rng.random()
    spot = ((x - side) / rng.uniform(0.08, 0.2)) ** 4 + ((y - height) / rng.uniform(0.1, 0.5)) ** 4
    weight = rng.uniform(0.2, 0.6) * np.exp(-spot)
    colour = rng.uniform(0.2, 0.9) + rng.normal(0, 0.08, 3)
    scene += weight[..., None] * (colour - scene)
