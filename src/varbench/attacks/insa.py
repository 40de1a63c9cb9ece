"""The insider attack on items' images (INSA: Liu and Larson, "Adversarial item promotion:
vulnerabilities at the core of top-N recommenders that use images to address cold start", WWW 2021,
section 4.1): the attacker knows the recommender, and raises an item's score for its users.

As in their code Adam moves the image, projected onto the ball and [0, 1] after each step. Theirs
steps once for each batch of users and starts at random; here each step sees all users, and the
start is the clean image.
"""

from collections.abc import Sequence

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
)
from varbench.attacks.guide import Guide, check_guide
from varbench.attacks.objectives import OBJECTIVES, guided_losses
from varbench.attacks.steps import adam_steps


def insa(
    model: FeatureModel,
    images: Tensor,
    targets: Tensor,
    *,
    seeds: Sequence[int],
    batch_size: int,
    guide: Guide,
    epsilon: float,
    steps: int = 100,
    learning_rate: float = 1e-2,
    objective: str = "exp",
    temperature: float = 0.5,
) -> Attacked:
    """Raise each image's objective as far as the ball allows.

    Parameters
    ----------
    guide
        The recommender that the attacker knows; the target classes are not looked at.
    learning_rate
        Adam's, of values in [0, 1]: about the length of a pixel's first steps.
    objective
        One of ``objectives.OBJECTIVES``.
    temperature
        Of the objective ``hits``.

    Returns
    -------
    Attacked
        Of all points evaluated the one with the greatest objective.

    Raises
    ------
    ValueError
        The guide does not fit the images or the model.
    """
    check_number("epsilon", epsilon, above=0, at_most=255)
    check_number("steps", steps, at_least=2, whole=True)
    check_number("learning_rate", learning_rate, above=0)
    check_number("temperature", temperature, above=0)
    check_choice("objective", objective, OBJECTIVES)
    check_inputs(model, images, targets, seeds, batch_size)
    check_guide(guide, images)
    adversarial = torch.empty_like(images)
    radius = per_channel(epsilon, (1.0,), images)
    for rows in batches(len(images), batch_size):
        clean = images[rows]
        losses = guided_losses(model, clean, guide.of_images(rows), objective, temperature)
        box = linf_box(clean, radius)
        adversarial[rows] = adam_steps(losses, clean.clone(), box, steps, learning_rate)
    return Attacked(adversarial, torch.full_like(targets, steps))
