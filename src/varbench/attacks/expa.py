"""The expert attack on items' images (EXPA: Liu and Larson, "Adversarial item promotion:
vulnerabilities at the core of top-N recommenders that use images to address cold start", WWW 2021,
section 4.2): an image's features are pushed towards those of a popular item, the hook. It knows the
image network and no recommender. The problem is that of Sabour et al., "Adversarial manipulation of
deep representations", ICLR 2016, Eq. 1 and 2:

    min over x of ||F(x) - F(hook)||,  |x - x0| <= epsilon and x in [0, 1], pixel by pixel.

Liu and Larson solve it by Adam, projecting after each step, in two forms, named after the
recommenders whose features they push:

====== ==================== ============= ====================
form   starts at            learning rate minimises
====== ==================== ============= ====================
dvbpr  the clean image      1e-3          the squared distance
vbpr   a point of the ball  1e-2          the distance
====== ==================== ============= ====================

Adam hardly sees the difference in what is minimised (it divides by the gradient's size), so start
and rate are what sets them apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from varbench.attacks.common import (
    Attacked,
    FeatureModel,
    batches,
    check_choice,
    check_inputs,
    check_number,
    linf_box,
    per_channel,
    uniform,
)
from varbench.attacks.steps import adam_steps


@dataclass(frozen=True)
class Form:
    """What sets a published form apart: a random start, Adam's rate, the distance's square."""

    random_start: bool
    learning_rate: float
    squared: bool


FORMS = {"dvbpr": Form(False, 1e-3, True), "vbpr": Form(True, 1e-2, False)}


def expa(
    model: FeatureModel,
    images: Tensor,
    targets: Tensor,
    *,
    seeds: Sequence[int],
    batch_size: int,
    references: Tensor,
    epsilon: float,
    steps: int = 5000,
    form: str = "dvbpr",
    learning_rate: float | None = None,
) -> Attacked:
    """Move each image's features as close to its reference as the ball allows.

    Parameters
    ----------
    references
        (N, D) features to come close to, those of the target item; the target classes are not
        looked at.
    form
        One of ``FORMS``. The random start is uniform in the ball, then clipped to [0, 1].
    learning_rate
        Adam's, of values in [0, 1]: about the length of a pixel's first steps. None: the form's.

    Returns
    -------
    Attacked
        Of all points evaluated the one whose features are nearest to the reference.

    Raises
    ------
    ValueError
        If ``references`` is not (N, D).
    """
    check_number("epsilon", epsilon, above=0, at_most=255)
    check_number("steps", steps, at_least=2, whole=True)
    check_choice("form", form, FORMS)
    chosen = FORMS[form]
    if learning_rate is None:
        learning_rate = chosen.learning_rate
    check_number("learning_rate", learning_rate, above=0)
    check_inputs(model, images, targets, seeds, batch_size)
    if references.ndim != 2 or len(references) != len(images):
        raise ValueError(f"references are {tuple(references.shape)}, not ({len(images)}, D)")
    adversarial = torch.empty_like(images)
    radius = per_channel(epsilon, (1.0,), images)
    for rows in batches(len(images), batch_size):
        x, box = images[rows].clone(), linf_box(images[rows], radius)
        if chosen.random_start:
            x.addcmul_(uniform(x, seeds[rows]), radius).clamp_(*box)
        losses = partial(_losses, model, references[rows], chosen.squared)
        adversarial[rows] = adam_steps(losses, x, box, steps, learning_rate)
    return Attacked(adversarial, torch.full_like(targets, steps))


def _losses(model: FeatureModel, references: Tensor, squared: bool, x: Tensor) -> Tensor:
    features, _ = model.features_and_logits(x)
    if features.shape != references.shape:
        raise ValueError(
            f"references are {tuple(references.shape)}, features {tuple(features.shape)}"
        )
    distances: Tensor = torch.linalg.vector_norm(features - references, dim=1)
    return distances.square() if squared else distances
