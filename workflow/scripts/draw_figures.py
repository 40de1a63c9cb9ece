#!/usr/bin/env python3
"""Draw the page's pictures for print: SVG, PDF and PNG from the same definitions."""

from varbench.experiment import command

from pathlib import Path

from varbench.reporting.page import archives, frames
from varbench.reporting.page.figures import write_figures
from varbench.reporting.page.options import Options


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--options", type=command.block, required=True, help="as JSON")
    options.add_argument("--tables", type=Path, nargs="+", required=True, help="CSV files")
    options.add_argument("--catalogue", required=True, help="folder, with {catalogue}")
    options.add_argument("--training", required=True, help="network's log, with {defense}, {run}")
    options.add_argument("--folder", type=Path, required=True, help="out: folder of the figures")
    given = options.parse_args()
    page = Options.read(given.options)
    tables = frames.read_tables(given.tables)
    tables |= archives.extra_tables(page, given.catalogue, given.training)
    write_figures(given.folder, tables, page)


if __name__ == "__main__":
    command.run(main)
