"""Shoes, seen from the side, toe to the right."""

import numpy as np

from varbench.catalogues.drawing.canvas import (
    Canvas,
    Points,
    between,
    closed,
    curve,
    ellipse,
    path,
    straight,
)
from varbench.catalogues.drawing.look import Palette, darker, lighter, mix

_DEPTH = 0.15  # the far edge of a footbed is seen this much above the near edge


def _sole(rng: np.random.Generator, heel: float, toe: float) -> tuple[Points, Points]:
    """Return the upper edge of a sole, heel to toe, and its lower edge."""
    spring = rng.uniform(0.02, 0.12)
    top = curve((-0.93, 0.3), (-0.5, 0.36), (0, 0.38), (0.5, 0.35), (0.82, 0.3), (0.99, 0.24))
    bottom = curve(
        (-0.96, 0.3 + heel),
        (-0.5, 0.36 + heel),
        (-0.05, 0.36 + 0.5 * (heel + toe)),
        (0.5, 0.37 + toe),
        (0.8, 0.35 + toe - spring / 2),
        (1.02, 0.32 + 0.3 * toe - spring / 2),
    )
    return top, bottom


def running_shoe(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """A sports shoe: thick sole, closed upper, laces, a logo on the side."""
    heel, toe = rng.uniform(0.2, 0.34), rng.uniform(0.12, 0.2)
    top, bottom = _sole(rng, heel, toe)
    lift = rng.uniform(-0.06, 0.08)  # height of the collar
    box = rng.uniform(-0.04, 0.05)  # height of the toe box
    heel_edge = curve((-0.91, 0.36), (-0.97, 0.1), (-0.92, -0.2), (-0.9, -0.48 - lift))
    collar = curve(
        (-0.9, -0.48 - lift), (-0.72, -0.3 - lift), (-0.5, -0.32 - lift), (-0.3, -0.5 - lift)
    )
    tongue = curve((-0.34, -0.5 - lift), (-0.24, -0.7 - lift), (-0.1, -0.66 - lift), (0.02, -0.42))
    throat = curve((-0.08, -0.56 - lift), (0.14, -0.28), (0.4, -0.12 + box))
    toe_edge = curve((0.4, -0.12 + box), (0.72, -0.06 + box), (0.93, 0.08 + box), (0.98, 0.34))

    lining = mix(palette.main, (40, 38, 42), 0.75)
    canvas.fill(
        closed((-0.88, -0.44 - lift), (-0.55, -0.5 - lift), (-0.2, -0.6), (-0.4, -0.2)), lining, 60
    )
    canvas.fill(path(tongue, [(-0.2, -0.3)]), lighter(palette.second, 0.1), 80)
    canvas.fill(path(heel_edge, collar, throat, toe_edge, top[::-1]), palette.fabric, 120)
    canvas.line(collar, 0.07, darker(palette.second, 0.15), 140)

    trim = palette.second if rng.random() < 0.7 else palette.accent
    if rng.random() < 0.6:  # toe cap
        reach = rng.uniform(0.6, 0.78)
        cap = path(
            curve((reach, 0.4), (reach + 0.02, 0.16), (0.78, -0.03 + box)),
            curve((0.78, -0.03 + box), (0.93, 0.08 + box), (0.98, 0.34)),
        )
        canvas.fill(cap, trim, 132)
    if rng.random() < 0.7:  # heel counter
        canvas.fill(
            path(
                heel_edge[: len(heel_edge) * 3 // 4],
                curve((-0.8, -0.2), (-0.6, 0.05), (-0.5, 0.38)),
            ),
            trim,
            132,
        )
    _logo(canvas, palette, rng)
    stay = path(throat[2:], [(0.44, 0.0), (0.3, 0.02), (0.0, -0.24), (-0.16, -0.4 - lift)])
    canvas.fill(stay, darker(palette.second, 0.2), 138)
    laces = lighter(palette.second, 0.75) if rng.random() < 0.75 else palette.accent
    count = int(rng.integers(4, 7))
    for share in np.linspace(0.06, 0.9, count):
        x, y = throat[round(share * (len(throat) - 1))]
        canvas.line(straight((x - 0.11, y + 0.12), (x + 0.04, y - 0.05)), 0.055, laces, 170)

    midsole = lighter(palette.second, rng.uniform(0.3, 0.9))
    canvas.fill(path(top, bottom[::-1]), midsole, 150)
    outsole = palette.accent if rng.random() < 0.4 else darker(palette.second, 0.7)
    canvas.fill(path(between(top, bottom, 0.72), bottom[::-1]), outsole, 140)
    if rng.random() < 0.6:
        canvas.line(between(top, bottom, 0.4)[2:-6], 0.035, trim)
    for index in range(3, len(bottom) - 6, 4):  # tread
        x, y = bottom[index]
        canvas.cut(straight((x, y + 0.04), (x + 0.02, y - 0.05), (x + 0.05, y + 0.04)))


def _logo(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """Put a maker's mark on the side of a running shoe."""
    colour = lighter(palette.second, 0.4) if rng.random() < 0.5 else palette.accent
    kind = rng.integers(5)
    if kind == 0:
        for x in (-0.3, -0.12, 0.06):
            canvas.line(straight((x - 0.06, -0.16), (x + 0.1, 0.36)), 0.075, colour, 134)
    elif kind == 1:
        swoosh = path(
            curve((-0.48, -0.04), (-0.42, 0.22), (-0.1, 0.2), (0.42, -0.02)),
            curve((0.42, -0.02), (0.0, 0.3), (-0.44, 0.34), (-0.48, -0.04)),
        )
        canvas.fill(swoosh, colour, 134)
    elif kind == 2:
        zigzag = straight((-0.34, 0.3), (-0.26, -0.1), (-0.02, 0.26), (0.06, -0.12))
        canvas.line(zigzag, 0.085, colour, 134)
    elif kind == 3:
        canvas.line(
            curve((-0.5, 0.2), (-0.25, 0.0), (0.0, 0.2), (0.3, 0.1), (0.55, 0.2)), 0.07, colour, 134
        )
    else:
        canvas.line(straight((-0.3, -0.1), (0.05, 0.3)), 0.07, colour, 134)
        canvas.line(straight((0.05, -0.1), (-0.3, 0.3)), 0.07, colour, 134)


def sandal(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """An open shoe: a sole and straps, the background shows between them."""
    heel = rng.uniform(0.36, 0.5) if rng.random() < 0.25 else rng.uniform(0.14, 0.26)
    top, bottom = _sole(rng, heel, rng.uniform(0.1, 0.18))
    far = top - _DEPTH * np.sin(np.linspace(0.3, np.pi - 0.2, len(top)))[:, None] * (0, 1)
    footbed = mix(palette.second, (196, 164, 120), rng.uniform(0.2, 0.8))
    canvas.fill(path(far, top[::-1]), darker(footbed, 0.12), 90)
    canvas.line(far, 0.03, darker(footbed, 0.4), 100)

    kind = rng.integers(4)
    yaw = rng.choice((-0.07, 0.07))
    if kind == 0:  # trekking: two straps and one round the ankle
        wide = rng.uniform(0.2, 0.28)
        _ankle_strap(canvas, palette, rng, rng.uniform(0.1, 0.15))
        _strap(canvas, palette, -0.16, -0.16 + wide, yaw, rng)
        _strap(canvas, palette, 0.4, 0.4 + wide, yaw, rng)
    elif kind == 1:  # slide: one broad band
        _strap(canvas, palette, -0.14, rng.uniform(0.5, 0.66), yaw, rng)
    elif kind == 2:  # dress: thin straps and one round the ankle
        wide = rng.uniform(0.1, 0.15)
        _ankle_strap(canvas, palette, rng, rng.uniform(0.07, 0.1))
        for back in (0.24, 0.54):
            _strap(canvas, palette, back, back + wide, yaw, rng)
        if rng.random() < 0.6:
            canvas.line(
                curve((-0.38, -0.38), (0.0, -0.08), (0.34, 0.08)), 0.08, palette.fabric, 140
            )
    else:  # two broad bands, perhaps a sling round the heel
        if rng.random() < 0.4:
            sling = curve(
                (-0.24, 0.24), (-0.6, -0.1), (-0.92, -0.22), (-0.62, -0.02), (-0.26, 0.36)
            )
            canvas.line(sling, 0.1, darker(palette.main, 0.15), 110)
        _strap(canvas, palette, -0.3, 0.06, yaw, rng)
        _strap(canvas, palette, 0.3, 0.66, yaw, rng)

    canvas.fill(path(top, bottom[::-1]), footbed, 140)
    outsole = darker(palette.second if rng.random() < 0.5 else palette.main, rng.uniform(0.2, 0.7))
    canvas.fill(path(between(top, bottom, rng.uniform(0.35, 0.6)), bottom[::-1]), outsole, 150)
    canvas.line(top[2:-2], 0.03, lighter(footbed, 0.4))


def _strap(
    canvas: Canvas,
    palette: Palette,
    back: float,
    front: float,
    yaw: float,
    rng: np.random.Generator,
) -> None:
    """A strap arched over the foot: the inside of its far half, then its near half."""
    lean = rng.uniform(-0.04, 0.1)
    angle = np.linspace(0, np.pi, 17)  # from the near edge of the footbed over to the far one
    arches = []
    for x in (back, front):
        height = 0.38 - 0.3 * x  # of the foot, lower towards the toes
        across = x + yaw * np.cos(angle) + lean * np.sin(angle)
        up = 0.4 - _DEPTH * (1 - np.cos(angle)) / 2 - height * np.sin(angle) ** 0.8
        arches.append(np.stack([across, up], 1))
    rear, fore = arches
    canvas.fill(path(rear[7:], fore[:6:-1]), darker(palette.main, 0.55), 70)
    near = path(rear[:11], fore[10::-1])
    canvas.fill(near, palette.fabric, 135)
    canvas.line(rear[:11], 0.025, palette.seam, 115)
    canvas.line(fore[:11], 0.025, palette.seam, 115)
    if rng.random() < 0.5:  # buckle
        x, y = (rear[3] + fore[3]) / 2
        canvas.fill(ellipse(x, y, 0.06, 0.06), (214, 190, 120), 190)
        canvas.fill(ellipse(x, y, 0.022, 0.022), palette.main, 120)


def _ankle_strap(canvas: Canvas, palette: Palette, rng: np.random.Generator, width: float) -> None:
    """A strap round the ankle, held at the heel and in front."""
    y = rng.uniform(-0.5, -0.38)
    canvas.line(
        curve((-0.9, y), (-0.64, y - 0.12), (-0.36, y + 0.02)), width, darker(palette.main, 0.5), 80
    )
    canvas.line(curve((-0.9, y), (-0.95, -0.05), (-0.88, 0.34)), width * 1.3, palette.fabric, 110)
    foot = (-0.46, 0.38) if rng.random() < 0.6 else (-0.1, 0.36)
    canvas.line(curve((-0.4, y + 0.06), (foot[0] + 0.02, 0.0), foot), width, palette.fabric, 120)
    canvas.line(curve((-0.9, y), (-0.68, y + 0.13), (-0.36, y + 0.02)), width, palette.fabric, 130)
    canvas.fill(ellipse(-0.62, y + 0.12, 0.05, 0.06), (222, 200, 130), 190)
