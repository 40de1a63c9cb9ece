"""Attacks on stored images: from uint8 pixels to uint8 pixels, piece by piece, so that a killed
job goes on after the last finished piece.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from varbench.attacks.common import Attacked
from varbench.extractors.networks import Extractor
from varbench.grouping import by_size, pieces
from varbench.images import through_normalisation, to_bytes, to_unit

# A piece is a batch, but several where the attack refills its batch, which runs empty at the end of
# a piece: such an attack writes checkpoints itself.
PIECE = 8

Pixels = NDArray[np.uint8]
Reached = dict[str, Any]


@dataclass(frozen=True)
class StoredAttack:
    """What became of N images.

    Attributes
    ----------
    pixels
        N arrays (H, W, 3), as they are stored.
    iterations
        (N,) gradient evaluations of each.
    float_classes
        (N,) the class that the network sees in each image before it is rounded.
    """

    pixels: list[Pixels]
    iterations: NDArray[np.int64]
    float_classes: NDArray[np.int64]


def attack_stored(
    attack: Callable[..., Attacked],
    network: Extractor,
    images: Sequence[Pixels],
    target_class: int,
    seeds: Sequence[int],
    *,
    batch_size: int,
    device: torch.device,
    parameters: Mapping[str, Any],
    references: Tensor | None = None,
    of_image: Callable[[Sequence[int]], Mapping[str, Any]] | None = None,
    truncate: bool = False,
    reached: Reached | None = None,
    keep: Callable[[Callable[[], Reached]], None] | None = None,
) -> StoredAttack:
    """Attack images (H, W, 3) of any sizes.

    Parameters
    ----------
    attack, parameters
        An attack function and its own parameters.
    references
        (1, D) features that the attack aims at, if it aims at an item.
    of_image
        Further arguments that depend on which images a piece holds, given their positions.
    truncate
        Cut pixels off to whole numbers, as the released code does, instead of rounding (D2).
    reached, keep
        What ``keep`` was last given, to go on from; it is called after every piece.
    """
    resumes = "resume" in inspect.signature(attack).parameters
    parts = pieces(by_size(images), batch_size * (PIECE if resumes else 1))
    reached = reached or {"done": [], "within": None}
    done: list[tuple[Tensor, Tensor, Tensor]] = list(reached["done"])
    within = reached["within"]

    def keep_now(state: Callable[[], Any] = lambda: None) -> None:
        if keep is not None:
            keep(lambda: {"done": done, "within": state()})

    for rows in parts[len(done) :]:
        extra: dict[str, Any] = {"checkpoint": keep_now, "resume": within} if resumes else {}
        if references is not None:
            extra["references"] = references.expand(len(rows), -1)
        result = attack(
            network,
            to_unit([images[row] for row in rows]).to(device),
            torch.full((len(rows),), target_class, device=device),
            seeds=[seeds[row] for row in rows],
            batch_size=batch_size,
            **parameters,
            **extra,
            **(of_image(rows) if of_image else {}),
        )
        found = result.images
        seen = _classes(network, found, batch_size)
        if truncate:
            found = through_normalisation(found, network.mean, network.std)
        pixels = torch.from_numpy(to_bytes(found, truncate=truncate))
        done.append((pixels, result.iterations.cpu(), seen.cpu()))
        within = None
        keep_now()

    order = np.argsort(np.concatenate([np.asarray(rows) for rows in parts]))
    stored = [image for pixels, _, _ in done for image in pixels.numpy()]
    iterations, classes = (
        np.concatenate([part[column].numpy() for part in done])[order] for column in (1, 2)
    )
    return StoredAttack([stored[place] for place in order], iterations, classes)


@torch.inference_mode()
def _classes(network: Extractor, images: Tensor, batch_size: int) -> Tensor:
    parts = [network(part).argmax(dim=1) for part in torch.split(images, batch_size)]
    return torch.cat(parts)
