"""What every attack shares: its arguments and result, their checks, batching, the gradient.

An attack is one pure function ``attack(model, images, targets, *, seeds, batch_size, **its own
parameters) -> Attacked``. Its docstring names its own parameters; these are everyone's:

model
    Maps images (N, 3, H, W) in [0, 1] to logits (N, classes), is in evaluation mode and on the
    images' device; normalisation is part of it.
images
    (N, 3, H, W) float32 in [0, 1], clean. They are not changed.
targets
    (N,) int64, the class that each image shall be taken for. An attack that aims at features or
    at a recommender's scores does not look at them.
seeds
    (N,) whole numbers: whatever is drawn at random for an image is drawn from its own seed. Most
    attacks draw nothing.
batch_size
    Number of images attacked at the same time.

An image's result does not depend on the images around it, but for the model's rounding. Every
attack raises InputError, naming the parameter, where one is out of its range, and whatever
``check_inputs`` raises. ``epsilon`` is the radius of the L-inf ball around the clean image, in
255ths; ``steps`` counts gradient evaluations per image. An attack that says that it returns the
best of the points evaluated counts the clean image, where it starts there, as one of them.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from varbench.errors import InputError
from varbench.images import as_stored

Model = Callable[[Tensor], Tensor]


class FeatureModel(Protocol):
    """A model of logits that also gives the features (N, D) which a recommender gets."""

    def __call__(self, images: Tensor, /) -> Tensor:
        """Return logits (N, classes)."""
        ...

    def features_and_logits(self, images: Tensor, /) -> tuple[Tensor, Tensor]:
        """Return features (N, D) and logits (N, classes)."""
        ...


@dataclass(frozen=True)
class Attacked:
    """The result of an attack.

    Attributes
    ----------
    images
        (N, 3, H, W) float32 in [0, 1], not rounded to 8 bits. An attack that was told not to clip
        may leave [0, 1]; storing clips.
    iterations
        (N,) int64, the gradient evaluations spent on each image.
    """

    images: Tensor
    iterations: Tensor


def check_number(
    key: str,
    value: float,
    *,
    above: float = -math.inf,
    at_least: float = -math.inf,
    at_most: float = math.inf,
    whole: bool = False,
) -> None:
    """Raise InputError, naming ``key``, if ``value`` is not a finite number within the bounds."""
    is_number = isinstance(value, int if whole else (int, float)) and math.isfinite(value)
    if is_number and above < value and at_least <= value <= at_most:
        return
    bounds = {"above": above, "at least": at_least, "at most": at_most}
    wanted = " and ".join(f"{name} {b:g}" for name, b in bounds.items() if math.isfinite(b))
    raise InputError(f"{key}: {value!r} is not a {'whole ' * whole}number {wanted}".rstrip())


# How an image is judged, by the name of the parameter ``storage``: as it comes back from a file of
# 8 bits a value, or as it is. Attacks that look for the smallest perturbation have the parameter,
# since what they find can be smaller than rounding.
STORAGE: dict[str, Callable[[Tensor], Tensor]] = {"bits8": as_stored, "float": lambda x: x}


def confirmed(
    model: Model, images: Tensor, targets: Tensor, claimed: Tensor, confidence: float = 0
) -> Tensor:
    """Return which of the ``claimed`` (N,) have their target's logit above all others by more.

    Near the boundary of the class, where searches for the smallest perturbation end, passes in half
    precision (``Extractor.gradient_dtype``) claim it of images that full precision puts on the
    other side. Of a model in full precision all claims stand, and no pass is made.

    confidence : by how much more, in logits
    """
    dtype = getattr(model, "gradient_dtype", torch.float32)
    if dtype == torch.float32 or not claimed.any():
        return claimed
    result = claimed.clone()
    with torch.no_grad():
        result[claimed] = lacking(model(images[claimed]), targets[claimed]) < -confidence
    return result


def lacking(logits: Tensor, targets: Tensor) -> Tensor:
    """Return by how much (N,) each target's logit is below the largest of the others."""
    target = targets[:, None]
    other = logits.scatter(1, target, -math.inf).amax(1)
    return other - logits.gather(1, target).squeeze(1)


