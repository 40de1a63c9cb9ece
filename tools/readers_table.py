#!/usr/bin/env python3
"""Write the table of which jobs read which key into docs/configuration.md, from readers.yaml."""

from collections.abc import Iterator
from typing import Any

import yaml
from marked import BASE, put

READERS = BASE / "resources" / "readers.yaml"
FEW = 12  # names that a cell of the table holds; the file has them all


def rows(readers: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield keys, the rules that read them, and those that do so in some configurations.

    Neighbours with the same rules are one row.
    """
    said: dict[str, list[str]] = {}
    last = None
    for key, rules in readers.items():
        if last is None or rules != readers[last]:
            last = key
        said.setdefault(last, []).append(f"`{key}`")
    for key, keys in said.items():
        rules = readers[key]
        if rules == "every":
            yield ", ".join(keys), "every rule", ""
        elif isinstance(rules, dict):
            yield ", ".join(keys), listed(rules["always"]), listed(rules["sometimes"])
        else:
            yield ", ".join(keys), listed(rules) or "none", ""


def listed(rules: list[str]) -> str:
    """Return the rules' names, or how many there are."""
    return ", ".join(f"`{rule}`" for rule in rules) if len(rules) <= FEW else f"{len(rules)} rules"


def main() -> None:
    """Rewrite the page."""
    readers = yaml.safe_load(READERS.read_text(encoding="utf-8"))
    lines = ["| key | rules that read it | and in some configurations |", "|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in rows(readers)]
    put(BASE / "docs" / "configuration.md", "readers", "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
