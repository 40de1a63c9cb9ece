"""The loop that every way of training an extractor shares; a defense is one step inside it."""

import math
import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy, pad

from varbench.errors import InputError
from varbench.extractors.networks import Extractor
from varbench.images import to_unit
from varbench.seeds import derive

Pixels = NDArray[np.uint8]
Labels = NDArray[np.integer[Any]]
Log = Callable[[dict[str, float]], None]
ROBUST_EPSILON, ROBUST_STEPS = 4.0, 5  # of the accuracy in the training log
ROBUST_IMAGES = 128
GRADIENT_NORM = 5.0  # clipped: networks without batch norm otherwise diverge now and then


class Step(Protocol):
    """One minibatch of a defense."""

    def __call__(
        self,
        network: Extractor,
        images: Tensor,
        labels: Tensor,
        update: Callable[[Tensor], None],
        generator: torch.Generator,
        /,
    ) -> None:
        """Call ``update(loss)`` once for each step of the weights.

        images (N, 3, H, W) in [0, 1], augmented; generator: CPU random numbers of this epoch, the
        step's own, so that the order and the augmentation are the same under every defense.
        """


def fit(
    network: Extractor,
    images: Pixels,
    labels: Labels,
    step: Step,
    *,
    validation: tuple[Pixels, Labels],
    seed: int,
    device: torch.device,
    log: Log,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    momentum: float,
    weight_decay: float,
    updates_per_batch: int = 1,
    state: dict[str, Tensor] | None = None,
    checkpoint: Callable[[dict[str, Any]], None] | None = None,
    resume: dict[str, Any] | None = None,
) -> None:
    """Train ``network`` in place by SGD with a one-cycle learning rate.

    Parameters
    ----------
    images, labels
        uint8 (N, H, W, 3) and (N,).
    validation
        Images and labels that the accuracies of the log are measured on.
    epochs
        Passes over the images; a step that updates the weights several times a batch
        (``updates_per_batch``) sees them that many times fewer.
    state
        Tensors that the step keeps between batches; they go into the checkpoints.
    log
        Called after each epoch with epoch, loss, clean and robust accuracy, seconds.
    checkpoint, resume
        Called after each epoch with all that the rest of the training depends on (tensors that
        go on changing: save or copy them), and started from it. Random numbers are drawn per
        epoch, so a resumed training ends with the same weights.

    Raises
    ------
    InputError
        A label is out of range, or the loss is not finite.
    """
    _check(network, labels, validation[1])
    rounds = math.ceil(epochs / updates_per_batch)
    batches = math.ceil(len(images) / batch_size)
    network.to(device).to(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(
        network.parameters(), learning_rate, momentum=momentum, weight_decay=weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, learning_rate, total_steps=rounds * batches * updates_per_batch,
        cycle_momentum=False,
    )  # fmt: skip
    state = state or {}
    first = 0
    if resume is not None:
        network.load_state_dict(resume["network"])
        optimiser.load_state_dict(resume["optimiser"])
        schedule.load_state_dict(resume["schedule"])
        for name, tensor in state.items():
            tensor.copy_(resume["state"][name])
        first = resume["epoch"] + 1

    for epoch in range(first, rounds):
        began = time.perf_counter()
        order = torch.Generator().manual_seed(derive("training", seed, epoch))
        generator = torch.Generator().manual_seed(derive("defense", seed, epoch))
        losses: list[Tensor] = []

        def update(loss: Tensor, losses: list[Tensor] = losses) -> None:
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_NORM)
            optimiser.step()
            schedule.step()
            losses.append(loss.detach())

        network.train()
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            torch.manual_seed(derive("dropout", seed, epoch))  # draws from the global stream
            for rows in torch.randperm(len(images), generator=order).split(batch_size):  # type: ignore[no-untyped-call]
                batch = augment(to_unit(images[rows.numpy()]), order).to(device)
                batch = batch.contiguous(memory_format=torch.channels_last)
                truth = torch.from_numpy(labels[rows.numpy()]).to(device)
                step(network, batch, truth, update, generator)
        loss = float(torch.stack(losses).mean())
        if not math.isfinite(loss):
            raise InputError(
                f"training diverged: the loss of epoch {epoch} is {loss}; lower learning_rate"
            )
        clean, robust = accuracies(network, *validation, batch_size, device)
        log(
            {
                "epoch": epoch,
                "loss": loss,
                "clean_accuracy": clean,
                "robust_accuracy": robust,
                "seconds": time.perf_counter() - began,
            }
        )
        if checkpoint is not None:
            checkpoint(
                {
                    "epoch": epoch,
                    "network": network.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "schedule": schedule.state_dict(),
                    "state": state,
                }
            )
    network.eval()


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """Flip half of the images (N, 3, H, W) and shift all by up to a sixteenth of their side."""
    count, _, height, width = images.shape
    flip = torch.rand(count, generator=generator) < 0.5
    images = torch.where(flip.view(-1, 1, 1, 1), images.flip(3), images)
    margin = min(height, width) // 16
    padded = pad(images, (margin, margin, margin, margin), mode="replicate")
    down, right = torch.randint(0, 2 * margin + 1, (2, count, 1), generator=generator)
    rows, columns = down + torch.arange(height), right + torch.arange(width)  # (N, H), (N, W)
    image = torch.arange(count).view(-1, 1, 1)
    shifted = padded.permute(0, 2, 3, 1)[image, rows[:, :, None], columns[:, None, :]]
    return shifted.permute(0, 3, 1, 2)  # (N, H, W, 3) -> (N, 3, H, W)


