"""BENCHMARKS.md, made in pieces: each subject's section is replaced by that of its last run.

What a person writes stands between the sections and stays.
"""

import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tools"))

from marked import with_part


def write(path: Path, subject: str, text: str) -> None:
    page = path.read_text(encoding="utf-8")
    path.write_text(with_part(page, subject, f"{text.strip()}\n"), encoding="utf-8")


def versions(names: Iterable[str]) -> dict[str, str]:
    """Return each distribution's version, or that it is missing."""
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "missing"
    return found


def loaded(names: Iterable[str]) -> list[str]:
    """Return those of the distributions that this process has imported something of."""
    modules = metadata.packages_distributions()
    used = {one for module in {name.partition(".")[0] for name in sys.modules}
            for one in modules.get(module, ())}  # fmt: skip
    return [name for name in names if name in used]


def said(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())
