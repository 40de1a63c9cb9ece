"""The white-box sign attack on a visual recommender (WB-SIGN in Merra et al., "Denoise to protect:
a method to robustify visual recommenders from adversaries", SIGIR 2023): PGD's steps in the L-inf
ball, but along the gradient of an item's scores in place of a class's loss. It knows what INSA
knows.
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
from varbench.attacks.steps import Losses, losses_and_gradient, sign_steps


def wb_sign(
    model: FeatureModel,
    images: Tensor,
    targets: Tensor,
    *,
    seeds: Sequence[int],
    batch_size: int,
    guide: Guide,
    epsilon: float,
    steps: int = 10,
    step_size: float | None = None,
    objective: str = "mean_score",
    temperature: float = 0.5,
) -> Attacked:
    """Step along the sign of the objective's gradient, from the clean image.

    Parameters
    ----------
    guide
        The recommender that the attacker knows; the target classes are not looked at.
    step_size
        In 255ths; None for epsilon / 6.
    objective
        One of ``objectives.OBJECTIVES``.
    temperature
        Of the objective ``hits``.

    Raises
    ------
    ValueError
        The guide does not fit the images or the model.
    """
    check_number("epsilon", epsilon, above=0, at_most=255)
    check_number("steps", steps, at_least=1, whole=True)
    if step_size is None:
        step_size = epsilon / 6
    check_number("step_size", step_size, above=0, at_most=255)
    check_number("temperature", temperature, above=0)
    check_choice("objective", objective, OBJECTIVES)
    check_inputs(model, images, targets, seeds, batch_size)
    check_guide(guide, images)
    adversarial = torch.empty_like(images)
    radius, step = (per_channel(value, (1.0,), images) for value in (epsilon, step_size))
    for rows in batches(len(images), batch_size):
        clean = images[rows]
        losses = guided_losses(model, clean, guide.of_images(rows), objective, temperature)

        def gradient(x: Tensor, losses: Losses = losses) -> Tensor:
            return losses_and_gradient(losses, x)[1]

        box = linf_box(clean, radius)
        adversarial[rows] = sign_steps(gradient, clean.clone(), box, step, steps)
    return Attacked(adversarial, torch.full_like(targets, steps))
