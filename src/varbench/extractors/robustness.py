"""How robust a network is, and whether a defense has left anything of it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from varbench.errors import InputError
from varbench.extractors.data import Labels, Pixels
from varbench.extractors.evaluation import adversarial_examples
from varbench.images import to_unit
from varbench.seeds import derive

LEAST_STEPS = 20
STEP = 2.5  # epsilons over the number of steps: any point of the ball can be reached (Madry et al.)
# `collapsed`: deviations of a binomial share that robust accuracy must be above guessing; share of
# the labels' classes that must be in use; and how much more than the labels' two commonest classes
# the two commonest predictions may hold, where they hold most of the images.
DEVIATIONS = 2.0
LEAST_CLASSES = 0.5
CONCENTRATION, MOST = 1.5, 0.5

Predictions = NDArray[np.int64]


@dataclass(frozen=True)
class Robustness:
    """What a network makes of N labelled images.

    Attributes
    ----------
    clean
        Share of them that it classifies rightly.
    robust
        The same under attack, by epsilon in 255ths.
    predictions
        (N,) the classes of the clean images.
    """

    clean: float
    robust: dict[float, float]
    predictions: Predictions


def predict(
    network: nn.Module, images: Pixels, batch_size: int, device: torch.device
) -> Predictions:
    """Return the predicted classes (N,) of uint8 images (N, H, W, 3), in evaluation mode."""
    network.eval()
    classes = [
        _classes(network, _batch(images, rows, device)) for rows in _rows(images, batch_size)
    ]
    return torch.cat(classes).cpu().numpy()


def measure(
    network: nn.Module,
    images: Pixels,
    labels: Labels,
    *,
    epsilons: Sequence[float],
    steps: int = LEAST_STEPS,
    seed: int,
    batch_size: int,
    device: torch.device,
    progress: Callable[[int], object] = lambda _: None,
) -> Robustness:
    """Attack every image by PGD on the cross-entropy of its label (Madry et al. 2018, untargeted).

    The start is random in the ball. An image that falls at one epsilon counts as fallen at larger
    ones, whose balls hold the same example; one that is misclassified as it is counts as fallen.

    Parameters
    ----------
    images, labels
        (N, H, W, 3) uint8 and (N,).
    epsilons
        L-inf radii in 255ths.
    steps
        Of PGD, at least 20, of 2.5 epsilon / steps each.
    seed
        Of the random starts.
    progress
        Called with the number of images of each batch that is done.

    Raises
    ------
    InputError
        There are no images, fewer than 20 steps or an epsilon that is not positive.
    """
    if len(images) == 0:
        raise InputError("robust accuracy: there are no images to measure it on")
    if steps < LEAST_STEPS:
        raise InputError(f"robust accuracy: {steps} steps of PGD; give at least {LEAST_STEPS}")
    if any(epsilon <= 0 for epsilon in epsilons):
        raise InputError("robust accuracy: every epsilon must be positive, in 255ths")
    network.eval()
    standing = dict.fromkeys(sorted(epsilons), 0)
    predictions = []
    for number, rows in enumerate(_rows(images, batch_size)):
        batch = _batch(images, rows, device)
        truth = torch.from_numpy(labels[rows]).to(device)
        predictions.append(_classes(network, batch))
        alive = predictions[-1] == truth
        for epsilon in standing:
            generator = torch.Generator().manual_seed(
                derive("robustness", seed, f"{epsilon:g}", number)
            )
            if alive.any():
                examples = adversarial_examples(
                    network, batch[alive], truth[alive],
                    epsilon=epsilon, steps=steps, step_size=STEP * epsilon / steps,
                    generator=generator,
                )  # fmt: skip
                alive[alive.clone()] = _classes(network, examples) == truth[alive]
            standing[epsilon] += int(alive.sum())
        progress(len(batch))
    classes = torch.cat(predictions).cpu().numpy()
    return Robustness(
        clean=float((classes == labels).mean()),
        robust={epsilon: count / len(images) for epsilon, count in standing.items()},
        predictions=classes,
    )


def agreement(one: Predictions, other: Predictions) -> float:
    """Return the share of images that two networks put in the same class; (N,) each."""
    return float((one == other).mean())


def collapsed(
    predictions: Predictions, labels: Labels, robust_accuracy: float | None = None
) -> str:
    """Return what says that a network is no defense; empty where nothing does.

    Parameters
    ----------
    predictions, labels
        (N,) of the clean images.
    robust_accuracy
        At the smallest epsilon that the defense should hold off; None for the undefended network.

    The flags, joined by "; ":

    - robust accuracy no more than 2 standard errors above the share of the commonest label, which a
      network that always says that class has at any epsilon;
    - fewer than half as many classes are predicted as there are among the labels;
    - the two commonest predictions hold more than half of the images, and more than 1.5 times as
      many as the two commonest labels.
    """
    count = len(labels)
    truth, said = (
        np.sort(np.unique(v, return_counts=True)[1])[::-1] for v in (labels, predictions)
    )
    flags = []
    chance = truth[0] / count
    if robust_accuracy is not None:
        bound = chance + DEVIATIONS * math.sqrt(chance * (1 - chance) / count)
        if robust_accuracy <= bound:
            flags.append(f"robust accuracy {robust_accuracy:.2f} is no better than guessing")
    if len(said) < LEAST_CLASSES * len(truth):
        flags.append(f"predicts {len(said)} of {len(truth)} classes")
    held, expected = said[:2].sum() / count, truth[:2].sum() / count
    if held > max(MOST, CONCENTRATION * expected):
        flags.append(f"puts {held:.0%} of the images in two classes, which {expected:.0%} are of")
    return "; ".join(flags)


def row(
    found: Robustness, labels: Labels, other: Predictions, *, defended: bool
) -> dict[str, float | int | str]:
    """Return what tables say of a network: one row, as numbers and the text of ``collapsed``.

    found, labels : of the same N images
    other : (N,) predictions of the network to compare with
    defended : whether a robust accuracy near guessing is a fault
    """
    smallest = min(found.robust, default=None)
    robust = found.robust[smallest] if defended and smallest is not None else None
    return {
        "held_out_images": len(labels),
        "clean_accuracy": found.clean,
        **{f"robust_accuracy_{epsilon:g}": share for epsilon, share in found.robust.items()},
        "classes_in_use": len(np.unique(found.predictions)),
        "agreement": agreement(found.predictions, other),
        "flags": collapsed(found.predictions, labels, robust),
    }


@torch.no_grad()
def _classes(network: nn.Module, images: Tensor) -> Tensor:
    classes: Tensor = network(images).argmax(1)
    return classes


def _rows(images: Pixels, batch_size: int) -> list[slice]:
    return [slice(start, start + batch_size) for start in range(0, len(images), batch_size)]


def _batch(images: Pixels, rows: slice, device: torch.device) -> Tensor:
    batch = to_unit(images[rows]).to(device)
    return batch.contiguous(memory_format=torch.channels_last)
