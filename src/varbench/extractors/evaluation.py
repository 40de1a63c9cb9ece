"""How a network does on images that it was not trained on, clean and attacked."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from varbench.extractors import processes
from varbench.extractors.data import Data
from varbench.seeds import derive

ROBUST_EPSILON, ROBUST_STEPS = 4.0, 5  # of the accuracy in the training log
ROBUST_IMAGES = 64
# In half precision small gradients would vanish; their signs do not depend on it.
LOSS_SCALE = 2.0**10


def adversarial_examples(
    network: nn.Module,
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
        loss = LOSS_SCALE * cross_entropy(network(x), labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, x)
        x = torch.clamp(x.detach() + step_size / 255 * signs(gradient), low, high)
    network.train(training)
    return x.detach()


def signs(gradient: Tensor) -> Tensor:
    """Return the sign of each value; 0 where half precision has overflown to no number."""
    return gradient.sign().nan_to_num_(0.0)


def accuracies(
    network: nn.Module, data: Data, batch_size: int, device: torch.device
) -> tuple[float, float]:
    """Return accuracy on clean images, and under PGD on the first 64 of them or 2 %."""
    network.eval()
    attacked = min(data.held_out, max(ROBUST_IMAGES, data.held_out // 50))
    left = len(processes.share(range(attacked)))
    correct = torch.zeros(2, dtype=torch.long)  # clean, attacked
    generator = torch.Generator().manual_seed(derive(*processes.stream("robust accuracy")))
    for images, labels in data.validation(batch_size):
        batch, truth = images.to(device), labels.to(device)
        with torch.no_grad():
            correct[0] += int((network(batch).argmax(1) == truth).sum())
        batch, truth = batch[:left], truth[:left]
        left -= len(batch)
        if len(batch):
            examples = adversarial_examples(
                network, batch, truth, epsilon=ROBUST_EPSILON, steps=ROBUST_STEPS,
                step_size=ROBUST_EPSILON / 2, generator=generator,
            )  # fmt: skip
            with torch.no_grad():
                correct[1] += int((network(examples).argmax(1) == truth).sum())
    clean, robust = processes.total(correct).tolist()
    return clean / data.held_out, robust / attacked