def adversarial_examples(
    network: Extractor,
    images: Tensor,
    labels: Tensor,
    *,
    epsilon: float,
    steps: int,
    step_size: float,
    generator: torch.Generator,
) -> Tensor:
    """Maximise the cross-entropy inside the L-inf ball by PGD (Madry et al. 2018, untargeted).

    images (N, 3, H, W) in [0, 1]; epsilon and step_size in 255ths. The network is in evaluation
    mode meanwhile: the examples are those that the finished network would face, and its running
    statistics see only the batches that the weights are trained on.
    """
    training = network.training
    network.eval()
    low, high = (images - epsilon / 255).clamp(min=0), (images + epsilon / 255).clamp(max=1)
    noise = torch.rand(images.shape, generator=generator).to(images.device)
    x = (images + (2 * noise - 1) * (epsilon / 255)).clamp(0, 1)
    for _ in range(steps):
        x = x.detach().requires_grad_()
        loss = cross_entropy(network(x), labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, x)
        x = torch.clamp(x.detach() + step_size / 255 * gradient.sign(), low, high)
    network.train(training)
    return x.detach()


def accuracies(
    network: Extractor, images: Pixels, labels: Labels, batch_size: int, device: torch.device
) -> tuple[float, float]:
    """Return accuracy on clean images, and on at most ``ROBUST_IMAGES`` of them under PGD."""
    network.eval()
    clean, robust, attacked = 0, 0, min(len(images), ROBUST_IMAGES)
    generator = torch.Generator().manual_seed(derive("robust accuracy"))
    for start in range(0, len(images), batch_size):
        rows = slice(start, start + batch_size)
        batch, truth = to_unit(images[rows]).to(device), torch.from_numpy(labels[rows]).to(device)
        with torch.no_grad():
            clean += int((network(batch).argmax(1) == truth).sum())
        left = max(0, attacked - start)
        if left:
            batch, truth = batch[:left], truth[:left]
            examples = adversarial_examples(
                network, batch, truth, epsilon=ROBUST_EPSILON, steps=ROBUST_STEPS,
                step_size=ROBUST_EPSILON / 2, generator=generator,
            )  # fmt: skip
            with torch.no_grad():
                robust += int((network(examples).argmax(1) == truth).sum())
    return clean / len(images), robust / attacked


def _check(network: Extractor, *label_sets: Labels) -> None:
    for labels in label_sets:
        if len(labels) == 0:
            raise InputError("training images: too few to hold some out for validation")
        if labels.min() < 0 or labels.max() >= network.classes:
            raise InputError(
                f"training labels range from {labels.min()} to {labels.max()}, "
                f"the extractor has classes 0 to {network.classes - 1}"
            )
