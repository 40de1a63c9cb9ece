"""What the commands in workflow/scripts share: options and one-line errors.

They import it before all else, for it stops the garbage collector until ``run``. While torch is
imported, thousands of modules come to stay; the collector would go through them again and again,
and once more at the end, which is a third of the time of a short job.
"""

import argparse
import gc
import json
import os
import shlex
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from varbench import costs
from varbench.errors import InputError

gc.disable()


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser for a command whose module docstring is ``description``."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def add_options(options: argparse.ArgumentParser, names: str = "names and values") -> None:
    """Add ``--options``, all that the command is told of the configuration.

    names : what the JSON object may hold, for the help
    """
    options.add_argument(
        "--options", type=block, required=True, help=f"a JSON object: {names}", metavar="JSON"
    )


def add_each(options: argparse.ArgumentParser, **help_by_name: str) -> None:
    """Add a path option for each name that takes one file for each run and seed; may be empty."""
    for name, text in help_by_name.items():
        option = f"--{name.replace('_', '-')}"
        options.add_argument(option, type=Path, nargs="+", default=[], help=f"{text}, each")


def add_optional(options: argparse.ArgumentParser, **help_by_name: str) -> None:
    """Add a path option for each name that may be left out."""
    for name, text in help_by_name.items():
        options.add_argument(f"--{name.replace('_', '-')}", type=Path, help=text)


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
    """Run a command: an InputError or a full disk ends it with one line, a bug with a traceback.

    Where it succeeds, the last line on standard error says what it has cost. A log has the command
    as it was run before that; of one that fails Snakemake shows it.
    """
    gc.freeze()  # what is imported stays until the end
    gc.enable()
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.errno is None:
            raise
        sys.exit(f"error: {error.filename or 'file system'}: {os.strerror(error.errno)}")
    if stat.S_ISREG(os.fstat(2).st_mode):
        print(f"command: {shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])}", file=sys.stderr)
    print(costs.spent(), file=sys.stderr)
