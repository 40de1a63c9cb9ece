"""What the commands in workflow/scripts share: options, one-line errors, device and threads."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from varbench.errors import InputError
from varbench.workflow import gpus

if TYPE_CHECKING:
    import torch


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser for a command whose module docstring is ``description``."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def add_paths(options: argparse.ArgumentParser, **help_by_name: str) -> None:
    """Add a required path option for each name; underscores become hyphens."""
    for name, text in help_by_name.items():
        options.add_argument(f"--{name.replace('_', '-')}", type=Path, required=True, help=text)


def add_compute(options: argparse.ArgumentParser) -> None:
    """Add ``--device`` and ``--threads``."""
    options.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, ...")
    options.add_argument("--threads", type=int, default=1, help="threads on the CPU")


def block(text: str) -> dict[str, Any]:
    """Parse a configuration block given as a JSON object."""
    value = json.loads(text)
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError("not a JSON object")
    return value


def method_and_parameters(spec: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Split a block into its ``method`` and the parameters of that method."""
    return spec["method"], {key: value for key, value in spec.items() if key != "method"}


def run(main: Callable[[], None]) -> None:
    """Run a command: an InputError or a full disk ends it with one line, a bug with a traceback."""
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.errno is None:
            raise
        sys.exit(f"error: {error.filename or 'file system'}: {os.strerror(error.errno)}")


def torch_device(name: str, threads: int) -> "torch.device":
    """Set the thread count and return the device; ``auto`` takes a GPU where there is one.

    A GPU is this process's alone (``gpus.exclusive``). The thread count is set exactly, not left to
    the machine, because it decides the order of floating-point sums and so the last digits of
    results.
    """
    import torch

    torch.set_num_threads(threads)
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(
            f"device: {name!r} is not a torch device; use auto, cpu or cuda"
        ) from error
    if device.type != "cuda":
        return device
    if not torch.cuda.is_available():
        raise InputError("device: cuda was asked for and torch finds none; use auto or cpu")
    return gpus.exclusive(device)
