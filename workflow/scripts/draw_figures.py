#!/usr/bin/env python3
"""Draw the page's pictures for print: SVG, PDF and PNG from the same definitions."""

from varbench.experiment import command

from pathlib import Path

from varbench.reporting.page import archives, frames
from varbench.reporting.page.figures import write_figures
from varbench.reporting.page.options import Options


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options, "page (what the configuration says), folders (patterns), folder")
    options.add_argument("--tables", type=Path, nargs="+", required=True, help="CSV files")
    given = options.parse_args()
    page, folders = Options.read(given.options["page"]), given.options["folders"]
    tables = frames.read_tables(given.tables)
    tables |= archives.extra_tables(page, folders["catalogue"], folders["training"])
    write_figures(Path(given.options["folder"]), tables, page)


if __name__ == "__main__":
    command.run(main)
