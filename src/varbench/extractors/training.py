"""The loop that every way of training an extractor shares; a defense is one step inside it."""

import math
import time
from collections.abc import Callable
from copy import deepcopy
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from varbench.errors import InputError
from varbench.extractors import processes
from varbench.extractors.data import Data, batch_lengths
from varbench.extractors.evaluation import accuracies
from varbench.extractors.networks import Extractor
from varbench.extractors.progress import Progress
from varbench.extractors.schedules import SCHEDULES
from varbench.precisions import PRECISIONS
from varbench.seeds import derive

Row = dict[str, float]
GRADIENT_NORM = 5.0  # clipped: networks without batch norm otherwise diverge now and then


class Step(Protocol):
    """One minibatch of a defense."""

    def __call__(
        self,
        network: nn.Module,
        images: Tensor,
        labels: Tensor,
        update: Callable[[Tensor, Tensor], None],
        generator: torch.Generator,
        /,
    ) -> None:
        """Call ``update(images, labels)`` once for each step of the weights, on what images it is.

        images (N, 3, H, W) in [0, 1], augmented; generator: CPU random numbers of this epoch, the
        step's own, so that the order and the augmentation are the same under every defense.
        """


class Keeper(Protocol):
    """Keeps what a training has reached, now and then."""

    def due(self) -> bool:
        """Say whether it is time again."""

    def save(self, reached: Callable[[], Any]) -> None:
        """Keep what ``reached`` returns."""


def fit(
    network: Extractor,
    data: Data,
    step: Step,
    *,
    seed: int,
    device: torch.device,
    log: Callable[[Row], None],
    epochs: int,
    batch_size: int,
    learning_rate: float,
    momentum: float,
    weight_decay: float,
    schedule: str = "one_cycle",
    precision: str = "fp32",
    updates_per_batch: int = 1,
    state: dict[str, Tensor] | None = None,
    keeper: Keeper | None = None,
    resume: dict[str, Any] | None = None,
) -> list[Row]:
    """Train ``network`` in place by SGD on the cross-entropy.

    Parameters
    ----------
    epochs
        Passes over the images; a step that updates the weights several times a batch
        (``updates_per_batch``) sees them that many times fewer.
    batch_size
        Images of a batch, all processes together.
    schedule
        ``one_cycle`` or ``steps``, of the learning rate (``extractors.schedules``).
    precision
        Of the forward passes in training: ``fp32``, ``bf16`` or ``fp16``. Weights, loss and the
        accuracies of the log are always fp32.
    state
        Tensors that the step keeps between batches, this process's own; they go into checkpoints.
    log
        Called after each epoch with epoch, loss, clean and robust accuracy, seconds.
    keeper, resume
        Kept after each batch where it is due, with all that the rest of the training depends on,
        and started from it. Random numbers belong to an epoch, so a resumed training ends with
        the same weights.

    Returns
    -------
    The rows of the log, those before ``resume`` too.

    Raises
    ------
    InputError
        There are fewer images than processes, or the loss is not finite, or the batches are of one
        image each, which the network's batch norm can make nothing of at this size.
    """
    rounds = math.ceil(epochs / updates_per_batch)
    batches = len(batch_lengths(data.count, batch_size))
    if not batches:
        raise InputError(f"{data.count} training images are too few for as many processes")
    network.to(device).to(memory_format=torch.channels_last)
    if batch_size < 2 * processes.count():
        _takes_one(network, data.size, device)
    plain = network if precision == "fp32" else Mixed(network, PRECISIONS[precision])
    model = processes.parallel(plain, device)
    optimiser = torch.optim.SGD(
        network.parameters(),
        learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
        fused=precision != "fp16",  # on a CPU it would take the steps that the scaler skips
    )
    scheduler = SCHEDULES[schedule](optimiser, rounds, batches * updates_per_batch)
    # After each step that is taken: the scaler skips those whose gradients overflow.
    optimiser.register_step_post_hook(lambda *_: scheduler.step())
    # Factors 1 and no checks unless it is needed: fp16 has no small numbers.
    scaler = torch.amp.GradScaler(device.type, enabled=precision == "fp16")
    progress = Progress(network, optimiser, scheduler, scaler, state or {}, device)
    if resume is not None:
        progress.go_on_from(resume)

    def update(images: Tensor, labels: Tensor) -> None:
        loss = cross_entropy(model(images), labels)
        optimiser.zero_grad(set_to_none=True)
        scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        scaler.unscale_(optimiser)
        torch.nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_NORM)
        scaler.step(optimiser)
        scaler.update()
        progress.losses.append(loss.detach())

    def keep(began: float) -> None:
        if keeper is not None and processes.of_first(keeper.due()):
            reached = progress.reached(time.perf_counter() - began)
            if processes.rank() == 0:
                keeper.save(lambda: reached)

    while progress.epoch < rounds:
        began = time.perf_counter() - progress.seconds
        stream = processes.stream(seed, progress.epoch)
        progress.generator.manual_seed(derive("defense", *stream))
        plain.train()
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            torch.manual_seed(derive("dropout", *stream))  # draws from the global stream
            progress.restore_random()
            for images, labels in data.training(
                progress.epoch, batch_size, seed=seed, skip=progress.batches
            ):
                batch = images.to(device).contiguous(memory_format=torch.channels_last)
                step(plain, batch, labels.to(device), update, progress.generator)
                processes.align(network)
                progress.batches += 1
                keep(began)
        loss = float(processes.total(torch.stack(progress.losses).mean())) / processes.count()
        if not math.isfinite(loss):
            raise InputError(
                f"training diverged: the loss of epoch {progress.epoch} is {loss}; "
                "lower learning_rate"
            )
        clean, robust = accuracies(network, data, batch_size, device)
        row = {
            "epoch": progress.epoch,
            "loss": loss,
            "clean_accuracy": clean,
            "robust_accuracy": robust,
            "seconds": time.perf_counter() - began,
        }
        progress.finish_epoch(row)
        log(row)
        keep(time.perf_counter())
    network.eval()
    return progress.epochs


@torch.no_grad()
def _takes_one(network: Extractor, size: tuple[int, int], device: torch.device) -> None:
    """Raise InputError if the network cannot be trained on batches of a single image."""
    try:
        deepcopy(network).train()(torch.zeros(1, 3, *size, device=device))
    except ValueError as error:  # torch's batch norm, on maps of one position
        raise InputError(
            f"batch_size: batch norm cannot be trained on one image of {size[1]} x {size[0]} at a "
            "time; give at least 2 for each process"
        ) from error


class Mixed(nn.Module):
    """A network whose forward pass is under autocast; what comes out is fp32.

    Each pass by itself: autocast would go on with the weights of before an update.
    """

    def __init__(self, network: Extractor, dtype: torch.dtype) -> None:
        super().__init__()
        self.network, self._dtype = network, dtype

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N, classes) of images (N, 3, H, W) in [0, 1]."""
        with torch.autocast(images.device.type, dtype=self._dtype):
            logits: Tensor = self.network(images)
        return logits.float()
