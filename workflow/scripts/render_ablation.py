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
    command.add_options(options, "style, attacks (blocks), k, clean, folder")
    command.add_paths(options, ablation="table")
    given = options.parse_args()
    told = given.options
    table = ablation_table(
        read_table(given.ablation),
        k=told["k"],
        labels=attack_labels(told["attacks"]) | told["style"]["labels"],
        digits=told["style"]["chr_digits"],
        clean=told["clean"],
    )
    for suffix, form in rendering.FORMS.items():
        write_text(Path(told["folder"]) / f"ablation.{suffix}", form(table))


if __name__ == "__main__":
    command.run(main)
