"""How the learning rate goes over a training."""

import math
from collections.abc import Callable

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR


def one_cycle(optimiser: Optimizer, rounds: int, updates: int) -> LRScheduler:
    """Go up to the optimiser's learning rate and down to nothing again (Smith and Topin 2019).

    The training has ``rounds`` passes over the images, of ``updates`` steps of the weights each.
    """
    return OneCycleLR(
        optimiser, optimiser.defaults["lr"], total_steps=rounds * updates, cycle_momentum=False
    )


def steps(optimiser: Optimizer, rounds: int, updates: int) -> LRScheduler:
    """Start at the optimiser's learning rate and divide it by 10 after each third of the rounds.

    He et al. (2016), on ImageNet: after 30 and 60 of 90 epochs. Free adversarial training's code:
    after 8 and 16 of ceil(90 / 4).
    """
    third = math.ceil(rounds / 3) * updates
    return LambdaLR(optimiser, lambda step: 0.1 ** (step // third))


SCHEDULES: dict[str, Callable[[Optimizer, int, int], LRScheduler]] = {
    "one_cycle": one_cycle,
    "steps": steps,
}
