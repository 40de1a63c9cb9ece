"""Is an attack as strong as it looks? After Pintor et al., "Indicators of attack failure: debugging
and improving optimization of adversarial examples", NeurIPS 2022: gradients that lead nowhere, a
search that ended too early, and success that more steps or another start would bring.

An indicator is measured on a sample of the images by running the attack again, which costs a few
times what those images cost at first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from varbench.attacks.common import STORAGE, Attacked, Model, batches
from varbench.attacks.steps import Losses, losses_and_gradient
from varbench.seeds import derive

SAMPLE = 32  # images at most that an attack is run again on
MORE = 10  # times the steps of a recheck
# Further steps count as a gain from this share of what the steps before have gained.
GAIN = 0.01
# What attacks call the number of their steps.
LENGTHS = ("steps", "iterations")


@dataclass(frozen=True)
class Case:
    """An attack and what it is run on: its arguments, see :mod:`varbench.attacks.common`.

    ``parameters`` are the attack's own; ``references`` and ``guide`` among them have a row for
    each image.
    """

    attack: Callable[..., Attacked]
    model: Model
    images: Tensor
    targets: Tensor
    seeds: Sequence[int]
    batch_size: int
    parameters: Mapping[str, Any]

    def of_images(self, rows: list[int]) -> "Case":
        """Return the case of some of its images, by their rows."""
        parameters = dict(self.parameters)
        if "references" in parameters:
            parameters["references"] = parameters["references"][rows]
        if "guide" in parameters:
            parameters["guide"] = parameters["guide"].of_images(rows)
        return replace(
            self,
            images=self.images[rows],
            targets=self.targets[rows],
            seeds=[self.seeds[row] for row in rows],
            parameters=parameters,
        )

    def sample(self, count: int = SAMPLE) -> "Case":
        """Return the case of at most ``count`` images, spread evenly over all of them."""
        total = len(self.images)
        if total <= count:
            return self
        return self.of_images([row * total // count for row in range(count)])

    def longer(self, factor: float) -> Mapping[str, int] | None:
        """Return the parameter that makes the attack longer; None for one of a fixed length."""
        for name in LENGTHS:
            if name in self.parameters:
                steps = int(self.parameters[name])
                return {name: max(steps + 1, round(factor * steps))}
        return None

    def run(self, **changed: Any) -> Tensor:
        """Return the attacked images, with some parameters changed."""
        return self.attack(
            self.model,
            self.images,
            self.targets,
            seeds=self.seeds,
            batch_size=self.batch_size,
            **{**self.parameters, **changed},
        ).images

    def reached(self, images: Tensor) -> Tensor:
        """Say which images (N,) are in their target class as they are stored."""
        with torch.no_grad():
            classes = [
                self.model(STORAGE["bits8"](images[rows])).argmax(1)
                for rows in batches(len(images), self.batch_size)
            ]
        return torch.cat([*classes, self.targets[:0]]) == self.targets


# Of images (N, 3, H, W) and their rows among those of a case: a loss each, (N,).
RowLosses = Callable[[Tensor, slice], Tensor]


def class_losses(case: Case) -> RowLosses:
    """Return the cross-entropy of each image to its target class."""
    return lambda x, rows: cross_entropy(case.model(x), case.targets[rows], reduction="none")


@dataclass(frozen=True)
class Gradients:
    """Shares of the images; 0 each where there are none.

    Attributes
    ----------
    zero
        The gradient is 0 everywhere, though the loss is not 0: nothing shows the way.
    not_finite
        A value of the gradient or the loss is infinite or no number.
    """

    zero: float
    not_finite: float


def gradients(losses: RowLosses, images: Tensor, batch_size: int) -> Gradients:
    """Look at the gradients of a loss at ``images``, clean ones or attacked ones."""
    zero = not_finite = 0
    for rows in batches(len(images), batch_size):
        values, slopes = losses_and_gradient(_of_rows(losses, rows), images[rows])
        flat = slopes.flatten(1)
        zero += int(((flat == 0).all(1) & (values != 0)).sum())
        not_finite += int((~(flat.isfinite().all(1) & values.isfinite())).sum())
    count = max(1, len(images))
    return Gradients(zero / count, not_finite / count)


@dataclass(frozen=True)
class Falling:
    """What a tenth more steps gain.

    Attributes
    ----------
    gain
        By how much they lower the mean loss, as a share of what all steps before had lowered it.
        Of an attack without epsilon it is the distance that is lowered, as a share of itself, over
        the images that both attacks succeed on.
    still
        Whether that is above ``GAIN`` and above twice its standard error over the images.
    """

    gain: float
    still: bool


def falling(case: Case, losses: RowLosses, attacked: Tensor) -> Falling | None:
    """Say whether the loss was still falling when the attack ended.

    ``attacked`` are the case's attacked images, as ``Case.run`` gives them. The attack is run once
    more, with a tenth more steps (at least one). None for an attack that has no steps, and for no
    images.
    """
    longer = case.longer(1.1)
    if longer is None or len(attacked) == 0:
        return None
    further = case.run(**longer)
    if "epsilon" in case.parameters:
        before, after, clean = (_values(losses, x, case) for x in (attacked, further, case.images))
        gained, reference = before - after, clean - before
    else:
        both = case.reached(attacked) & case.reached(further)
        before, after = (
            (x - case.images)[both].flatten(1).norm(dim=1) for x in (attacked, further)
        )
        gained, reference = before - after, before
    if len(gained) < 2 or not float(reference.mean()) > 0:
        return Falling(0.0, False)
    mean, error = float(gained.mean()), float(gained.std()) / len(gained) ** 0.5
    gain = mean / float(reference.mean())
    return Falling(gain, gain > GAIN and mean > 2 * error)


@dataclass(frozen=True)
class Recheck:
    """Success rates on a sample, as stored, of the attack and of one that tries harder.

    Attributes
    ----------
    images
        How many were looked at.
    before, after
        Share in the target class after the attack; after that or after the harder one.
    """

    images: int
    before: float
    after: float


def recheck(case: Case, attacked: Tensor) -> Recheck | None:
    """Attack those images again that the attack failed on: ten times the steps, other seeds.

    ``attacked`` as for ``falling``; None for an attack that has no steps, and for no images.
    """
    longer = case.longer(MORE)
    if longer is None or len(attacked) == 0:
        return None
    reached = case.reached(attacked)
    failed = (~reached).nonzero().flatten().tolist()
    before = float(reached.float().mean())
    if not failed:
        return Recheck(len(attacked), before, before)
    again = replace(case, seeds=[derive("recheck", seed) for seed in case.seeds]).of_images(failed)
    reached = reached.clone()
    reached[failed] = again.reached(again.run(**longer))
    return Recheck(len(attacked), before, float(reached.float().mean()))


@dataclass(frozen=True)
class Indicators:
    """All of them, of one attack; see the classes of its parts."""

    images: int
    clean: Gradients
    attacked: Gradients
    falling: Falling | None
    recheck: Recheck | None


def examine(
    case: Case, losses: RowLosses | None = None, *, aims_at_class: bool = True
) -> Indicators:
    """Measure every indicator on a sample of the case's images.

    Parameters
    ----------
    case
        Any number of images.
    losses
        Given the sampled case's images: ``class_losses`` if None. What the attack lowers.
    aims_at_class
        Without it no success is looked at: ``recheck`` is None.
    """
    sampled = case.sample()
    losses = class_losses(sampled) if losses is None else losses
    attacked = sampled.run()
    return Indicators(
        images=len(sampled.images),
        clean=gradients(losses, sampled.images, sampled.batch_size),
        attacked=gradients(losses, attacked, sampled.batch_size),
        falling=falling(sampled, losses, attacked),
        recheck=recheck(sampled, attacked) if aims_at_class else None,
    )


@torch.no_grad()
def _values(losses: RowLosses, images: Tensor, case: Case) -> Tensor:
    return torch.cat([losses(images[rows], rows) for rows in batches(len(images), case.batch_size)])


def _of_rows(losses: RowLosses, rows: slice) -> Losses:
    return lambda x: losses(x, rows)
