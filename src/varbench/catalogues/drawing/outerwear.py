"""Coats, seen from the front; the right half is drawn, the left one mirrored."""

import numpy as np

from varbench.catalogues.drawing.canvas import (
    Canvas,
    curve,
    ellipse,
    flipped,
    mirrored,
    path,
    straight,
)
from varbench.catalogues.drawing.look import Palette, darker, lighter, mix


def trench_coat(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """A long coat: lapels, two rows of buttons, a belt, a flared skirt."""
    shoulder, waist = rng.uniform(0.4, 0.46), rng.uniform(0.28, 0.34)
    flare, hem = rng.uniform(0.42, 0.56), rng.uniform(0.86, 0.96)
    belt = rng.uniform(0.0, 0.1)
    sleeve = path(
        curve(
            (0.18, -0.82),
            (shoulder, -0.74),
            (shoulder + 0.1, -0.5),
            (shoulder + 0.16, -0.1),
            (shoulder + 0.18, 0.26),
        ),
        curve((shoulder - 0.0, 0.28), (shoulder - 0.05, -0.1), (shoulder - 0.1, -0.5)),
    )
    for part in (sleeve, flipped(sleeve)):
        canvas.fill(part, palette.fabric, 105)
        canvas.line(part, 0.02, palette.seam)
    half = path(
        [(0, -0.84)],
        curve((0.16, -0.84), (0.34, -0.76), (shoulder - 0.06, -0.5), (waist + 0.02, belt - 0.1)),
        curve((waist, belt), (0.4, 0.4), (flare, hem)),
        [(0, hem)],
    )
    canvas.fill(mirrored(half), palette.fabric, 122)
    canvas.line(straight((0.06, -0.3), (0.06, hem)), 0.028, palette.seam, 100)
    for x in (-0.18, 0.1):  # folds of the skirt
        canvas.crease(straight((x, belt + 0.1), (x * 1.9, hem)), 0.05, 108)
    canvas.fill(
        straight((-0.1, -0.84), (0.1, -0.84), (0.02, -0.34), (-0.02, -0.34)),
        darker(palette.second, 0.1),
        80,
    )
    lapel = straight(
        (0.08, -0.9), (0.26, -0.72), (0.22, -0.58), (0.28, -0.54), (0.02, -0.24), (0.03, -0.4)
    )
    lining = darker(palette.main, 0.16) if rng.random() < 0.7 else palette.second
    for part in (lapel, flipped(lapel)):
        canvas.fill(part, lining, 145)
        canvas.line(path(part, part[:1]), 0.02, palette.seam)
    collar = curve((-0.13, -0.88), (0, -0.94), (0.13, -0.88))
    canvas.line(collar, 0.09, lining, 140)
    button = (
        darker(palette.second, 0.5) if sum(palette.main) > 300 else lighter(palette.second, 0.4)
    )
    for y in (-0.2, -0.06, belt + 0.24, belt + 0.42):
        for x in (-0.13, 0.13):
            canvas.fill(ellipse(x, y, 0.035, 0.035), button, 175)
    strap = (
        darker(palette.main, 0.3) if rng.random() < 0.7 else mix(palette.second, palette.main, 0.2)
    )
    canvas.fill(
        straight(
            (-waist - 0.03, belt - 0.02),
            (waist + 0.03, belt - 0.02),
            (waist + 0.03, belt + 0.1),
            (-waist - 0.03, belt + 0.1),
        ),
        strap,
        150,
    )
    buckle = straight(
        (-0.08, belt - 0.03),
        (0.06, belt - 0.03),
        (0.06, belt + 0.11),
        (-0.08, belt + 0.11),
        (-0.08, belt - 0.03),
    )
    canvas.line(buckle, 0.03, (206, 186, 130), 180)
    if rng.random() < 0.5:
        canvas.line(
            curve((-0.04, belt + 0.06), (-0.14, belt + 0.22), (-0.1, belt + 0.38)), 0.07, strap, 150
        )
    for side in (1, -1):
        canvas.line(
            straight((side * (shoulder - 0.02), 0.16), (side * (shoulder + 0.17), 0.15)),
            0.05,
            strap,
            130,
        )
        canvas.line(
            straight((side * 0.24, belt + 0.26), (side * 0.34, belt + 0.44)),
            0.045,
            palette.seam,
            135,
        )
    if rng.random() < 0.6:
        canvas.both(straight((0.26, -0.78), (shoulder + 0.02, -0.68)), 0.05, strap, 140)
