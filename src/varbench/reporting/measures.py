"""What the stored values of a cell's users and of attacked images come to."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from varbench.metrics.proportions import wilson
from varbench.metrics.statistics import two_level

# Columns of a cell's users, by the items that CHR counts (``metrics.counted``): CHR at K, the
# share of the list, and the category's nDCG, all of the same items.
HITS = {"attacked": "category_hits", "seen": "category_hits_seen"}
SHARES = {"attacked": "category_share", "seen": "category_share_seen"}
NDCGS = {"attacked": "category_ndcg", "seen": "category_ndcg_seen"}

UNTOUCHED = "stored images equal the clean ones"
FEW_IMAGES = 10
NETWORK = ("dataset", "defense")


def of_images(images: pd.DataFrame, attack: str, confidence: float = 0.95) -> dict[str, Any]:
    """Return an attack's success rates and the means over its images, with intervals.

    images : of all attacks on a network's images, a row a run and image: attack, success,
        in_target_before, in_source_before, feature_loss, distance, distance_label, and, where they
        were measured, run (0 without), item, success_float (of the image before it is stored) and
        feature_loss_relative. ``success`` is empty for an attack without a target class.

    Success rates have Wilson intervals, means over images t intervals; both cover runs and images
    where there are several runs. ``distance_label`` says what ``perceptual_distance`` is.

    Raises ValueError where a run has other images than the first.
    """
    images = images[images["attack"] == attack]
    if "run" in images:
        images = images.sort_values(["run", "item"])
    by_run = {
        name: _by_run(images, name)
        for name in ("success", "success_float", "feature_loss", "feature_loss_relative")
        if name in images
    }
    rate, low, high = wilson(by_run["success"], confidence)
    there_already = _floats(images["in_target_before"]) == 1
    row: dict[str, Any] = {
        "runs": len(by_run["success"]),
        "images": by_run["success"].shape[1],
        "success_rate": rate,
        "success_rate_low": low,
        "success_rate_high": high,
        "success_rate_float": _mean(by_run.get("success_float")),
        "success_rate_not_target": _mean(_floats(images["success"])[~there_already]),
        "source_share": _mean(_floats(images["in_source_before"])),
    }
    row |= _with_interval("feature_loss", by_run["feature_loss"], confidence)
    row["feature_loss_relative"] = _mean(by_run.get("feature_loss_relative"))
    row |= _with_interval("perceptual_distance", _by_run(images, "distance"), confidence)
    row["distance_label"] = images["distance_label"].iloc[0]
    return row


def table2(
    networks: Mapping[tuple[str, str], pd.DataFrame],
    attacks: Sequence[str],
    flags: Mapping[tuple[str, str, str], Sequence[str]] | None = None,
    *,
    confidence: float = 0.95,
    without: Sequence[str] = (),
) -> pd.DataFrame:
    """Return Table 2: success, feature loss and perceptual distance of each attack.

    networks : of each (dataset, defense) the images of all attacks and runs, as `of_images` takes
        them, and is_lpips
    flags : of each (dataset, defense, attack) what makes its numbers doubtful, in words
    without : columns that the protocol does not say

    A distance that is not LPIPS never stands under that name. An attack with fewer than ten images,
    or one that stores the clean images again, is flagged here.
    """
    table = []
    for network, images in networks.items():
        column = "lpips" if images["is_lpips"].all() else "perceptual_stand_in"
        for attack in attacks:
            row = of_images(images, attack, confidence)
            said = list((flags or {}).get((*network, attack), ()))
            if row["images"] < FEW_IMAGES:
                said.append(f"only {row['images']} attacked image{'s' * (row['images'] != 1)}")
            if row["feature_loss"] == 0 and row["perceptual_distance"] == 0:
                said.append(UNTOUCHED)
            distances = {"lpips": np.nan, "lpips_low": np.nan, "lpips_high": np.nan}
            distances |= {"perceptual_stand_in": np.nan}
            distances[column] = row.pop("perceptual_distance")
            bounds = [row.pop(f"perceptual_distance_{end}") for end in ("low", "high")]
            if column == "lpips":
                distances |= dict(zip(("lpips_low", "lpips_high"), bounds, strict=True))
            label = {"perceptual_label": row.pop("distance_label"), "flags": "; ".join(said)}
            names = dict(zip(NETWORK, network, strict=True))
            table.append(names | {"attack": attack} | row | distances | label)
    return pd.DataFrame(table).drop(columns=list(without))


def _by_run(images: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """Return a column as (R, N); the images are the same in every run."""
    values = _floats(images[column])
    if "run" not in images:
        return values[None]
    runs = [values[rows] for rows in images.reset_index(drop=True).groupby("run").indices.values()]
    if len({len(run) for run in runs}) > 1:
        raise ValueError(f"runs of different images: {[len(run) for run in runs]}")
    return np.array(runs, np.float64)


def _floats(column: pd.Series) -> NDArray[np.float64]:
    """Return numbers or truth values, of which any may be missing in any of pandas' ways."""
    return np.array(column.astype("Float64").to_numpy(na_value=np.nan), np.float64)


def _mean(values: NDArray[np.float64] | None) -> float:
    return float("nan") if values is None or not values.size else float(values.mean())


def _with_interval(name: str, values: NDArray[np.float64], confidence: float) -> dict[str, float]:
    """Return the mean of what cannot be below 0, and the bounds of its interval."""
    if not values.size:
        return dict.fromkeys((name, f"{name}_low", f"{name}_high"), float("nan"))
    found = two_level(values)
    low, high = found.interval(confidence)
    bounds = {f"{name}_low": float(np.maximum(low, 0)), f"{name}_high": float(high)}
    return {name: float(found.mean)} | bounds