def check_choice(key: str, value: str, known: Iterable[str]) -> None:
    """Raise InputError, naming ``key``, if ``value`` is not one of the names ``known``."""
    names = list(known)
    if value not in names:
        raise InputError(f"{key}: {value!r} is unknown; known: {', '.join(names)}")


def check_inputs(
    model: Model, images: Tensor, targets: Tensor, seeds: Sequence[int], batch_size: int
) -> None:
    """Check the arguments that all attacks share; costs one forward pass of one image.

    Raises
    ------
    InputError
        If ``batch_size`` is below 1, or a target is not one of the model's classes.
    ValueError
        If ``images`` is not (N, 3, H, W) float32 in [0, 1], or if targets or seeds do not match.
    """
    check_number("batch_size", batch_size, at_least=1, whole=True)
    if images.dtype != torch.float32 or images.ndim != 4:
        raise ValueError(
            f"images are {images.dtype} {tuple(images.shape)}, not float32 (N, 3, H, W)"
        )
    if targets.dtype != torch.int64 or targets.shape != images.shape[:1]:
        raise ValueError(
            f"targets are {targets.dtype} {tuple(targets.shape)}, not int64 ({len(images)},)"
        )
    if len(seeds) != len(images):
        raise ValueError(f"{len(seeds)} seeds for {len(images)} images")
    if len(images) == 0:
        return
    lowest, highest = (float(bound) for bound in images.aminmax())
    if not (lowest >= 0 and highest <= 1):  # so written, NaN fails too
        raise ValueError(f"images range from {lowest} to {highest}, not within [0, 1]")
    with torch.no_grad():
        classes = model(images[:1]).shape[1]
    # An index out of range would stop a GPU with an assertion that names nothing.
    for target in (int(bound) for bound in targets.aminmax()):
        if not 0 <= target < classes:
            raise InputError(
                f"target category: {target} is not one of the model's classes, 0 to {classes - 1}"
            )


def batches(count: int, batch_size: int) -> Iterator[slice]:
    """Cut ``count`` rows into slices of ``batch_size``, the last one perhaps shorter."""
    for start in range(0, count, batch_size):
        yield slice(start, min(start + batch_size, count))


def per_image(values: Tensor) -> Tensor:
    """Reshape (N,) so that it broadcasts over images: (N, 1, 1, 1)."""
    return values.view(-1, 1, 1, 1)


def per_channel(value: float, scale: Sequence[float], images: Tensor) -> Tensor:
    """Return ``value`` (255ths) times each channel's scale, in [0, 1], as (channels, 1, 1)."""
    return images.new_tensor(scale).view(-1, 1, 1) * (value / 255)


def linf_box(images: Tensor, radius: Tensor, clip: bool = True) -> tuple[Tensor, Tensor]:
    """Return the least and the greatest allowed value of every pixel.

    The L-inf ball of ``radius`` (in [0, 1], broadcast) and, with ``clip``, [0, 1] are both boxes,
    so projecting onto their intersection is one clamp between these two.
    """
    low, high = images - radius, images + radius
    return (low.clamp_(min=0), high.clamp_(max=1)) if clip else (low, high)


def uniform(images: Tensor, seeds: Sequence[int]) -> Tensor:
    """Draw values in [-1, 1], as many as each of the images has, from the image's seed.

    Drawn on the CPU and moved in one piece: a GPU's generator gives other values.
    """
    noise = torch.empty(images.shape)
    generator = torch.Generator()
    for row, seed in zip(noise, seeds, strict=True):
        row.uniform_(-1, 1, generator=generator.manual_seed(int(seed)))
    return noise.to(images.device)


def targeted_gradient(model: Model, images: Tensor, targets: Tensor) -> Tensor:
    """Return the gradient (N, 3, H, W) of each image's cross-entropy to its target class.

    The losses are summed, not averaged: an image's gradient does not change with the batch.
    """
    images = images.detach().requires_grad_()
    with torch.enable_grad():
        loss = cross_entropy(model(images), targets, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, images)
    return gradient
