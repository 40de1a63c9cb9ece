"""What the stored values of a cell's users and of attacked images come to."""

from typing import Any

import pandas as pd

from varbench.metrics.visual import success_rates

# Columns of a cell's users, by the items that CHR counts (``metrics.counted``): CHR at K, and the
# share of the list.
HITS = {"attacked": "category_hits", "seen": "category_hits_seen"}
SHARES = {"attacked": "category_share", "seen": "category_share_seen"}


def of_images(images: pd.DataFrame, attack: str) -> dict[str, Any]:
    """Return an attack's success rates and the means over its images.

    images : of all attacks on a network's images: attack, success, in_target_before,
        in_source_before, feature_loss, distance, distance_label

    ``distance_label`` says what ``perceptual_distance`` is.
    """
    images = images[images["attack"] == attack]
    success, not_target = success_rates(
        images["success"].to_numpy(), images["in_target_before"].to_numpy()
    )
    return {
        "images": len(images),
        "success_rate": success,
        "success_rate_not_target": not_target,
        "source_share": images["in_source_before"].mean(),
        "feature_loss": images["feature_loss"].mean(),
        "perceptual_distance": images["distance"].mean(),
        "distance_label": images["distance_label"].iloc[0],
    }
