"""Fast gradient sign method (Goodfellow et al., "Explaining and harnessing adversarial examples",
ICLR 2015), in its targeted form (Kurakin et al., "Adversarial machine learning at scale", ICLR
2017, section 2.1).
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
    per_channel,
    targeted_gradient,
)


def fgsm(
    model: Model,
    images: Tensor,
    targets: Tensor,
    *,
    seeds: Sequence[int],
    batch_size: int,
    epsilon: float,
    scale: Sequence[float] = (1.0,),
    clip: bool = True,
) -> Attacked:
    """Step once against the sign of the gradient: x - epsilon sign(grad CE(x, target)).

    Parameters
    ----------
    epsilon
        L-inf norm of the perturbation before it is clipped to [0, 1], in 255ths.
    scale
        What epsilon is multiplied by, a number per channel or one for all. With the deviations of
        the normalisation, epsilon counts in normalised images.
    clip
        Clip to [0, 1].
    """
    check_number("epsilon", epsilon, above=0, at_most=255)
    check_inputs(model, images, targets, seeds, batch_size)
    adversarial = torch.empty_like(images)
    step = per_channel(epsilon, scale, images)
    for rows in batches(len(images), batch_size):
        sign = targeted_gradient(model, images[rows], targets[rows]).sign()
        moved = images[rows].addcmul(sign, step, value=-1)
        adversarial[rows] = moved.clamp_(0, 1) if clip else moved
    return Attacked(adversarial, torch.ones_like(targets))
