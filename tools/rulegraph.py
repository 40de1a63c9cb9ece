#!/usr/bin/env python3
"""Write the graph of rules into docs/architecture.md, as Snakemake draws it."""

import re
import subprocess
import sys

from marked import BASE, put


def drawn() -> str:
    """Return the graph as a Mermaid block, without colours and the target `all`."""
    line = [sys.executable, "-m", "snakemake", "--rulegraph", "mermaid-js", "all"]
    said = subprocess.run(line, cwd=BASE, capture_output=True, text=True, check=True).stdout
    said = said[said.index("flowchart") :]
    names = dict(re.findall(r"^\s*(id\d+)\[(\w+)\]", said, re.MULTILINE))
    arrows = re.findall(r"^\s*(id\d+) --> (id\d+)", said, re.MULTILINE)
    edges = reduced({(names[a], names[b]) for a, b in arrows if b != a and names[b] != "all"})
    body = "\n".join(f"    {one} --> {other}" for one, other in edges)
    return f"```mermaid\nflowchart TB\n{body}\n```\n"


def reduced(edges: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """Leave out every arrow that a longer way stands for."""
    after: dict[str, set[str]] = {}
    for one, other in edges:
        after.setdefault(one, set()).add(other)

    def reached(start: str) -> set[str]:
        steps = after.get(start, set())
        return steps.union(*(reached(step) for step in steps)) if steps else set()

    return sorted(
        (one, other)
        for one, other in edges
        if not any(other in reached(step) for step in after[one] - {other})
    )


def main() -> None:
    """Rewrite the page."""
    put(BASE / "docs" / "architecture.md", "rulegraph", drawn())


if __name__ == "__main__":
    main()
