"""What a recommender has learnt, multiplied with the features that it ranks by.

A stored model holds p, q, rho, E and the scale of the features, under the names below, and perhaps
biases of the items. So the same
model ranks clean images and attacked ones; nothing is trained for that. No torch here.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from varbench.errors import InputError

FACTORS = ("user_factors", "item_factors", "user_visual_factors", "embedding")
BIAS = "item_bias"  # (items, 1); a model without it has none
SCALE = "feature_scale"  # (1,): what the features were divided by

Model = Mapping[str, NDArray[np.float32]]


def check(model: Model, *, users: int, items: int, features: int) -> None:
    """Raise InputError where a model lacks a matrix, or was trained on other data.

    users, items : of the catalogue
    features : how many values an item's have
    """
    for name in (*FACTORS, SCALE):
        if name not in model:
            raise InputError(f"lacks the tensor {name}; delete it and run again")
    rows = {"user_factors": users, "user_visual_factors": users, "item_factors": items}
    if BIAS in model:
        rows[BIAS] = items
    for name, count in rows.items():
        if len(model[name]) != count:
            raise InputError(
                f"{name} has {len(model[name])} rows where {count} are expected; "
                "delete it and run again"
            )
    width = model["embedding"].shape[1]
    if width != features:
        raise InputError(f"its features had {width} values, these have {features}; run it again")


def ranking_factors(model: Model, features: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Return the matrices that ``ranking.dot_product_scores`` multiplies.

    features : (items, D) as the extractor gives them, of the images that are ranked

    The items' biases, where there are any, are one more column of q; p has ones there.
    """
    factors = {name: model[name] for name in FACTORS if name != "embedding"}
    scaled = (features / model[SCALE]).astype(np.float32, copy=False)
    visual = np.matmul(scaled, model["embedding"].T, dtype=np.float32)  # (items, K)
    if BIAS in model and model[BIAS].any():
        p, q = factors["user_factors"], factors["item_factors"]
        factors["user_factors"] = np.hstack([p, np.ones((len(p), 1), np.float32)])
        factors["item_factors"] = np.hstack([q, model[BIAS]])
    return {**factors, "item_visual_factors": visual}
