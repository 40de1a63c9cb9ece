"""Momentum iterative fast gradient sign method (Dong et al., "Boosting adversarial attacks with
momentum", CVPR 2018, Eq. 6 and 7), in its targeted form.
"""

from collections.abc import Sequence

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
)


def mi_fgsm(
    model: Model,
    images: Tensor,
    targets: Tensor,
    *,
    seeds: Sequence[int],
    batch_size: int,
    epsilon: float,
    steps: int = 10,
    step_size: float | None = None,
    decay: float = 1.0,
) -> Attacked:
    """Step against the sign of g, which gathers the gradients: g = decay g + grad / |grad|_1.

    Parameters
    ----------
    step_size
        In 255ths; None for epsilon / steps.
    decay
        mu of the paper; 0 is the basic iterative method.
    """
    check_number("epsilon", epsilon, above=0, at_most=255)
    check_number("steps", steps, at_least=1, whole=True)
    check_number("decay", decay, at_least=0)
    if step_size is None:
        step_size = epsilon / steps
    check_number("step_size", step_size, above=0, at_most=255)
    check_inputs(model, images, targets, seeds, batch_size)

    adversarial = torch.empty_like(images)
    radius, step = (per_channel(value, (1.0,), images) for value in (epsilon, step_size))
    for rows in batches(len(images), batch_size):
        low, high = linf_box(images[rows], radius)
        x, gathered = images[rows].clone(), torch.zeros_like(images[rows])
        for _ in range(steps):
            gradient = targeted_gradient(model, x, targets[rows])
            # An image whose gradient vanishes keeps the direction that it has.
            norm = gradient.abs().sum((1, 2, 3), keepdim=True).clamp_min(1e-30)
            gathered.mul_(decay).add_(gradient / norm)
            x.addcmul_(gathered.sign(), step, value=-1).clamp_(low, high)
        adversarial[rows] = x
    return Attacked(adversarial, torch.full_like(targets, steps))
