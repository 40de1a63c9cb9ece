#!/usr/bin/env python3
"""Draw an item of a dataset clean and attacked under each network, as Figure 1 of the paper."""

from varbench.experiment import command

from pathlib import Path

from varbench.errors import InputError
from varbench.reporting.page import examples, figures, frames, gallery
from varbench.reporting.page.archives import Archives
from varbench.reporting.page.options import Options


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--options", type=command.block, required=True, help="as JSON")
    options.add_argument("--name", required=True, help="the dataset")
    options.add_argument("--tables", type=Path, nargs="+", required=True, help="CSV files")
    options.add_argument("--catalogue", required=True, help="folder, with {catalogue}")
    options.add_argument("--dataset", required=True, help="folder, with {dataset}")
    options.add_argument("--attack", required=True, help="folder, with {dataset}, {defense}, ...")
    options.add_argument("--folder", type=Path, required=True, help="out: folder of the figure")
    given = options.parse_args()
    page = Options.read(given.options)
    archives = Archives(page, given.catalogue, given.dataset, given.attack, cell="")
    tables = frames.read_tables(given.tables)
    facts = gallery.facts(archives, page)
    picture = examples.figure(given.name, facts, tables, archives, page)
    if picture is None:
        raise InputError("--tables: name item_ranks.csv too; the item is chosen by its ranks")
    figures.write(given.folder, f"images_{given.name}", picture)


if __name__ == "__main__":
    command.run(main)
