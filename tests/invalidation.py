"""What Snakemake compares of each job, and which rules a change of the configuration reaches.

One process builds the workflow for hundreds of configurations: a dry run of each would take
minutes. Nothing has to exist. test_stale.py holds this against real dry runs.
"""

import sys
from collections import deque
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from snakemake import api
from snakemake.common import get_function_params
from snakemake.io import apply_wildcards, is_callable
from snakemake.output_index import OutputIndex
from snakemake.settings.types import ConfigSettings, OutputSettings, Quietness, ResourceSettings

import grid
from varbench import downloads
from varbench.experiment.plan import inputs
from varbench.experiment.sources import Sources

Config = dict[str, Any]


class Compared(NamedTuple):
    """A job, and what its last run is compared in: command, set of inputs, set of parameters."""

    job: grid.Job
    command: str | None
    inputs: frozenset[str]
    parameters: frozenset[str]


class Workflows:
    """A checkout whose only configuration is the one that is asked about."""

    def __init__(self, folder: Path, monkeypatch: Any) -> None:
        self._snakefile = grid.copy_checkout(folder) / "Snakefile"
        (folder / "config.yaml").write_text("{}\n")
        monkeypatch.chdir(folder)
        # The files stay as they are, so they are read once.
        module = sys.modules["snakemake.workflow"]
        monkeypatch.setattr(module, "parse", cached_parse(module.parse))
        monkeypatch.setattr(Sources, "_digest", staticmethod(cache(Sources(folder)._digest)))
        monkeypatch.setattr(downloads, "registry", cache(downloads.registry))
        for module in (sys.modules["snakemake.rules"], sys.modules["snakemake.common"]):
            monkeypatch.setattr(module, "get_function_params", cache(get_function_params))

    def jobs(self, config: Config, *targets: str) -> dict[str, Compared]:
        """Return what is compared for each file that the targets need."""
        with api.SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as started:
            workflow = started.workflow(
                resource_settings=ResourceSettings(cores=1),
                config_settings=ConfigSettings(config=config),
                snakefile=self._snakefile,
            )._workflow
        index = OutputIndex([rule for rule in workflow.rules if rule.products()])
        found: dict[str, Compared] = {}
        seen = set()
        pending = deque((workflow.get_rule(target), {}) for target in targets)
        while pending:
            rule, names = pending.popleft()
            if (rule.name, *names.values()) in seen:
                continue
            seen.add((rule.name, *names.values()))
            compared = Compared(
                (rule.name, tuple(sorted(names.items()))),
                rule.shellcmd,
                frozenset(inputs(rule, names)),
                frozenset(map(repr, parameters(rule, names))),
            )
            found |= {apply_wildcards(path, names): compared for path in rule.output}
            for path in compared.inputs - found.keys():
                for producer in index.match(path):
                    if producer.is_producer(path):
                        pending.append((producer, producer.get_wildcards(path)))
                        break
        return found


def parameters(rule: Any, names: dict[str, str]) -> Iterator[Any]:
    """Yield what Snakemake compares: parameters, but for those that are functions of files."""
    for parameter in rule.params:
        if not is_callable(parameter):
            yield parameter
        elif not rule._is_deriving_function(parameter):
            yield rule.apply_input_function(parameter, names)[0]


def cached_parse(parse: Any) -> Any:
    """Return Snakemake's parser of files that parses each once."""
    kept: dict[str, Any] = {}

    def parse_once(snakefile: Any, *others: Any, **named: Any) -> Any:
        path = snakefile.get_path_or_uri(secret_free=False)
        if path not in kept:
            kept[path] = parse(snakefile, *others, **named)
        return kept[path]

    return parse_once


def reached(before: dict[str, Compared], after: dict[str, Compared]) -> set[grid.Job]:
    """Return the jobs that are new, or of which something that is compared is another."""
    return {found.job for path, found in after.items() if before.get(path) != found}


def rerun(before: dict[str, Compared], after: dict[str, Compared]) -> set[grid.Job]:
    """Return the jobs that would run, where all of ``before`` is there: these and what follows."""
    jobs = reached(before, after)
    found = set(after.values())
    while True:
        more = {
            one.job
            for one in found
            if any(path in after and after[path].job in jobs for path in one.inputs)
        }
        if more <= jobs:
            return jobs
        jobs |= more
