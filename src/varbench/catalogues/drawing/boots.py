"""A boot and a sock, seen from the side, toe to the right."""

import numpy as np

from varbench.catalogues.drawing.canvas import (
    Canvas,
    closed,
    curve,
    ellipse,
    path,
    straight,
)
from varbench.catalogues.drawing.look import Palette, darker, lighter, mix


def cowboy_boot(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """A high boot with a dipped top, a slanted heel, a pointed toe and stitching."""
    dip, wide = rng.uniform(0.1, 0.24), rng.uniform(-0.04, 0.05)
    top = rng.uniform(-0.98, -0.8)
    back = curve((-0.58 - wide, top), (-0.52, -0.4), (-0.44, 0.1), (-0.54, 0.42), (-0.52, 0.66))
    front = curve((0.22 + wide, top), (0.18, -0.4), (0.1, 0.1), (0.28, 0.3))
    vamp = curve((0.28, 0.3), (0.56, 0.42), (0.82, 0.56), (1.0, 0.74))
    sole = curve((1.0, 0.74), (0.6, 0.78), (0.2, 0.76), (-0.08, 0.66), (-0.52, 0.66))
    rim = curve(
        (0.22 + wide, top),
        (0.06, top + 0.02),
        (-0.18, top + dip),
        (-0.44, top + 0.02),
        (-0.58 - wide, top),
    )
    far_rim = curve(
        (-0.58 - wide, top),
        (-0.3, top - 0.02),
        (-0.16, top + 0.02),
        (0.0, top - 0.02),
        (0.22 + wide, top),
    )

    canvas.fill(path(rim, far_rim), darker(palette.main, 0.6), 60)
    shaft = path(rim[::-1], front, vamp, sole, back[::-1])
    canvas.fill(shaft, palette.fabric, 120)
    leather = (
        mix(palette.main, palette.second, rng.uniform(0, 0.5))
        if rng.random() < 0.6
        else darker(palette.main, 0.25)
    )
    foot = path(
        curve((-0.5, 0.3), (-0.2, 0.34), (0.06, 0.12), (0.14, 0.08)),
        front[-6:],
        vamp,
        sole,
        back[:-12:-1],
    )
    canvas.fill(foot, leather, 128)
    thread = palette.accent if rng.random() < 0.5 else lighter(palette.main, 0.6)
    for shift in (0.0, 0.13)[: int(rng.integers(1, 3))]:
        x = -0.18
        flame = curve(
            (x, 0.16 - shift),
            (x + 0.22, -0.12),
            (x + 0.08, -0.36 - shift),
            (x + 0.2, -0.62 + dip / 2),
        )
        canvas.line(flame, 0.035, thread)
        canvas.line((flame - (x, 0)) * (-1, 1) + (x, 0), 0.035, thread)
    canvas.line(curve((0.42, 0.56), (0.6, 0.5), (0.78, 0.62)), 0.03, thread)
    canvas.line(rim, 0.05, leather, 140)
    dark = darker(palette.second, 0.75)
    canvas.line(sole[:-6], 0.08, dark, 130)
    canvas.fill(straight((-0.56, 0.64), (-0.12, 0.64), (-0.2, 0.94), (-0.48, 0.94)), dark, 120)
    if rng.random() < 0.5:  # spur strap
        canvas.line(curve((-0.5, 0.4), (-0.1, 0.36), (0.2, 0.26)), 0.06, dark, 140)
        canvas.fill(ellipse(-0.1, 0.37, 0.05, 0.05), (216, 200, 150), 180)


def sock(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """A sock with a ribbed cuff, heel and toe of another colour."""
    top = rng.uniform(-0.95, -0.55)
    wide = rng.uniform(-0.05, 0.05)
    left, right = -0.52 - wide, 0.06 + wide
    body = path(
        curve(
            (right, top),
            (right - 0.02, -0.3),
            (right + 0.02, 0.08),
            (0.3, 0.32),
            (0.74, 0.46),
            (0.95, 0.66),
            (0.82, 0.86),
        ),
        curve(
            (0.82, 0.86),
            (0.4, 0.84),
            (-0.1, 0.8),
            (-0.44, 0.72),
            (-0.58, 0.42),
            (left + 0.04, -0.1),
            (left, top),
        ),
    )
    canvas.fill(body, palette.fabric, 120)
    patch = palette.second if rng.random() < 0.8 else palette.accent
    if rng.random() < 0.85:
        canvas.fill(
            closed(
                (-0.5, 0.2),
                (-0.24, 0.42),
                (-0.12, 0.66),
                (-0.2, 0.79),
                (-0.46, 0.71),
                (-0.58, 0.44),
            ),
            patch,
            124,
        )
        canvas.fill(
            path(
                curve((0.6, 0.4), (0.56, 0.62), (0.6, 0.86)),
                curve((0.6, 0.86), (0.84, 0.86), (0.95, 0.68), (0.74, 0.46)),
            ),
            patch,
            124,
        )
    cuff = top + rng.uniform(0.14, 0.26)
    canvas.fill(
        straight(
            (left - 0.02, top), (right + 0.02, top), (right + 0.01, cuff), (left + 0.01, cuff)
        ),
        patch,
        136,
    )
    for x in np.linspace(left + 0.05, right - 0.05, 8):
        canvas.line(straight((x, top + 0.01), (x, cuff)), 0.025, darker(patch, 0.2), 118)
    if rng.random() < 0.5:
        for y in cuff + np.cumsum([0.1, 0.13]):
            canvas.line(straight((left + 0.03, y), (right - 0.01, y)), 0.06, palette.accent)
    for y in (0.26, 0.36, 0.46):  # folds at the ankle
        canvas.crease(curve((0.16, y - 0.08), (0.0, y), (-0.14, y + 0.02)), 0.04, 104)
