"""The layers that a product is drawn on, and the curves that its outlines are made of."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Points = NDArray[np.float64]  # (n, 2) x to the right, y down; a product spans about [-1, 1]
Colour = tuple[int, int, int]
Paint = Colour | Image.Image  # an image is a fabric of the canvas's size

_STEPS = 6  # points of a curve between two of its control points


@lru_cache
def _basis() -> Points:
    """Return the (steps, 4) weights of a Catmull-Rom curve's four control points."""
    t = np.arange(_STEPS) / _STEPS
    return 0.5 * np.stack(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2], 1
    )


def straight(*points: tuple[float, float]) -> Points:
    """Return the corners of a straight line or a polygon."""
    return np.array(points, float)


def curve(*points: tuple[float, float]) -> Points:
    """Return a smooth open curve through ``points``."""
    p = np.array([points[0], *points, points[-1]], float)
    windows = np.stack([p[i : i + len(points) - 1] for i in range(4)])
    smooth = np.einsum("sk,knd->nsd", _basis(), windows).reshape(-1, 2)
    return np.concatenate([smooth, p[-1:]])


def closed(*points: tuple[float, float]) -> Points:
    """Return a smooth closed curve through ``points``."""
    p = np.array(points, float)
    windows = np.stack([np.roll(p, shift, 0) for shift in (1, 0, -1, -2)])
    smooth: Points = np.einsum("sk,knd->nsd", _basis(), windows).reshape(-1, 2)
    return smooth


def ellipse(x: float, y: float, width: float, height: float) -> Points:
    """Return an ellipse with centre (x, y) and half axes ``width`` and ``height``."""
    t = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    return np.stack([x + width * np.cos(t), y + height * np.sin(t)], 1)


def path(*pieces: Points | Sequence[tuple[float, float]]) -> Points:
    """Join curves and points into one outline; corners are where the pieces meet."""
    return np.concatenate([np.asarray(piece, float).reshape(-1, 2) for piece in pieces])


def moved(points: Points, right: float, down: float) -> Points:
    """Return ``points`` at another place."""
    return points + (right, down)  # noqa: RUF005


def flipped(points: Points) -> Points:
    """Return the mirror image of ``points`` on the other side of x = 0."""
    return points * (-1, 1)


def mirrored(half: Points) -> Points:
    """Close an outline that runs down the right half by its mirror image on the left."""
    return np.concatenate([half, flipped(half)[::-1]])


def between(a: Points, b: Points, share: float) -> Points:
    """Return the curve ``share`` of the way from ``a`` to ``b`` (same number of points)."""
    return a + share * (b - a)


class Canvas:
    """Layers of side x side pixels, drawn on in the product's own coordinates.

    Attributes
    ----------
    ink
        The product's surface, 0 where there is none: colour times cover, then the cover. (In mode
        RGBX, which Pillow scales as it is; RGBA would be converted back and forth.)
    relief
        Heights of 0 to 255 that the studio's light is computed from.
    matrix, offset
        Pose: product coordinates (n, 2) @ matrix + offset are pixels.
    """

    def __init__(self, side: int, matrix: Points, offset: Points) -> None:
        self.side, self.matrix, self.offset = side, matrix, offset
        self.unit = float(np.sqrt(abs(np.linalg.det(matrix))))  # pixels in a length of 1
        self.ink = Image.new("RGBX", (side, side))
        self.relief = Image.new("L", (side, side))
        self._ink = ImageDraw.Draw(self.ink)
        self._relief = ImageDraw.Draw(self.relief)

    def fill(self, outline: Points, paint: Paint, height: int = 100, opacity: int = 255) -> None:
        """Fill an outline; a later part hides an earlier one."""
        corners = (outline @ self.matrix + self.offset).ravel().tolist()
        self._relief.polygon(corners, fill=height)
        if isinstance(paint, tuple):
            red, green, blue = (value * opacity // 255 for value in paint)
            self._ink.polygon(corners, fill=(red, green, blue, opacity))
        else:
            mask = Image.new("1", (self.side, self.side))
            ImageDraw.Draw(mask).polygon(corners, fill=1)
            self.ink.paste(paint, mask=mask)

    def line(self, points: Points, width: float, paint: Paint, height: int | None = None) -> None:
        """Draw along ``points``, ``width`` wide; without a height the relief stays as it is."""
        corners = (points @ self.matrix + self.offset).ravel().tolist()
        pixels = max(1, round(width * self.unit))
        # Corners leave gaps to fill; those of a smooth curve show only where it is thick.
        joint = "curve" if len(points) < 8 or pixels > 12 else None
        if height is not None:
            self._relief.line(corners, fill=height, width=pixels, joint=joint)
        if isinstance(paint, tuple):
            self._ink.line(corners, fill=(*paint, 255), width=pixels, joint=joint)
        else:
            mask = Image.new("1", (self.side, self.side))
            ImageDraw.Draw(mask).line(corners, fill=1, width=pixels, joint=joint)
            self.ink.paste(paint, mask=mask)

    def both(self, points: Points, width: float, paint: Paint, height: int | None = None) -> None:
        """Draw a line and its mirror image."""
        self.line(points, width, paint, height)
        self.line(flipped(points), width, paint, height)

    def stitches(self, points: Points, width: float, colour: Colour, dash: int = 3) -> None:
        """Draw a dashed line: ``dash`` steps of the curve on, as many off."""
        for start in range(0, len(points) - 1, 2 * dash):
            self.line(points[start : start + dash + 1], width, colour)

    def crease(self, points: Points, width: float, height: int) -> None:
        """Change the relief along ``points``, not the colour."""
        corners = (points @ self.matrix + self.offset).ravel().tolist()
        pixels = max(1, round(width * self.unit))
        self._relief.line(corners, fill=height, width=pixels)

    def cut(self, outline: Points) -> None:
        """Make a hole: the background shows."""
        corners = (outline @ self.matrix + self.offset).ravel().tolist()
        self._ink.polygon(corners, fill=(0, 0, 0, 0))
        self._relief.polygon(corners, fill=0)

    def centre(self, x: float, y: float) -> None:
        """Move the finished product so that the middle of what is drawn lies at pixel (x, y)."""
        left, top, right, bottom = self.ink.getbbox() or (0, 0, self.side, self.side)
        across, down = round((left + right) / 2 - x), round((top + bottom) / 2 - y)
        window = (across, down, across + self.side, down + self.side)
        self.ink, self.relief = self.ink.crop(window), self.relief.crop(window)
        self.offset = self.offset - (across, down)

    def grid(self, size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the product coordinates x, y of the pixels of a size x size picture."""
        inverse = np.linalg.inv(self.matrix).astype(np.float32)
        steps = (np.arange(size, dtype=np.float32) + 0.5) * (self.side / size)
        columns = (steps - self.offset[0]).astype(np.float32)[None, :]
        rows = (steps - self.offset[1]).astype(np.float32)[:, None]
        x = columns * inverse[0, 0] + rows * inverse[1, 0]
        y = columns * inverse[0, 1] + rows * inverse[1, 1]
        return x, y
