"""Small things that are worn: hat, glasses, tie, mitten."""

import numpy as np

from varbench.catalogues.drawing.canvas import (
    Canvas,
    closed,
    curve,
    ellipse,
    flipped,
    moved,
    path,
    straight,
)
from varbench.catalogues.drawing.look import Palette, darker, lighter, mix


def cowboy_hat(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """A wide brim turned up at both sides, a creased crown, a band."""
    curl, wide = rng.uniform(0.12, 0.34), rng.uniform(0.9, 1.0)
    crown, top = rng.uniform(0.42, 0.5), rng.uniform(-0.66, -0.52)
    pinch = rng.uniform(0.06, 0.16)
    far = curve((-wide, 0.16 - curl), (-0.5, 0.16), (0, 0.1), (0.5, 0.16), (wide, 0.16 - curl))
    near = curve(
        (wide, 0.16 - curl),
        (0.7, 0.34),
        (0.3, 0.5),
        (0, 0.54),
        (-0.3, 0.5),
        (-0.7, 0.34),
        (-wide, 0.16 - curl),
    )
    canvas.fill(path(far, near), palette.fabric, 110)
    canvas.line(near, 0.05, darker(palette.main, 0.25), 130)
    shape = path(
        curve(
            (-crown, 0.26),
            (-crown + 0.04, -0.1),
            (-crown + 0.12, top + 0.08),
            (-0.2, top),
            (0, top + pinch),
        ),
        curve(
            (0, top + pinch),
            (0.2, top),
            (crown - 0.12, top + 0.08),
            (crown - 0.04, -0.1),
            (crown, 0.26),
        ),
        curve((crown, 0.26), (0, 0.38), (-crown, 0.26)),
    )
    canvas.fill(shape, palette.fabric, 150)
    canvas.line(
        curve((-0.16, top + 0.16), (0, top + pinch + 0.02), (0.16, top + 0.16)),
        0.04,
        palette.seam,
        120,
    )
    for side in (1, -1):
        canvas.crease(
            curve((side * 0.2, top + 0.06), (side * 0.26, top + 0.26), (side * 0.2, top + 0.44)),
            0.08,
            118,
        )
    band = path(
        curve((-crown, 0.26), (0, 0.38), (crown, 0.26)),
        curve((crown - 0.02, 0.1), (0, 0.22), (-crown + 0.02, 0.1)),
    )
    trim = palette.second if rng.random() < 0.6 else palette.accent
    canvas.fill(band, trim, 165)
    if rng.random() < 0.5:
        for x in np.linspace(-0.3, 0.3, 5):
            canvas.fill(ellipse(x, 0.28 - 0.4 * x * x, 0.035, 0.035), lighter(trim, 0.6), 190)


def sunglasses(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """Two tinted lenses, a bridge and temples folded behind."""
    kind = rng.integers(4)
    inner, outer = 0.13, rng.uniform(0.84, 0.94)
    top, low = -0.28, rng.uniform(0.26, 0.4)
    middle = (inner + outer) / 2
    if kind == 0:  # square
        lens = path(
            curve((inner, top + 0.04), (middle, top - 0.02), (outer, top)),
            curve(
                (outer, top),
                (outer - 0.08, low - 0.06),
                (middle, low),
                (inner + 0.08, low - 0.08),
                (inner, top + 0.04),
            ),
        )
    elif kind == 1:  # aviator
        lens = closed(
            (inner + 0.02, top + 0.06),
            (middle, top - 0.04),
            (outer, top + 0.06),
            (outer - 0.04, low - 0.1),
            (middle + 0.06, low + 0.1),
            (inner + 0.1, 0.1),
        )
    elif kind == 2:  # round
        radius = (outer - inner) / 2
        lens = ellipse(middle, 0.04, radius, radius * 0.96)
    else:  # cat eye
        lens = path(
            curve((inner, top + 0.12), (middle, top), (outer + 0.06, top - 0.16)),
            curve(
                (outer + 0.06, top - 0.16),
                (outer - 0.06, low - 0.16),
                (middle, low),
                (inner + 0.06, low - 0.14),
                (inner, top + 0.12),
            ),
        )
    frame = palette.fabric if rng.random() < 0.75 else mix(palette.second, (210, 180, 100), 0.6)
    width = rng.uniform(0.05, 0.08) if kind == 1 else rng.uniform(0.09, 0.15)
    tip = rng.uniform(-0.62, -0.46)
    for side in (1, -1):  # temples
        canvas.line(
            curve((side * 0.92, top + 0.06), (side * 0.78, tip + 0.02), (side * 0.3, tip)),
            0.07,
            darker(palette.main, 0.3),
            80,
        )
    tint = darker(mix((40, 40, 48), palette.accent, rng.uniform(0, 0.5)), rng.uniform(0.1, 0.5))
    for part in (lens, flipped(lens)):
        x, y = part.mean(0)
        rim = 1 + 1.6 * width / (part.max(0) - part.min(0))
        canvas.fill((part - (x, y)) * rim + (x, y), frame, 160)
        canvas.fill(part, tint, 120, opacity=int(rng.integers(215, 256)))
        glare = straight(
            (x - 0.2, y + 0.12), (x + 0.04, y - 0.2), (x + 0.14, y - 0.2), (x - 0.1, y + 0.12)
        )
        if rng.random() < 0.85:
            canvas.fill(glare, lighter(tint, rng.uniform(0.25, 0.5)), 120, opacity=235)
    y = top + (0.1 if kind != 2 else 0.24)
    canvas.line(
        curve((-inner - 0.04, y + 0.06), (0, y - 0.02), (inner + 0.04, y + 0.06)), width, frame, 165
    )
    if kind == 1:
        canvas.line(
            straight((-inner - 0.1, top - 0.02), (inner + 0.1, top - 0.02)), width, frame, 165
        )


def bow_tie(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """Two wings gathered in a knot."""
    height, pinch = rng.uniform(0.36, 0.56), rng.uniform(0.1, 0.18)
    reach = rng.uniform(0.86, 0.97)
    pointed = rng.uniform(-0.12, 0.16)
    wing = path(
        curve((0.08, -pinch), (0.34, -0.24), (0.64, -height), (reach, -height * 0.92)),
        curve((reach, -height * 0.92), (reach + pointed, 0.0), (reach, height * 0.92)),
        curve((reach, height * 0.92), (0.64, height), (0.34, 0.24), (0.08, pinch)),
    )
    if rng.random() < 0.35:  # the strap around the neck
        loop = curve((-0.3, -0.1), (-0.5, -0.62), (0, -0.86), (0.5, -0.62), (0.3, -0.1))
        canvas.line(loop, 0.09, darker(palette.main, 0.2), 80)
    if rng.random() < 0.6:  # the layer behind
        back = wing * (0.94, 0.7) + (0.03, 0.14)
        for part in (back, flipped(back)):
            canvas.fill(part, darker(palette.main, 0.35), 70)
    for part, side in ((wing, 1), (flipped(wing), -1)):
        canvas.fill(part, palette.fabric, 120)
        canvas.line(part, 0.02, palette.seam)
        for y in (-0.16, 0.02, 0.18):
            fold = curve((side * 0.14, y * 0.5), (side * 0.34, y), (side * 0.58, y * 2))
            canvas.line(fold, 0.025, palette.seam, 96)
            canvas.crease(moved(fold, 0, 0.05), 0.04, 146)
    knot = closed((-0.15, -0.17), (0.15, -0.17), (0.17, 0), (0.15, 0.19), (-0.15, 0.19), (-0.17, 0))
    canvas.fill(knot, palette.fabric if rng.random() < 0.7 else palette.second, 175)
    canvas.line(path(knot, knot[:1]), 0.02, palette.seam)


def mitten(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """A knitted mitten: one rounded hand, a thumb, a ribbed cuff."""
    width, top = rng.uniform(0.36, 0.44), rng.uniform(-0.94, -0.82)
    thumb = rng.uniform(0.72, 0.86)
    y = rng.uniform(-0.08, 0.06)
    hand = path(
        curve(
            (-width + 0.06, 0.5),
            (-width, 0.0),
            (-width + 0.02, -0.5),
            (-0.24, top + 0.08),
            (0.0, top),
            (0.24, top + 0.08),
            (width - 0.02, -0.5),
            (width, -0.1),
        ),
        curve(
            (width, -0.1),
            (width + 0.1, y - 0.16),
            (thumb - 0.04, y - 0.34),
            (thumb + 0.1, y - 0.2),
            (thumb, y + 0.02),
            (0.5, y + 0.36),
            (width - 0.06, 0.5),
        ),
    )
    canvas.fill(hand, palette.fabric, 125)
    canvas.crease(curve((width - 0.1, 0.2), (width - 0.02, 0.0), (width + 0.02, -0.14)), 0.05, 100)
    kind = rng.integers(4)
    motif = lighter(palette.second, 0.3) if sum(palette.main) < 400 else darker(palette.accent, 0.1)
    if kind == 0:  # star
        for angle in np.arange(3) * np.pi / 3:
            arm = straight((np.cos(angle), np.sin(angle))) * 0.22
            canvas.line(moved(path(arm, -arm), 0, -0.36), 0.05, motif)
    elif kind == 1:  # bands
        for level in (-0.5, -0.3, -0.1):
            canvas.line(straight((-width + 0.05, level), (width - 0.05, level)), 0.07, motif)
    elif kind == 2:  # cable
        for side in (1, -1):
            canvas.line(
                curve(
                    (side * 0.12, 0.4),
                    (-side * 0.12, 0.15),
                    (side * 0.12, -0.1),
                    (-side * 0.12, -0.35),
                    (side * 0.12, -0.6),
                ),
                0.06,
                palette.seam,
                150,
            )
    cuff = palette.second if rng.random() < 0.6 else darker(palette.main, 0.2)
    low = rng.uniform(0.84, 0.96)
    canvas.fill(
        path(
            curve((-width, 0.46), (0, 0.5), (width, 0.46)),
            curve((width + 0.02, low), (0, low + 0.04), (-width - 0.02, low)),
        ),
        cuff,
        145,
    )
    for x in np.linspace(-width + 0.06, width - 0.06, 8):
        canvas.line(straight((x, 0.5), (x * 1.03, low)), 0.028, darker(cuff, 0.22), 120)
