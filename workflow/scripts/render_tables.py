#!/usr/bin/env python3
"""Render the tables of numbers as Markdown, LaTeX and HTML in the paper's layout."""

from varbench.experiment import command

from pathlib import Path

from varbench.reporting import rendering, tables
from varbench.reporting.labels import attack_labels
from varbench.storage import read_table, write_text


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--style", type=command.block, required=True, help="tables, as JSON")
    options.add_argument("--attacks", type=command.block, required=True, help="as JSON")
    options.add_argument("--k", type=int, required=True)
    options.add_argument("--clean", required=True, help="name of the attack that changes nothing")
    options.add_argument("--confidence", type=float, required=True)
    options.add_argument("--folder", type=Path, required=True, help="out: folder of the tables")
    command.add_paths(options, chr="table 1", accuracy="table", images="table 2")
    given = options.parse_args()
    style = given.style
    labels = attack_labels(given.attacks) | style["labels"]
    rendered = {
        "table1": tables.chr_table(
            read_table(given.chr),
            k=given.k,
            labels=labels,
            digits=style["chr_digits"],
            intervals=style["intervals"],
            confidence=given.confidence,
            clean=given.clean,
        ),
        "table2": tables.visual_table(read_table(given.images), labels=labels, clean=given.clean),
        "accuracy": tables.accuracy_table(read_table(given.accuracy), k=given.k, labels=labels),
    }
    for name, table in rendered.items():
        for suffix, form in rendering.FORMS.items():
            write_text(given.folder / f"{name}.{suffix}", form(table))


if __name__ == "__main__":
    command.run(main)
