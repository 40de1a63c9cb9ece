"""Garments of the lower body, seen from the front."""

import numpy as np

from varbench.catalogues.drawing.canvas import (
    Canvas,
    curve,
    ellipse,
    flipped,
    mirrored,
    moved,
    path,
    straight,
)
from varbench.catalogues.drawing.look import Palette, darker, lighter


def jean(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """Trousers with waistband, fly, pockets and contrast stitching."""
    waist, hip = rng.uniform(0.34, 0.4), rng.uniform(0.44, 0.5)
    top, hem = -0.92, rng.uniform(0.86, 0.96)
    spread, width = rng.uniform(0.34, 0.46), rng.uniform(0.12, 0.19)
    crotch = rng.uniform(-0.3, -0.2)
    outer = curve((waist, top), (hip, -0.5), (spread + width + 0.02, 0.2), (spread + width, hem))
    inner = curve((spread - width, hem), (spread - width - 0.06, 0.3), (0.0, crotch))
    leg = path([(0, top)], outer, inner)
    for part in (leg, flipped(leg)):
        canvas.fill(part, palette.fabric, 120)
    thread = (214, 158, 84) if rng.random() < 0.6 else lighter(palette.main, 0.5)
    for side in (1, -1):
        flip = np.array([side, 1])
        canvas.stitches(outer[2:] * flip + (-0.035 * side, 0), 0.022, thread)
        canvas.line(inner * flip, 0.02, palette.seam)
        canvas.line(
            curve((0.16, top + 0.14), (0.2, -0.62), (hip - 0.02, -0.56)) * flip, 0.03, thread, 112
        )
        knee = (
            curve((spread - width * 0.6, 0.18), (spread, 0.2), (spread + width * 0.6, 0.17)) * flip
        )
        for y in (-0.04, 0.03, 0.1):
            canvas.crease(moved(knee, 0, y), 0.03, 106)
        if rng.random() < 0.25:  # worn knee
            canvas.fill(
                ellipse(side * spread, 0.2, width * 0.6, 0.14), lighter(palette.main, 0.35), 116
            )
    if rng.random() < 0.35:  # turned-up hems
        cuff = straight(
            (spread - width - 0.02, hem - 0.1),
            (spread + width + 0.02, hem - 0.1),
            (spread + width + 0.02, hem + 0.02),
            (spread - width - 0.02, hem + 0.02),
        )
        for part in (cuff, flipped(cuff)):
            canvas.fill(part, lighter(palette.main, 0.45), 140)
    band = mirrored(
        straight(
            (0, top - 0.02),
            (waist + 0.01, top - 0.02),
            (waist + 0.025, top + 0.11),
            (0, top + 0.12),
        )
    )
    canvas.fill(band, darker(palette.main, 0.12), 135)
    canvas.line(straight((-waist - 0.01, top + 0.11), (waist + 0.01, top + 0.11)), 0.025, thread)
    for x in (-0.26, -0.1, 0.12, 0.27):
        canvas.line(
            straight((x, top - 0.04), (x, top + 0.14)), 0.04, darker(palette.main, 0.25), 150
        )
    canvas.line(curve((0.0, top + 0.1), (0.0, crotch)), 0.03, palette.seam, 104)
    canvas.line(curve((0.1, top + 0.12), (0.1, -0.5), (0.0, crotch + 0.06)), 0.025, thread)
    canvas.fill(ellipse(0.02, top + 0.05, 0.04, 0.04), (216, 190, 130), 180)


def miniskirt(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """A short flared skirt: pleats, buttons or a ruffle."""
    waist, flare = rng.uniform(0.38, 0.48), rng.uniform(0.68, 0.94)
    top, hem = rng.uniform(-0.7, -0.55), rng.uniform(0.5, 0.7)
    sag = rng.uniform(0.04, 0.12)
    side = curve((waist, top), (waist + 0.14, top + 0.35), (flare, hem - sag))
    canvas.fill(
        mirrored(
            path([(0, top)], side, curve((flare, hem - sag), (flare / 2, hem), (0, hem + sag / 2)))
        ),
        palette.fabric,
        120,
    )
    kind = rng.integers(3)
    if kind == 0:  # pleats
        for share in np.linspace(-0.86, 0.86, int(rng.integers(6, 10))):
            fold = straight(
                (share * waist, top + 0.12), (share * flare, hem + sag / 2 - sag * 1.3 * share**2)
            )
            canvas.line(fold, 0.03, palette.seam, 92)
            canvas.crease(moved(fold, 0.04, 0), 0.04, 142)
    elif kind == 1:  # buttons and pockets
        canvas.line(straight((0, top), (0, hem + sag / 2)), 0.03, palette.seam, 100)
        for y in np.linspace(top + 0.24, hem - 0.12, 5):
            canvas.fill(ellipse(0.05, y, 0.035, 0.035), palette.accent, 170)
        for x in (-1, 1):
            pocket = straight(
                (x * 0.2, top + 0.34),
                (x * 0.46, top + 0.34),
                (x * 0.48, top + 0.62),
                (x * 0.34, top + 0.7),
                (x * 0.22, top + 0.62),
                (x * 0.2, top + 0.34),
            )
            canvas.line(pocket, 0.03, palette.seam, 134)
    else:  # ruffle
        edge = curve(
            (-flare, hem - sag),
            (-flare / 2, hem),
            (0, hem + sag / 2),
            (flare / 2, hem),
            (flare, hem - sag),
        )
        for x, y in edge[::2]:
            canvas.fill(
                ellipse(x * 1.01, y, 0.075, 0.1),
                palette.second if rng.random() < 0.05 else palette.main,
                130,
            )
        canvas.line(edge * (0.97, 1) - (0, 0.12), 0.03, palette.seam, 100)
        for share in (-0.6, -0.25, 0.1, 0.45):
            canvas.crease(straight((share * waist, top + 0.15), (share * flare, hem)), 0.06, 100)
    band = mirrored(
        straight(
            (0, top - 0.06), (waist - 0.01, top - 0.06), (waist + 0.03, top + 0.1), (0, top + 0.12)
        )
    )
    canvas.fill(band, palette.second if rng.random() < 0.5 else darker(palette.main, 0.25), 140)
    if rng.random() < 0.4:
        canvas.fill(ellipse(0, top + 0.02, 0.06, 0.05), (214, 192, 130), 180)
