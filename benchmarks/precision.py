"""What half precision or TF32 would gain, and whether the measured success rate stays the same.

Features, PGD and C&W on the same images in each precision that the device has. Attacked images are
rounded to bytes and judged by the network in full precision, which is what varbench does, and by
the network in the precision that they were made in. Without --weights and --images both are random:
then only the times mean something. On a CPU seconds are processor time.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from varbench.attacks.carlini_wagner import carlini_wagner
from varbench.attacks.common import Attacked
from varbench.attacks.pgd import pgd
from varbench.extractors.checkpoints import read_checkpoint
from varbench.extractors.networks import Extractor, build, for_inference, load_weights
from varbench.extractors.training import Mixed
from varbench.image_archive import ImageArchive
from varbench.images import to_bytes, to_unit
from varbench.workflow.device import full_precision

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
    def classes(self, model: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
        stored = to_unit(to_bytes(images)).to(self.images.device)
        return torch.cat([model(part).argmax(1) for part in stored.split(self.batch_size)])


def seconds(work: Callable[[], object], device: torch.device) -> tuple[float, object]:
    """Return how long a second call takes, and its result."""

    def clock() -> float:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
            return time.perf_counter()
        return time.process_time()

    work()
    began = clock()
    result = work()
    return clock() - began, result


def models(network: Extractor, device: torch.device) -> Iterator[tuple[str, torch.nn.Module]]:
    """Yield each precision and the network in it; torch's switches are set while it is in use."""
    yield "fp32", network
    if device.type == "cuda":
        full_precision(False)
        yield "TF32", network
        full_precision(True)
    yield "bf16", Mixed(network, torch.bfloat16)


def measure(name: str, model: torch.nn.Module, work: Work) -> str:
    """Measure one precision; return its row of the table."""
    device, count = work.images.device, len(work.images)
    inference = torch.inference_mode()
    forward, _ = seconds(inference(lambda: [model(batch) for batch in work.batches()]), device)
    row = [name, f"{count / forward:.1f}"]
    made = {}
    attacks: dict[str, Callable[..., Attacked]] = {"pgd": pgd, "cw": carlini_wagner}
    parameters = {"pgd": {"epsilon": 4, "steps": 10}, "cw": SEARCH}
    for attack, function in attacks.items():
        taken, result = seconds(
            lambda function=function, attack=attack: function(
                model,
                work.images,
                work.targets,
                seeds=range(count),
                batch_size=work.batch_size,
                **parameters[attack],
            ),
            device,
        )
        assert isinstance(result, Attacked)
        made[attack] = result.images
        row.append(f"{int(result.iterations.sum()) / taken:.1f}")
    # Whatever made the images, full precision judges them.
    full_precision(True)
    for images in made.values():
        hits = [
            100 * (work.classes(judge, images) == work.targets).float().mean().item()
            for judge in (work.network, model)
        ]
        row.append("{:.1f} ({:.1f})".format(*hits))
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
        "SR in %, judged in full precision (and in the one that made the images)\n\n"
        "| precision | features, images/s | PGD, gradients/s | C&W, gradients/s | SR PGD "
        "| SR C&W |\n|---|---:|---:|---:|---:|---:|"
    )
    for name, model in models(work.network, device):
        print(measure(name, model, work), flush=True)


if __name__ == "__main__":
    main()
