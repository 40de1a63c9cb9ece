#!/usr/bin/env python3
"""Render the ablation as Markdown, LaTeX and HTML."""

from varbench.experiment import command

from pathlib import Path

from varbench.reporting import rendering
from varbench.reporting.ablation import ablation_table
from varbench.reporting.labels import attack_labels
from varbench.storage import read_table, write_text


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--style", type=command.block, required=True, help="tables, as JSON")
    options.add_argument("--attacks", type=command.block, required=True, help="as JSON")
    options.add_argument("--k", type=int, required=True)
    options.add_argument("--clean", required=True, help="name of the attack that changes nothing")
    options.add_argument("--folder", type=Path, required=True, help="out: folder of the tables")
    command.add_paths(options, ablation="table")
    given = options.parse_args()
    table = ablation_table(
        read_table(given.ablation),
        k=given.k,
        labels=attack_labels(given.attacks) | given.style["labels"],
        digits=given.style["chr_digits"],
        clean=given.clean,
    )
    for suffix, form in rendering.FORMS.items():
        write_text(given.folder / f"ablation.{suffix}", form(table))


if __name__ == "__main__":
    command.run(main)
