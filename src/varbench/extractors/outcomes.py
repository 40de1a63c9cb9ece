"""What a network makes of attacked images, one row an image."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from varbench.extractors.extract import ReadOut

Pixels = NDArray[np.uint8]


def distances(clean: Sequence[Pixels], attacked: Sequence[Pixels]) -> pd.DataFrame:
    """Return how far each stored image is from its clean one, in [0, 1]: l_inf and l_2."""
    change = [(a.astype(np.float64) - b) / 255 for a, b in zip(attacked, clean, strict=True)]
    return pd.DataFrame(
        {
            "l_inf": [np.abs(delta).max() for delta in change],
            "l_2": [np.sqrt((delta**2).sum()) for delta in change],
        }
    )


def outcomes(
    before: ReadOut,
    after: ReadOut,
    *,
    source_class: int,
    target_class: int,
    aims_at_class: bool = True,
    float_classes: "pd.Series[int] | None" = None,
    reference: NDArray[np.float32] | None = None,
) -> pd.DataFrame:
    """Return what changed for the network, from the clean images to the attacked ones.

    source_class, target_class : of the dataset
    aims_at_class : whether the attack's success is the predicted class; it has none otherwise
    float_classes : what the network saw in the images before they were stored, if that is known
    reference : (1, D) the features that the attack aimed at, if it did

    Columns: class_before, class_after, their probabilities and the target class's, in_source_before
    and in_target_before, success and success_float (before the image was stored; missing where
    there is none), and the distances to the reference.
    """
    table = pd.DataFrame(
        {
            "class_before": before.classes,
            "class_after": after.classes,
            "probability_before": before.probabilities,
            "probability_after": after.probabilities,
            "target_probability_before": before.target_probabilities,
            "target_probability_after": after.target_probabilities,
            "in_source_before": before.classes == source_class,
            "in_target_before": before.classes == target_class,
        }
    )
    for column, classes in (("success", after.classes), ("success_float", float_classes)):
        known = aims_at_class and classes is not None
        reached = np.asarray(classes) == target_class if known else pd.NA
        table[column] = pd.Series(reached, table.index, "boolean")
    if reference is not None:
        for when, seen in (("before", before), ("after", after)):
            away = np.linalg.norm(seen.features - reference, axis=1)
            table[f"reference_distance_{when}"] = away
    return table
