"""The expert attack on items' images (EXPA: Liu and Larson, "Adversarial item promotion:
vulnerabilities at the core of top-N recommenders that use images to address cold start", WWW 2021,
section 4.2): an image's features are pushed towards those of a popular item, the hook. It knows the
image network and no recommender. The problem is that of Sabour et al., "Adversarial manipulation of
deep representations", ICLR 2016, Eq. 1 and 2:

    min over x of ||F(x) - F(hook)||^2,  |x - x0| <= epsilon and x in [0, 1], pixel by pixel.

As in Liu and Larson's code it is solved by Adam from x0, projected after each step.
"""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from varbench.attacks.common import (
    Attacked,
    batches,
    check_inputs,
    check_number,
    linf_box,
    per_channel,
    per_image,
)


class FeatureModel(Protocol):
    """A model of logits that also gives the features (N, D) which a recommender gets."""

    def __call__(self, images: Tensor, /) -> Tensor:
        """Return logits (N, classes)."""
        ...

    def features_and_logits(self, images: Tensor, /) -> tuple[Tensor, Tensor]:
        """Return features (N, D) and logits (N, classes)."""
        ...


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
    learning_rate: float = 1e-3,
) -> Attacked:
    """Move each image's features as close to its reference as the ball allows.

    Parameters
    ----------
    model, images, targets, seeds, batch_size
        As for every attack, see :mod:`varbench.attacks.common`. Nothing is drawn from the seeds,
        and the target classes are not looked at: the references take their place.
    references
        (N, D) features to come close to, those of the target item.
    epsilon
        Radius of the L-inf ball around the clean image, in 255ths.
    steps
        Gradient evaluations per image, one of them at the clean image.
    learning_rate
        Adam's, of values in [0, 1]: about the length of a pixel's first steps.

    Returns
    -------
    Attacked
        Of all points evaluated the one whose features are nearest to the reference.

    Raises
    ------
    InputError
        If a parameter is out of its range, or for the reasons of ``check_inputs``.
    ValueError
        If ``references`` is not (N, D), or for the reasons of ``check_inputs``.
    """
    check_number("epsilon", epsilon, above=0, at_most=255)
    check_number("steps", steps, at_least=2, whole=True)
    check_number("learning_rate", learning_rate, above=0)
    check_inputs(model, images, targets, seeds, batch_size)
    if references.ndim != 2 or len(references) != len(images):
        raise ValueError(f"references are {tuple(references.shape)}, not ({len(images)}, D)")
    adversarial = torch.empty_like(images)
    radius = per_channel(epsilon, (1.0,), images)
    for rows in batches(len(images), batch_size):
        adversarial[rows] = _search(
            model, images[rows], references[rows], radius, steps, learning_rate
        )
    return Attacked(adversarial, torch.full_like(targets, steps))


def _search(
    model: FeatureModel,
    clean: Tensor,
    references: Tensor,
    radius: Tensor,
    steps: int,
    learning_rate: float,
) -> Tensor:
    low, high = linf_box(clean, radius)
    x = clean.clone()
    best, best_distance = x.clone(), x.new_full((len(x),), torch.inf)
    optimizer = torch.optim.Adam([x], lr=learning_rate)
    for _ in range(steps):
        distance, x.grad = _evaluate(model, x, references)
        better = distance < best_distance
        best = torch.where(per_image(better), x, best)
        best_distance = torch.where(better, distance, best_distance)
        optimizer.step()
        x.clamp_(low, high)
    return best


def _evaluate(model: FeatureModel, x: Tensor, references: Tensor) -> tuple[Tensor, Tensor]:
    """Return each image's squared distance to its reference (N,) and the gradient."""
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        features, _ = model.features_and_logits(x)
        if features.shape != references.shape:
            raise ValueError(
                f"references are {tuple(references.shape)}, features {tuple(features.shape)}"
            )
        distance = (features - references).square().sum(1)
        (gradient,) = torch.autograd.grad(distance.sum(), x)
    return distance.detach(), gradient
