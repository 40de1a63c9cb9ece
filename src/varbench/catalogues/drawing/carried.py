"""Things that are carried: umbrella and backpack."""

from itertools import pairwise

import numpy as np

from varbench.catalogues.drawing.canvas import (
    Canvas,
    closed,
    curve,
    ellipse,
    mirrored,
    path,
    straight,
)
from varbench.catalogues.drawing.look import Palette, darker, lighter, mix


def umbrella(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """An open umbrella: panels with a scalloped edge, a shaft, a hooked handle."""
    top, rim = -0.78, rng.uniform(0.0, 0.12)
    count = int(rng.integers(4, 7))
    wood = mix((120, 84, 52), palette.second, rng.uniform(0, 0.6))
    shaft = rng.uniform(0.02, 0.035) * 2
    hook = rng.choice([-1, 1])
    canvas.line(
        straight((0, -0.92), (0, 0.78)), shaft, mix(palette.second, (150, 150, 155), 0.6), 110
    )
    handle = curve(
        (0, 0.58), (0, 0.8), (hook * 0.1, 0.94), (hook * 0.22, 0.88), (hook * 0.24, 0.76)
    )
    canvas.line(handle, shaft * 1.9, wood, 140)
    ends = np.linspace(-0.97, 0.97, count + 1)
    ribs = [
        curve(
            (0, top), (0.62 * x, top + 0.24 + 0.14 * x * x), (0.9 * x, rim - 0.22), (x, rim + 0.02)
        )
        for x in ends
    ]
    alternate = rng.random() < 0.5
    for index, (left, right) in enumerate(pairwise(ribs)):
        scallop = curve(
            tuple(left[-1]), ((left[-1, 0] + right[-1, 0]) / 2, rim - 0.09), tuple(right[-1])
        )
        panel = path(left, scallop, right[::-1])
        height = round(135 - 40 * abs(2 * (index + 0.5) / count - 1))
        canvas.fill(panel, palette.second if alternate and index % 2 else palette.fabric, height)
        if rng.random() < 0.8:
            canvas.line(scallop, 0.03, darker(palette.main, 0.3))
    for rib in ribs[1:-1]:
        canvas.line(rib, 0.028, palette.seam, 100)
    canvas.fill(ellipse(0, top, 0.05, 0.04), wood, 150)


def backpack(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """A rucksack from the front: front pocket, zips, handle, straps at the sides."""
    width, low = rng.uniform(0.5, 0.62), rng.uniform(0.82, 0.92)
    top = rng.uniform(-0.78, -0.66)
    strap = darker(palette.second if rng.random() < 0.5 else palette.main, 0.35)
    for side in (1, -1):
        canvas.line(
            curve(
                (side * 0.3, top + 0.1),
                (side * (width + 0.2), -0.3),
                (side * (width + 0.18), 0.3),
                (side * (width - 0.06), 0.66),
            ),
            0.11,
            strap,
            80,
        )
    canvas.line(
        curve((-0.16, top + 0.06), (-0.12, top - 0.16), (0.12, top - 0.16), (0.16, top + 0.06)),
        0.07,
        strap,
        100,
    )
    half = path(
        curve(
            (0, top),
            (width * 0.55, top + 0.03),
            (width * 0.95, top + 0.32),
            (width, 0.1),
            (width + 0.01, low - 0.14),
            (width - 0.12, low),
        ),
        [(0, low)],
    )
    canvas.fill(mirrored(half), palette.fabric, 120)
    metal = lighter(palette.second, 0.4)
    for side in (1, -1):  # side pockets
        canvas.fill(
            path(
                curve(
                    (side * width, 0.3),
                    (side * (width + 0.12), 0.36),
                    (side * (width + 0.1), low - 0.12),
                ),
                [(side * (width - 0.02), low - 0.06)],
            ),
            darker(palette.main, 0.3),
            90,
        )
    front = palette.second if rng.random() < 0.4 else darker(palette.main, 0.15)
    y, inner = rng.uniform(0.12, 0.26), width - 0.12
    pocket = mirrored(
        path(
            curve(
                (0, y),
                (inner * 0.8, y + 0.01),
                (inner, y + 0.14),
                (inner, low - 0.2),
                (inner - 0.1, low - 0.06),
            ),
            [(0, low - 0.05)],
        )
    )
    canvas.fill(pocket, front, 160)
    canvas.line(
        curve((-inner + 0.04, y + 0.12), (0, y + 0.08), (inner - 0.04, y + 0.12)),
        0.04,
        darker(front, 0.5),
        130,
    )
    canvas.line(straight((inner * 0.5, y + 0.1), (inner * 0.5, y + 0.22)), 0.04, metal, 180)
    if rng.random() < 0.5:  # flap with two buckled straps
        flap = mirrored(
            path(
                [(0, top)],
                curve(
                    (0, top),
                    (width * 0.6, top + 0.02),
                    (width * 0.97, top + 0.34),
                    (width * 0.9, -0.06),
                    (width * 0.4, 0.02),
                ),
                [(0, 0.03)],
            )
        )
        canvas.fill(flap, palette.fabric, 165)
        canvas.line(flap[4:-4], 0.025, palette.seam)
        for x in (-width * 0.5, width * 0.5):
            canvas.line(straight((x, top + 0.3), (x, y + 0.24)), 0.08, strap, 185)
            canvas.fill(ellipse(x, 0.04, 0.05, 0.06), (212, 192, 132), 215)
    else:  # arched zip and a badge
        canvas.line(
            curve(
                (-width + 0.08, 0.02),
                (-width + 0.12, top + 0.36),
                (0, top + 0.14),
                (width - 0.12, top + 0.36),
                (width - 0.08, 0.02),
            ),
            0.04,
            darker(palette.main, 0.5),
            100,
        )
        badge = mix(palette.accent, palette.second, 0.2)
        canvas.fill(closed((-0.13, -0.28), (0.13, -0.28), (0.13, -0.1), (-0.13, -0.1)), badge, 140)
