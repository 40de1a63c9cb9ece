"""Shirts, seen from the front; the right half is drawn, the left one mirrored."""

import numpy as np

from varbench.catalogues.drawing.canvas import (
    Canvas,
    Colour,
    Points,
    curve,
    ellipse,
    flipped,
    mirrored,
    path,
    straight,
)
from varbench.catalogues.drawing.look import Palette, darker, lighter


def _print(canvas: Canvas, palette: Palette, rng: np.random.Generator, y: float) -> None:
    """A print on the chest: a number, a disc, bars, a triangle, or nothing."""
    colour = palette.accent if rng.random() < 0.6 else lighter(palette.second, 0.3)
    kind = rng.integers(6)
    if kind == 0:
        for x in (-0.13, 0.13) if rng.random() < 0.6 else (0.0,):
            digit = path(
                [(x - 0.08, y - 0.17), (x + 0.08, y - 0.17)],
                [(x + 0.08, y), (x - 0.06, y)],
                [(x - 0.06, y + 0.18), (x + 0.09, y + 0.18)],
            )
            canvas.line(digit, 0.06, colour)
    elif kind == 1:
        canvas.fill(ellipse(0, y, 0.2, 0.2), colour, 122)
        canvas.fill(ellipse(0.05, y - 0.03, 0.12, 0.12), lighter(colour, 0.4), 122)
    elif kind == 2:
        for step in range(3):
            canvas.line(
                straight(
                    (-0.28, y - 0.1 + 0.11 * step), (0.28 - 0.1 * step, y - 0.1 + 0.11 * step)
                ),
                0.05,
                colour,
            )
    elif kind == 3:
        canvas.fill(straight((-0.22, y + 0.16), (0, y - 0.2), (0.22, y + 0.16)), colour, 122)
    elif kind == 4:
        canvas.fill(ellipse(0.24, y - 0.08, 0.07, 0.07), colour, 122)


def _neck(
    canvas: Canvas,
    palette: Palette,
    rng: np.random.Generator,
    width: float,
    y: float,
    *,
    collar: bool,
) -> None:
    """Neck of a shirt: the inside of the back, a round or V neck or, with ``collar``, a polo."""
    kind = rng.integers(3 if collar else 2)
    depth = rng.uniform(0.12, 0.2) + (0.12 if kind == 1 else 0)
    back = curve((-width, y), (0, y + 0.07), (width, y))
    canvas.fill(
        path(
            back,
            curve((width, y), (0.6 * width, y + depth * 0.8), (0, y + depth)),
            curve((0, y + depth), (-0.6 * width, y + depth * 0.8), (-width, y)),
        ),
        darker(palette.main, 0.5),
        60,
    )
    canvas.line(back, 0.05, darker(palette.second, 0.2), 80)
    if kind == 1:
        canvas.line(straight((-width, y), (0, y + depth), (width, y)), 0.06, palette.second, 140)
    elif kind == 2:
        flap = straight(
            (width, y - 0.03), (width + 0.06, y + 0.1), (0.12, y + depth + 0.1), (0, y + depth)
        )
        for side in (flap, flipped(flap)):
            canvas.fill(side, palette.second, 145)
        canvas.line(
            straight((0, y + depth), (0, y + depth + 0.26)),
            0.07,
            darker(palette.second, 0.15),
            130,
        )
    else:
        canvas.line(
            curve(
                (-width, y),
                (-0.6 * width, y + depth * 0.8),
                (0, y + depth),
                (0.6 * width, y + depth * 0.8),
                (width, y),
            ),
            0.06,
            palette.second,
            140,
        )


