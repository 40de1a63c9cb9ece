"""Which source files a job's result depends on, as one digest.

Rules put the digest into their ``params``, which Snakemake compares with the last run. So an edit
reruns exactly the jobs whose script imports the edited module, directly or not, and neither
``touch`` nor a fresh clone reruns anything.
"""

import ast
import hashlib
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import grimp

from varbench.registry import module_of

# They only map names: to modules, of which a rule names its own method's, and to other names, which
# a job is given among its parameters.
LEFT_OUT = frozenset({"varbench.registry", "varbench.axes", "varbench.experiment.grid"})


def content(paths: Iterable[Path]) -> str:
    """Return a digest of what files hold, one after the other."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


class Sources:
    """Digests of scripts under ``base`` together with every varbench module they import."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self.digest = lru_cache(maxsize=None)(self._digest)

    def of(self, config: Mapping[str, Any]) -> Callable[..., Any]:
        """Return what gives a rule's parameter ``code``, from its script's name.

        With a ``kind`` of method it is a function of the job's wildcards, for the module of the
        method in its block counts too.
        """

        def code(script: str, kind: str | None = None) -> Any:
            if kind is None:
                return self.digest(f"{script}.py")

            def of_job(wildcards: Any) -> str:
                block = config[f"{kind}s"][dict(wildcards.items())[kind]]
                method = block.get("source", block)["method"]
                return self.digest(f"{script}.py", module_of(kind, method))

            return of_job

        return code

    def _digest(self, script: str, *modules: str) -> str:
        """Return a digest of ``workflow/scripts/<script>``, ``modules`` and all they import."""
        return content(self.files(script, *modules))

    def files(self, script: str, *modules: str) -> list[Path]:
        """Return the files that go into the digest, sorted."""
        path = self._base / "workflow" / "scripts" / script
        pending = {*modules, *self._imports(path)} - LEFT_OUT
        reached: set[str] = set()
        while pending:
            module = pending.pop()
            reached.add(module)
            imported = self._graph.find_modules_directly_imported_by(module)
            pending |= imported - reached - LEFT_OUT
        return sorted([path, *(self._path(module) for module in reached)])

    @cached_property
    def _graph(self) -> grimp.ImportGraph:
        package = str(self._base / "src")
        if package not in sys.path:
            sys.path.insert(0, package)
        return grimp.build_graph("varbench", exclude_type_checking_imports=True, cache_dir=None)

    def _imports(self, script: Path) -> set[str]:
        """Return the varbench modules that a script imports."""
        names: set[str] = set()
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        return names & self._graph.modules

    def _path(self, module: str) -> Path:
        path = self._base.joinpath("src", *module.split("."))
        return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
