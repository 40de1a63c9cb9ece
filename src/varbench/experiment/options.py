"""How a rule's parameters and files become a command line.

Snakemake compares the parameters of a job's last run with today's as a set of values, and leaves
out those that depend on files. So all that a command is told of the configuration is one value, a
JSON object by name: two parameters that change places are a change. Files are compared by content.
"""

import json
import shlex
from collections.abc import Callable, Iterable, Mapping
from inspect import signature
from pathlib import PurePath
from typing import Any, Protocol, TypeVar

Names = Mapping[str, str]
Function = TypeVar("Function", bound=Callable[..., Any])


class Wildcards(Protocol):
    """Snakemake's wildcards of a job."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Return names and values."""


class Files(Protocol):
    """Snakemake's named input or output files of a job."""

    def items(self) -> Iterable[tuple[str, str | list[str]]]:
        """Return names and paths."""


def of_wildcards(function: Function) -> Function:
    """Keep the signature with a function of a job's wildcards.

    Snakemake asks each for it, several times a job, and Python would put it together anew.
    """
    function.__signature__ = signature(function)  # type: ignore[attr-defined]
    return function


def options(
    *blocks: Callable[[dict[str, str]], Mapping[str, Any]], **values: Any
) -> Callable[[Wildcards], str]:
    """Return the parameter that holds these options, as a function of a job's wildcards.

    A value may itself be a function of the names that the wildcards have, and so may be a whole
    block of options. Options without a value (None, an empty list or text) are left out.
    """

    @of_wildcards
    def as_json(wildcards: Wildcards) -> str:
        names = dict(wildcards.items())
        given = {key: value for block in blocks for key, value in block(names).items()}
        for key, value in values.items():
            given[key] = value(names) if callable(value) else value
        return json.dumps(
            {key: value for key, value in given.items() if value not in (None, "", [], {})},
            sort_keys=True,
        )

    return as_json


def files(wildcards: Wildcards, input: Files, output: Files) -> str:  # noqa: ARG001
    """Return the options that give a command its files: each named input and output of the rule.

    ``user_ids`` becomes ``--user-ids``; a name without a file is left out, and so are files
    without a name, which a command finds by a pattern among its options.
    """
    words: list[str] = []
    for name, paths in [*input.items(), *output.items()]:
        found = [paths] if isinstance(paths, str | PurePath) else list(paths)
        if found:
            words += [f"--{name.replace('_', '-')}", *map(str, found)]
    return shlex.join(words)


def line(script: str, *, computes: bool = False, processes: bool = False) -> str:
    """Return a rule's shell command.

    computes : whether the command takes ``--device`` and ``--threads``, which are resources of the
        job and not tracked: results depend on them in the last digits only
    processes : whether it takes ``--processes``, on which its results do not depend
    """
    words = [f"{script}.py", "{params.files}", "--options {params.options:q}"]
    if computes:
        words.append("--device {resources.device} --threads {resources.torch_threads}")
    if processes:
        words.append("--processes {threads}")
    return " ".join([*words, "2> {log}"])


def at(
    pattern: str, names: Callable[[dict[str, str]], Mapping[str, str] | None]
) -> Callable[[Wildcards], str | list[str]]:
    """Return an input: the pattern filled with what a job's wildcards lead to; none for None."""

    @of_wildcards
    def path(wildcards: Wildcards) -> str | list[str]:
        found = names(dict(wildcards.items()))
        return [] if found is None else pattern.format(**found)

    return path


def at_each(
    pattern: str,
    repeats: Iterable[Names],
    names: Callable[[dict[str, str]], Mapping[str, str] | None],
) -> Callable[[Wildcards], list[str]]:
    """Return an input: as ``at``, one file for each run and seed, in their order."""
    repeats = list(repeats)

    @of_wildcards
    def paths(wildcards: Wildcards) -> list[str]:
        job = dict(wildcards.items())
        found = [names({**job, **repeat}) for repeat in repeats]
        return [pattern.format(**one) for one in found if one is not None]

    return paths


def at_all(pattern: str, names: Iterable[Names]) -> list[str]:
    """Return inputs: the pattern filled with each of these names."""
    return [pattern.format(**one) for one in names]
