"""Product pictures drawn by code: one garment, shoe or accessory in a photographer's studio."""

from varbench.catalogues.drawing.draw import CATEGORIES, draw
from varbench.catalogues.drawing.fabric import PATTERNS
from varbench.catalogues.drawing.look import COLOURS, Look, random_look

__all__ = ["CATEGORIES", "COLOURS", "PATTERNS", "Look", "draw", "random_look"]
