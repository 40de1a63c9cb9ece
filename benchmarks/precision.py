"""What half precision or TF32 would gain, and whether the measured success rate stays the same.

Features, PGD and C&W on the same images in each precision that the device has. An attack has
``precision: bf16``; extraction has no such option, so its rate there is a forecast. Attacked images
are rounded to bytes and judged by the network in full precision. Without --weights and --images
both are random: then only the times mean something. On a CPU seconds are processor time.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from measured import clock
from subjects import half_gradients
from varbench.attacks.carlini_wagner import carlini_wagner
from varbench.attacks.pgd import pgd
from varbench.experiment.device import full_precision
from varbench.extractors.checkpoints import read_checkpoint
from varbench.extractors.networks import Extractor, build, for_inference, load_weights
from varbench.extractors.training import Mixed
from varbench.image_archive import ImageArchive
from varbench.images import to_bytes, to_unit

CLASSES = 1000
SEARCH = {"iterations": 50, "binary_search_steps": 2, "initial_constant": 1, "learning_rate": 0.02}


@dataclass(frozen=True)
class Work:
    """What is measured: a network, images in [0, 1] and the class that they are pushed to."""

    network: Extractor
    images: Tensor
    targets: Tensor
    batch_size: int

    def batches(self) -> Iterator[Tensor]:
        for batch in self.images.split(self.batch_size):
            yield batch.contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def found(self, images: Tensor) -> tuple[float, float]:
        """Return the success rate of attacked images as stored, in %, and their mean L2 norm."""
        stored = to_unit(to_bytes(images)).to(self.images.device)
        parts = stored.split(self.batch_size)
        classes = torch.cat([self.network(part).argmax(1) for part in parts])
        norm = (stored - self.images).flatten(1).norm(dim=1).mean().item()
        return 100 * (classes == self.targets).float().mean().item(), norm


def seconds(work: Callable[[], Any], device: torch.device) -> tuple[float, Any]:
    """Return how long a second call takes, and its result."""
    work()
    began = clock(device)
    result = work()
    return clock(device) - began, result


def models(network: Extractor, device: torch.device) -> Iterator[tuple[str, nn.Module, Extractor]]:
    """Yield each precision, with the network for features and the one for gradients in it.

    torch's switches are set for it.
    """
    yield "fp32", network, network
    if device.type == "cuda":
        full_precision(False)
        yield "TF32", network, network
        full_precision(True)
    yield "bf16", Mixed(network, torch.bfloat16), half_gradients(network)


def measure(name: str, whole: nn.Module, model: Extractor, work: Work) -> str:
    """Measure one precision; return its row of the table."""
    device, count = work.images.device, len(work.images)
    inference = torch.inference_mode()
    forward, _ = seconds(inference(lambda: [whole(batch) for batch in work.batches()]), device)
    row = [name, f"{count / forward:.1f}"]
    given = {"seeds": range(count), "batch_size": work.batch_size}
    made = []
    for attack in (
        partial(pgd, epsilon=4, steps=10, **given),
        partial(carlini_wagner, **SEARCH, **given),
    ):
        taken, result = seconds(partial(attack, model, work.images, work.targets), device)
        made.append(result.images)
        row.append(f"{int(result.iterations.sum()) / taken:.1f}")
    full_precision(True)  # whatever made the images, full precision judges them
    row += [f"{rate:.1f} at {norm:.3f}" for rate, norm in map(work.found, made)]
    return f"| {' | '.join(row)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", default="resnet50")
    parser.add_argument("--weights", type=Path, help="file of ImageNet weights; else random")
    parser.add_argument("--images", type=Path, help="a catalogue's images.zip; else random")
    parser.add_argument("--items", type=int, nargs="*", help="of the images; else the first")
    parser.add_argument("--target", type=int, default=770, help="class that attacks aim at")
    parser.add_argument("--size", type=int, default=224, help="of random images")
    parser.add_argument("--count", type=int, default=32)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    full_precision(True)
    device = torch.device(given.device)

    network = build(given.architecture, CLASSES)
    if given.weights:
        load_weights(network, read_checkpoint(given.weights))
    if given.images:
        archive = ImageArchive(given.images)
        images = to_unit(archive.read(given.items or archive.items[: given.count]))
    else:
        images = torch.rand(given.count, 3, given.size, given.size)
    targets = torch.full((len(images),), given.target, device=device)
    work = Work(for_inference(network).to(device), images.to(device), targets, given.batch_size)
    machine = torch.cuda.get_device_name(device) if device.type == "cuda" else "one core"
    size = " x ".join(str(side) for side in images.shape[2:])
    print(
        f"torch {torch.__version__}, {machine}, {given.architecture}, {len(images)} images of "
        f"{size}, batch size {given.batch_size}\n\n"
        "SR in % as stored, at a mean L2 norm\n\n"
        "| precision | features, images/s | PGD, gradients/s | C&W, gradients/s | SR PGD "
        "| SR C&W |\n|---|---:|---:|---:|---:|---:|"
    )
    for name, whole, model in models(work.network, device):
        print(measure(name, whole, model, work), flush=True)


if __name__ == "__main__":
    main()
