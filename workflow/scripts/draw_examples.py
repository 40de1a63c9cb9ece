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
    command.add_options(options, "page, folders (patterns), folder, name (of the dataset)")
    options.add_argument("--tables", type=Path, nargs="+", required=True, help="CSV files")
    given = options.parse_args()
    told, folders = given.options, given.options["folders"]
    page = Options.read(told["page"])
    catalogue, dataset, attack = (folders[name] for name in ("catalogue", "dataset", "attack"))
    archives = Archives(page, catalogue, dataset, attack, cell="")
    tables = frames.read_tables(given.tables)
    facts = gallery.facts(archives, page)
    picture = examples.figure(told["name"], facts, tables, archives, page)
    if picture is None:
        raise InputError("--tables: name item_ranks.csv too; the item is chosen by its ranks")
    figures.write(Path(told["folder"]), f"images_{told['name']}", picture)


if __name__ == "__main__":
    command.run(main)
