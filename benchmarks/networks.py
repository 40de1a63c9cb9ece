"""Images a second through the paper's networks: what extraction, attacks and LPIPS cost.

ResNet-50 forward is an extraction, forward and back a step of an attack; LPIPS compares each image
with one attacked version of it, and with five at once. Weights and images are random: only time is
measured. On a CPU it is processor time, which busy neighbours do not multiply.
"""

import argparse
import os
from collections.abc import Callable

import torch

from measured import clock
from varbench.attacks.common import targeted_gradient
from varbench.extractors.networks import build, for_inference
from varbench.metrics.perceptual import distances, lpips_model


def rate(work: Callable[[], object], images: int, seconds: float, device: torch.device) -> float:
    """Repeat ``work`` for so many seconds of the clock and return images a second."""
    work()
    began, done = clock(device), 0
    while clock(device) - began < seconds:
        work()
        done += images
    return done / (clock(device) - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20, help="of each measurement")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    device, count = torch.device(arguments.device), arguments.batch_size

    network = for_inference(build("resnet50", 1000)).to(device)
    images = torch.rand(count, 3, arguments.size, arguments.size, device=device)
    images = images.contiguous(memory_format=torch.channels_last)
    attacked = [(images + step / 255).clamp(0, 1) for step in range(1, 6)]
    targets = torch.zeros(count, dtype=torch.int64, device=device)
    backbone = build("vgg16", 1000).network.state_dict()
    lpips = lpips_model("vgg", backbone, device=arguments.device)
    work: dict[str, Callable[[], object]] = {
        "ResNet-50, forward": torch.inference_mode()(lambda: network(images)),
        "ResNet-50, forward and back": lambda: targeted_gradient(network, images, targets),
        "LPIPS (VGG), one attack": lambda: distances(lpips, images, attacked[:1]),
        "LPIPS (VGG), five attacks": lambda: distances(lpips, images, attacked),
    }
    print(
        f"torch {torch.__version__}, {device}, one thread, {arguments.size} pixels, batch size "
        f"{count}, load {os.getloadavg()[0]:.1f}\n\n| what | images/s |\n|---|---:|"
    )
    for name, do in work.items():
        print(f"| {name} | {rate(do, count, arguments.seconds, device):.2f} |", flush=True)


if __name__ == "__main__":
    main()
