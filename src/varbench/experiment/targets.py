"""Targets of a command line that no rule makes, and what was probably meant."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from varbench.experiment.references import meant


def given() -> list[str]:
    """Return the targets that Snakemake's command was given; none where it is not the program.

    A workflow does not know them yet while its rules are read, and after that it is too late to say
    anything about them.
    """
    program = Path(sys.argv[0])
    if program.name != "snakemake" and program.parts[-2:] != ("snakemake", "__main__.py"):
        return []
    from snakemake.cli import get_argument_parser

    arguments = get_argument_parser().parse_args(sys.argv[1:])
    return sorted(arguments.targets or ())


def unknown(targets: Iterable[str], rules: Iterable[Any]) -> Iterator[str]:
    """Yield a line for each target that is no rule, no file that is there and none that is made.

    rules : Snakemake's
    """
    named = {rule.name: rule for rule in rules}
    for target in targets:
        made = target in named or any(rule.is_producer(target) for rule in named.values())
        if made or Path(target).exists():
            continue
        files = {str(f) for rule in named.values() for f in rule.output if "{" not in str(f)}
        known, cutoff = (sorted(files), 0.9) if "/" in target else (list(named), 0.7)
        yield f"no rule makes {target!r}{meant(target, known, cutoff)}"
