#!/usr/bin/env python3
"""Render the tables of numbers as Markdown, LaTeX and HTML in the paper's layout."""

from varbench.experiment import command

from pathlib import Path

from varbench.reporting import rendering, tables
from varbench.reporting.layout import style_of
from varbench.storage import read_table, write_text


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(
        options, "style, attacks (blocks), threats, clean, controls, metrics, folder"
    )
    options.add_argument("--tables", type=Path, nargs="+", required=True, help="CSV files")
    given = options.parse_args()
    told = given.options
    files = {path.stem: path for path in given.tables}
    rendered = tables.render(told["threats"], lambda name: read_table(files[name]), style_of(told))
    for name, table in rendered.items():
        for suffix, form in rendering.FORMS.items():
            write_text(Path(told["folder"]) / f"{name}.{suffix}", form(table))


if __name__ == "__main__":
    command.run(main)
