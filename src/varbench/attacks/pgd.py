"""Projected gradient descent in the L-inf ball (Madry et al., "Towards deep learning models
resistant to adversarial attacks", ICLR 2018), in its targeted form.
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
    model, images, targets, batch_size
        As for every attack, see :mod:`varbench.attacks.common`.
    seeds
        One per image; its random start is drawn from its own seed.
    epsilon
        Radius of the L-inf ball around the clean image, in 255ths.
    steps
        Gradient evaluations per image.
    step_size
        In 255ths; None for epsilon / 6.
    random_start
        Start at a point uniform in the ball (then clipped to [0, 1]), not at the clean image.
    scale
        What epsilon and step_size are multiplied by, a number per channel or one for all. With the
        deviations of the normalisation, they count in normalised images.
    clip
        Project onto [0, 1] as well as onto the ball.

    Raises
    ------
    InputError
        If epsilon is not in (0, 255], steps is below 1 or step_size is not in (0, 255], or for
        the reasons of ``check_inputs``.
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
        low, high = linf_box(clean, radius, clip)
        x = clean.clone()
        if random_start:
            x.addcmul_(_uniform(clean, seeds[rows]), radius).clamp_(low, high)
        for _ in range(steps):
            sign = targeted_gradient(model, x, targets[rows]).sign()
            x.addcmul_(sign, step, value=-1).clamp_(low, high)
        adversarial[rows] = x
    return Attacked(adversarial, torch.full_like(targets, steps))


def _uniform(images: Tensor, seeds: Sequence[int]) -> Tensor:
    """Draw values in [-1, 1] for each image from its seed.

    Drawn on the CPU and moved in one piece: a GPU's generator gives other values.
    """
    noise = torch.empty(images.shape)
    generator = torch.Generator()
    for row, seed in zip(noise, seeds, strict=True):
        row.uniform_(-1, 1, generator=generator.manual_seed(int(seed)))
    return noise.to(images.device)
