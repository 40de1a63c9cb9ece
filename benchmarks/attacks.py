"""Gradient evaluations per second of each attack against a bare forward and backward pass.

The bare loop does what no attack can do without: logits, cross-entropy, gradient with respect to
the images. Attacks and bare loop take turns on the same network and images, so that other load on
the machine hits them alike; medians are over these turns. Weights and images are random: only the
time is measured.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
import torchvision
from torch import Tensor
from torch.nn.functional import cross_entropy

from varbench.attacks.carlini_wagner import carlini_wagner
from varbench.attacks.common import Attacked, Model
from varbench.attacks.fgsm import fgsm
from varbench.attacks.pgd import pgd


def bare_loop(model: Model, images: Tensor, targets: Tensor, passes: int) -> None:
    for _ in range(passes):
        x = images.detach().requires_grad_()
        torch.autograd.grad(cross_entropy(model(x), targets), x)


def rates(
    model: Model, images: Tensor, targets: Tensor, repetitions: int
) -> dict[str, list[float]]:
    """Return the gradient evaluations per second of every repetition, by name."""
    batch_size = len(images)
    # Short turns, so that the machine is the same for all. What is done once per image or search
    # step (random start, entering, leaving) weighs more here than with the usual 10 or 1000 steps.
    many = torch.cat([images] * 4), targets.repeat(4)
    more = torch.cat([images] * 2), targets.repeat(2)
    search = {"iterations": 3, "binary_search_steps": 2, "abort_every": 3}

    def attack(
        function: Callable[..., Attacked], data: tuple[Tensor, Tensor], **parameters: object
    ) -> Callable[[], int]:
        def run() -> int:
            seeds = range(len(data[0]))
            attacked = function(model, *data, seeds=seeds, batch_size=batch_size, **parameters)
            return int(attacked.iterations.sum())

        return run

    def bare() -> int:
        bare_loop(model, images, targets, passes=5)
        return 5 * batch_size

    runs = {
        "bare loop": bare,
        "fgsm": attack(fgsm, many, epsilon=4),
        "pgd": attack(pgd, (images, targets), epsilon=4, steps=5),
        "carlini_wagner": attack(carlini_wagner, more, **search),
    }
    bare_loop(model, images, targets, passes=2)
    measured: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repetitions):
        for name, run in runs.items():
            synchronize(images)
            start = time.perf_counter()
            evaluations = run()
            synchronize(images)
            measured[name].append(evaluations / (time.perf_counter() - start))
    return measured


def synchronize(images: Tensor) -> None:
    if images.is_cuda:
        torch.cuda.synchronize(images.device)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--networks",
        nargs="+",
        default=["squeezenet1_1:224", "resnet18:64"],
        metavar="NAME:SIZE",
        help="torchvision models and image sizes (default: %(default)s)",
    )
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--channels-last", action="store_true", help="layout of model and images")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)

    layout = torch.channels_last if arguments.channels_last else torch.contiguous_format
    print(
        f"torch {torch.__version__}, {arguments.device}, {arguments.threads} threads, "
        f"batch size {arguments.batch_size}, median of {arguments.repetitions} repetitions\n"
    )
    print("| network | attack | gradient evaluations/s | share of the bare loop |")
    print("|---|---|---:|---:|")
    for network in arguments.networks:
        name, _, size = network.partition(":")
        model = torchvision.models.get_model(name, weights=None).eval().requires_grad_(False)
        model.to(device=arguments.device, memory_format=layout)
        images = torch.rand(arguments.batch_size, 3, int(size), int(size), device=arguments.device)
        images = images.to(memory_format=layout)
        targets = torch.randint(1000, (arguments.batch_size,), device=arguments.device)
        measured = rates(model, images, targets, arguments.repetitions)
        for attack, values in measured.items():
            pairs = zip(values, measured["bare loop"], strict=True)
            share = statistics.median(value / bare for value, bare in pairs)
            print(f"| {network} | {attack} | {statistics.median(values):.1f} | {share:.1%} |")


if __name__ == "__main__":
    main()
