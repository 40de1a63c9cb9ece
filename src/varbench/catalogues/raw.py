"""What every source of catalogues returns: items, their images, who interacted with them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

INTERACTION_COLUMNS = ("user", "item", "rating", "timestamp")


@dataclass(frozen=True)
class RawCatalogue:
    """A catalogue as its source has it: raw string ids, nothing filtered.

    Attributes
    ----------
    items
        Raw item ids, unique, in the source's order.
    read_image
        ``read_image(i)`` returns the image of ``items[i]``: encoded bytes (JPEG, PNG, ...) or
        uint8 pixels (H, W, 3). Lazy, so that a source larger than memory can be streamed.
    interactions
        Columns ``user`` and ``item`` (raw string ids, perhaps categorical), ``rating`` and
        ``timestamp`` (seconds; NaN where unknown), one row an interaction in the source's order;
        and ``test`` (bool) where the source comes with a split of its own.
    where
        Names the file and row of an interaction or an item in error messages:
        ``where("interaction", row)``, ``where("item", i)``.
    labels
        The true category of each item where the source knows it. Only reported: an item's category
        in the experiment is what the extractor predicts.
    missing
        Items without an image, by index: a message that names the item and the place.
    """

    items: list[str]
    read_image: Callable[[int], bytes | NDArray[np.uint8]]
    interactions: pd.DataFrame
    where: Callable[[str, int], str]
    labels: list[str] | None = None
    missing: Mapping[int, str] = field(default_factory=dict)
