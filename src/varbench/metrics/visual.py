"""How far an attack moves an image: for the classifier, and in the features.

One value an image; tables average them. What the eye notices is in perceptual.py and stand_in.py.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def success_rates(
    success: NDArray[np.bool_], in_target_before: NDArray[np.bool_]
) -> tuple[float, float]:
    """Return the share of successes among all images, and among those that were not a success yet.

    The first is the paper's SR: it also counts images that the network put in the target class
    before any attack. The second leaves these out (D13). ``success`` and ``in_target_before`` (N,)
    say of the attacked and of the clean images whether they are in the target class; a rate of no
    images is NaN.
    """
    movable = success[~in_target_before]
    return (
        float(success.mean()) if success.size else float("nan"),
        float(movable.mean()) if movable.size else float("nan"),
    )


def feature_losses(clean: NDArray[Any], attacked: NDArray[Any]) -> NDArray[np.float64]:
    """Return each image's mean squared difference over its features, (N, D) and (N, D) -> (N,)."""
    if clean.shape != attacked.shape:
        raise ValueError(f"features of different shape: {clean.shape} and {attacked.shape}")
    # In float64: a hardened network's features move by less than float32 resolves once squared.
    losses: NDArray[np.float64] = np.square(clean.astype(np.float64) - attacked).mean(axis=1)
    return losses


def feature_variance(features: NDArray[Any]) -> float:
    """Return the mean over the features of their variance over a catalogue, (items, D).

    Networks have units of their own. A feature loss over the variance of the clean catalogue's
    features compares them: 2 is as far as one item is from another on average. NaN where nothing
    varies.
    """
    # float64 as above; a column at a time would be slow, and a copy is as large as the catalogue.
    variance = float(np.var(features, axis=0, dtype=np.float64).mean())
    return variance or float("nan")
