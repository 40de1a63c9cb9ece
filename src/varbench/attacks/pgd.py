"""Projected gradient descent in the L-inf ball (Madry et al., "Towards deep learning models
resistant to adversarial attacks", ICLR 2018), in its targeted form.
"""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from varbench.attacks.common import (
    Attacked,
    Model,
    batches,
    check_inputs,
    check_number,
    linf_box,
    per_channel,
    targeted_gradient,
    uniform,
)
from varbench.attacks.steps import sign_steps


def pgd(
    model: Model,
    images: Tensor,
    targets: Tensor,
    *,
    seeds: Sequence[int],
    batch_size: int,
    epsilon: float,
    steps: int = 10,
    step_size: float | None = None,
    random_start: bool = True,
    scale: Sequence[float] = (1.0,),
    clip: bool = True,
) -> Attacked:
    """Repeat FGSM with a small step, projecting onto the ball and [0, 1] after each.

    Parameters
    ----------
    step_size
        In 255ths; None for epsilon / 6.
    random_start
        Start at a point uniform in the ball (then clipped to [0, 1]), not at the clean image.
    scale
        What epsilon and step_size are multiplied by, a number per channel or one for all. With the
        deviations of the normalisation, they count in normalised images.
    clip
        Project onto [0, 1] as well as onto the ball.
    """
    check_number("epsilon", epsilon, above=0, at_most=255)
    check_number("steps", steps, at_least=1, whole=True)
    if step_size is None:
        step_size = epsilon / 6
    check_number("step_size", step_size, above=0, at_most=255)
    check_inputs(model, images, targets, seeds, batch_size)

    adversarial = torch.empty_like(images)
    radius, step = (per_channel(value, scale, images) for value in (epsilon, step_size))
    for rows in batches(len(images), batch_size):
        clean = images[rows]
        box = linf_box(clean, radius, clip)
        x = clean.clone()
        if random_start:
            x.addcmul_(uniform(clean, seeds[rows]), radius).clamp_(*box)
        gradient = partial(targeted_gradient, model, targets=targets[rows])
        adversarial[rows] = sign_steps(gradient, x, box, step, steps)
    return Attacked(adversarial, torch.full_like(targets, steps))
