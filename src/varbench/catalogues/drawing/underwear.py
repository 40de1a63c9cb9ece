"""A brassiere, seen from the front; the right half is drawn, the left one mirrored."""

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
from varbench.catalogues.drawing.look import Palette, darker, lighter


def brassiere(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """A brassiere with two cups, or one for sports."""
    if rng.random() < 0.6:
        _two_cups(canvas, palette, rng)
    else:
        _for_sports(canvas, palette, rng)


def _two_cups(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """Two cups on a band, thin shoulder straps with sliders."""
    centre, drop = rng.uniform(0.36, 0.42), rng.uniform(0.0, 0.1)
    band = rng.uniform(0.14, 0.34)
    strap = rng.uniform(0.05, 0.1)
    low = 0.42 + drop
    top_x = rng.uniform(0.4, 0.54)
    # The far side of the band closes the ring behind the cups.
    canvas.fill(
        mirrored(
            path(
                curve((0, 0.1), (0.5, 0.08), (0.9, 0.02)), curve((0.92, 0.2), (0.5, 0.3), (0, 0.32))
            )
        ),
        darker(palette.main, 0.4),
        60,
    )
    for side in (1, -1):
        canvas.line(
            curve((side * 0.72, 0.1), (side * (top_x + 0.12), -0.5), (side * top_x, -0.92)),
            strap,
            darker(palette.main, 0.35),
            70,
        )
    wing = path(
        curve((0.5, low + 0.02), (0.8, 0.3), (0.94, 0.22)),
        curve((0.94, 0.0), (0.84, 0.06), (0.66, -0.02)),
    )
    for part in (wing, flipped(wing)):
        canvas.fill(part, palette.main if rng.random() < 0.5 else palette.fabric, 110)
    bridge = mirrored(
        path(
            [(0, 0.12)],
            curve((0.02, 0.12), (0.2, 0.28), (0.6, low + 0.02)),
            curve((0.6, low + band * 0.7), (0.3, low + band * 0.9), (0, low + band * 0.7)),
        )
    )
    canvas.fill(bridge, palette.fabric, 115)
    peak = rng.uniform(-0.32, -0.2)
    edge = curve((0.04, 0.14), (0.2, -0.06), (0.36, -0.22), (0.5, peak - 0.06))
    outer = curve((0.5, peak - 0.06), (0.64, -0.14), (0.74, 0.08))
    wire = curve(
        (0.74, 0.08), (0.68, low - 0.06), (centre, low + 0.06), (0.12, low - 0.1), (0.04, 0.14)
    )
    cup = path(edge, outer, wire)
    lace = lighter(palette.second, 0.2) if rng.random() < 0.6 else palette.seam
    for part in (cup, flipped(cup)):
        canvas.fill(part, palette.fabric, 150)
    canvas.both(wire, 0.035, palette.seam, 128)
    if rng.random() < 0.6:
        for x, y in edge[::3]:
            for sign in (1, -1):
                canvas.fill(ellipse(sign * x, y, 0.05, 0.045), lace, 155)
    else:
        canvas.both(edge, 0.05, lace, 160)
    seam = curve((0.08, 0.2), (centre, 0.1), (0.7, 0.14))
    if rng.random() < 0.5:
        canvas.both(seam, 0.025, palette.seam)
    canvas.line(
        curve((-0.6, low + band * 0.68), (0, low + band * 0.66), (0.6, low + band * 0.68)),
        0.035,
        palette.seam,
    )
    for side in (1, -1):
        canvas.line(
            curve((side * 0.5, peak), (side * (top_x + 0.04), -0.6), (side * top_x, -0.94)),
            strap,
            palette.main,
            130,
        )
        canvas.fill(ellipse(side * (top_x + 0.03), -0.58, 0.05, 0.03), (214, 196, 140), 180)
    if rng.random() < 0.6:  # bow
        for side in (1, -1):
            canvas.fill(
                straight((0, 0.16), (side * 0.1, 0.1), (side * 0.1, 0.23)), palette.accent, 170
            )


def _for_sports(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """One piece: broad straps, a scooped neck, an elastic band."""
    top, low = rng.uniform(-0.84, -0.74), rng.uniform(0.3, 0.44)
    inner, broad = rng.uniform(0.22, 0.3), rng.uniform(0.14, 0.2)
    body, dip = rng.uniform(0.6, 0.68), rng.uniform(-0.3, -0.1)
    outer = inner + broad
    # The back, seen through the neck.
    canvas.fill(
        mirrored(
            path(
                [(0, -0.5)],
                curve((0, -0.5), (inner, -0.66), (inner + 0.04, top)),
                [(0.5, 0.0), (0, 0.0)],
            )
        ),
        darker(palette.main, 0.45),
        60,
    )
    neck = curve((0, dip), (0.16, dip - 0.08), (inner - 0.02, dip - 0.3), (inner, top))
    hole = curve((outer, top), (outer + 0.02, -0.5), (body - 0.08, -0.18), (body, -0.08))
    side = curve((body, -0.08), (body - 0.05, 0.2), (body - 0.06, low))
    canvas.fill(mirrored(path(neck, hole, side, [(0, low + 0.02)])), palette.fabric, 130)
    trim = palette.second if rng.random() < 0.6 else palette.accent
    canvas.both(neck, 0.05, trim, 150)
    canvas.both(hole, 0.05, trim, 150)
    for sign in (1, -1):  # the cups, a little moulded
        canvas.crease(ellipse(sign * 0.3, 0.04, 0.24, 0.24), 0.06, 112)
    canvas.both(curve((0.08, 0.2), (0.3, 0.3), (0.54, 0.16)), 0.025, palette.seam)
    band = mirrored(
        straight((0, low), (body - 0.05, low - 0.02), (body - 0.07, low + 0.16), (0, low + 0.18))
    )
    canvas.fill(band, trim if rng.random() < 0.6 else darker(palette.main, 0.2), 145)
    if rng.random() < 0.5:
        canvas.line(
            straight((-0.5, low + 0.08), (0.5, low + 0.08)), 0.03, lighter(palette.accent, 0.3)
        )