def jersey(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """A T-shirt or sports shirt: short sleeves or none."""
    sleeveless = rng.random() < 0.4
    neck, top = rng.uniform(0.2, 0.28), -0.82
    body, hem = rng.uniform(0.46, 0.56), rng.uniform(0.5, 0.76)
    armpit = (body, -0.3)
    side = curve(armpit, (body - 0.02, 0.2), (body + 0.01, hem))
    trim = palette.second if rng.random() < 0.6 else palette.accent
    if sleeveless:
        hole = curve((neck + 0.14, top - 0.02), (neck + 0.1, -0.56), (body - 0.08, -0.36), armpit)
        half = path([(0, top), (neck, top)], hole, side, [(0, hem + 0.02)])
        canvas.fill(mirrored(half), palette.fabric, 120)
        canvas.both(hole, 0.06, trim, 132)
    else:
        _sleeved(canvas, palette, trim, neck, top, armpit, side, rng)
    if rng.random() < 0.3:  # side panels
        panel = curve((body - 0.04, -0.2), (body - 0.06, 0.3), (body - 0.02, hem - 0.02))
        canvas.both(panel, 0.08, trim)
    canvas.line(straight((-body, hem - 0.05), (body, hem - 0.05)), 0.02, palette.seam)
    _print(canvas, palette, rng, rng.uniform(-0.15, 0.1))
    _neck(canvas, palette, rng, neck, top, collar=not sleeveless)


def _sleeved(
    canvas: Canvas,
    palette: Palette,
    trim: Colour,
    neck: float,
    top: float,
    armpit: tuple[float, float],
    side: Points,
    rng: np.random.Generator,
) -> None:
    """The body and the short sleeves of a shirt; ``side`` is its outline below the armpit."""
    body, hem = armpit[0], side[-1, 1]
    shoulder, length = rng.uniform(0.5, 0.6), rng.uniform(0.3, 0.5)
    cuff_top = (shoulder + 0.62 * length + 0.1, -0.62 + length)
    cuff_low = (body + 0.55 * length - 0.02, -0.42 + length)
    arm = curve((neck, top), (shoulder, -0.7), (shoulder + 0.12, -0.58), cuff_top)
    half = path([(0, top)], arm, [cuff_low], side, [(0, hem + 0.02)])
    canvas.fill(mirrored(half), palette.fabric, 120)
    if rng.random() < 0.35:  # sleeves of another colour
        seam = curve(armpit, (0.42, -0.5), (neck + 0.1, top + 0.03))
        over = curve((neck + 0.1, top + 0.03), (shoulder, -0.7), cuff_top)
        sleeve = path(over, [cuff_low], seam)
        for part in (sleeve, flipped(sleeve)):
            canvas.fill(part, palette.second, 118)
    canvas.both(
        curve(armpit, (body - 0.05, -0.45), (shoulder - 0.02, -0.7)), 0.025, palette.seam, 108
    )
    if rng.random() < 0.6:
        canvas.both(np.array([cuff_top, cuff_low]), 0.06, trim, 132)


def sweatshirt(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """A sweatshirt: long sleeves, ribbed cuffs and hem, a hood or a round neck."""
    hood = rng.random() < 0.65
    neck, top, hem = 0.24, -0.62 if hood else -0.78, rng.uniform(0.62, 0.74)
    body, reach = rng.uniform(0.46, 0.54), rng.uniform(0.82, 0.96)
    wrist = rng.uniform(0.42, 0.62)
    outer = curve(
        (neck, top), (0.5, top + 0.1), (0.68, top + 0.3), (reach - 0.04, 0.1), (reach, wrist)
    )
    inner = curve((reach - 0.2, wrist + 0.03), (body + 0.14, 0.08), (body, top + 0.52))
    half = path(
        [(0, top)],
        outer,
        inner,
        curve((body, top + 0.52), (body, 0.3), (body - 0.01, hem)),
        [(0, hem)],
    )
    if hood:
        canvas.fill(
            mirrored(
                path(
                    [(0, -0.99)],
                    curve((0, -0.99), (0.24, -0.95), (0.36, -0.7), (0.3, -0.46)),
                    [(0, -0.4)],
                )
            ),
            darker(palette.main, 0.12),
            110,
        )
    canvas.fill(mirrored(half), palette.fabric, 120)
    rib = palette.second if rng.random() < 0.35 else darker(palette.main, 0.2)
    canvas.fill(
        straight(
            (-body, hem - 0.02),
            (body, hem - 0.02),
            (body - 0.05, hem + 0.14),
            (-body + 0.05, hem + 0.14),
        ),
        rib,
        112,
    )
    for x in np.linspace(-body + 0.08, body - 0.08, 11):
        canvas.line(straight((x, hem), (x, hem + 0.12)), 0.02, darker(rib, 0.2))
    cuff = straight(
        (reach + 0.01, wrist - 0.02),
        (reach - 0.21, wrist + 0.02),
        (reach - 0.18, wrist + 0.16),
        (reach, wrist + 0.12),
    )
    for part in (cuff, flipped(cuff)):
        canvas.fill(part, rib, 112)
    canvas.both(
        curve((body, top + 0.52), (body - 0.06, top + 0.3), (0.44, top + 0.08)),
        0.025,
        palette.seam,
        106,
    )
    if hood:
        opening = mirrored(
            path(curve((0, -0.9), (0.17, -0.84), (0.22, -0.66), (0.1, -0.46)), [(0, -0.42)])
        )
        canvas.fill(opening, darker(palette.main, 0.55), 60)
        canvas.line(opening, 0.05, darker(palette.main, 0.08), 140)
        cord = lighter(palette.second, 0.5)
        for side in (1, -1):
            canvas.line(
                curve((side * 0.1, -0.46), (side * 0.13, -0.3), (side * 0.11, -0.12)),
                0.035,
                cord,
                150,
            )
        pocket = mirrored(
            path([(0, 0.2), (0.22, 0.2), (0.34, 0.42), (0.34, hem - 0.04), (0, hem - 0.04)])
        )
        canvas.line(path(pocket, pocket[:1]), 0.03, palette.seam, 134)
    else:
        canvas.fill(
            mirrored(
                path(curve((0, top + 0.17), (0.16, top + 0.12), (neck, top)), [(0, top + 0.05)])
            ),
            darker(palette.main, 0.5),
            60,
        )
        canvas.line(curve((-neck, top), (0, top + 0.18), (neck, top)), 0.08, rib, 135)
    if rng.random() < 0.25 and hood:
        canvas.line(straight((0, -0.44), (0, hem + 0.13)), 0.04, (200, 200, 205), 150)
    else:
        _print(canvas, palette, rng, -0.08 if hood else 0.0)
