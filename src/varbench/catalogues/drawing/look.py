"""How a product looks beyond its category: what users have tastes about."""

import colorsys
from dataclasses import dataclass

import numpy as np

from varbench.catalogues.drawing.canvas import Canvas, Colour, Paint
from varbench.catalogues.drawing.fabric import PATTERNS, printed

COLOURS: dict[str, Colour] = {
    "black": (42, 42, 46),
    "grey": (142, 145, 150),
    "white": (236, 235, 231),
    "beige": (205, 184, 152),
    "brown": (122, 82, 54),
    "red": (190, 44, 46),
    "orange": (222, 118, 44),
    "yellow": (229, 188, 62),
    "green": (62, 128, 78),
    "teal": (40, 142, 146),
    "blue": (58, 102, 184),
    "navy": (38, 52, 98),
    "purple": (122, 78, 152),
    "pink": (224, 134, 160),
}
_NEUTRALS = ("white", "black", "grey", "beige")


@dataclass(frozen=True)
class Look:
    """The main colour (a key of COLOURS) and the pattern (one of PATTERNS) of a product."""

    colour: str
    pattern: str


def random_look(rng: np.random.Generator) -> Look:
    """Return a look for any category: every colour as likely, most fabrics plain."""
    colour = str(rng.choice(list(COLOURS)))
    plain = rng.random() < 0.6
    return Look(colour, PATTERNS[0] if plain else str(rng.choice(PATTERNS[1:])))


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Return the colour ``share`` of the way from ``a`` to ``b``."""
    red, green, blue = (round(x + share * (y - x)) for x, y in zip(a, b, strict=True))
    return red, green, blue


def darker(colour: Colour, share: float = 0.35) -> Colour:
    """Return ``colour`` with a share of black."""
    return mix(colour, (14, 12, 16), share)


def lighter(colour: Colour, share: float = 0.35) -> Colour:
    """Return ``colour`` with a share of white."""
    return mix(colour, (255, 253, 248), share)


@dataclass(frozen=True)
class Palette:
    """The paints of one product.

    Attributes
    ----------
    fabric
        The main material, patterned.
    main
        Its ground colour.
    second, accent
        Colours of trims, panels, prints.
    """

    fabric: Paint
    main: Colour
    second: Colour
    accent: Colour

    @property
    def seam(self) -> Colour:
        """A line that is just visible on the main colour, be it dark or light."""
        return lighter(self.main, 0.25) if sum(self.main) < 200 else darker(self.main, 0.3)


def palette(look: Look, canvas: Canvas, rng: np.random.Generator) -> Palette:
    """Choose the paints of a product with this look."""
    others = [name for name in COLOURS if name != look.colour]
    trims = others if rng.random() < 0.25 else [name for name in _NEUTRALS if name != look.colour]
    main = _dyed(look.colour, rng)
    second = _dyed(trims[rng.integers(len(trims))], rng)
    accent = _dyed(others[rng.integers(len(others))], rng)
    printing = second
    if sum(abs(a - b) for a, b in zip(main, second, strict=True)) < 140:
        # A pattern of two similar colours would not be seen.
        printing = lighter(main, 0.6) if sum(main) < 380 else darker(main, 0.5)
    tones = (main, mix(main, printing, 0.45), mix(main, printing, 0.9))
    return Palette(printed(look.pattern, tones, canvas, rng), main, second, accent)


def _dyed(name: str, rng: np.random.Generator) -> Colour:
    """Return a colour by name, varied as dyes are."""
    red, green, blue = COLOURS[name]
    hue, lightness, saturation = colorsys.rgb_to_hls(red / 255, green / 255, blue / 255)
    hue += rng.normal(0, 0.012)
    lightness = min(max(lightness * rng.normal(1, 0.08), 0.1), 0.95)
    saturation = min(max(saturation * rng.normal(1, 0.15), 0.0), 0.9)
    red, green, blue = (round(255 * v) for v in colorsys.hls_to_rgb(hue % 1, lightness, saturation))
    return red, green, blue
