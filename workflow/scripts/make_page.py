#!/usr/bin/env python3
"""Make the page of an experiment: tables, pictures and images in one folder, opened from disk."""

from varbench.experiment import command

import json
from pathlib import Path

from varbench.reporting.page import build, frames, gallery, lists
from varbench.reporting.page.archives import Archives, extra_tables
from varbench.reporting.page.context import context
from varbench.reporting.page.options import Options
from varbench.storage import reading


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--options", type=command.block, required=True, help="as JSON")
    options.add_argument("--tables", type=Path, nargs="+", required=True, help="CSV files")
    for name, of in {
        "catalogue": "{catalogue}",
        "dataset": "{dataset}",
        "attack": "{dataset}, {defense}, {attack}, {run}",
        "cell": "{threat}, {dataset}, {defense}, {attack}, {recommender}, {run}, {seed}",
    }.items():
        options.add_argument(f"--{name}", required=True, help=f"folder, with {of}")
    options.add_argument("--training", required=True, help="network's log, with {defense}, {run}")
    options.add_argument("--provenance", type=Path, help="JSON of commit, versions, checksums")
    options.add_argument("--folder", type=Path, required=True, help="out: folder of the page")
    given = options.parse_args()
    page = Options.read(given.options)
    archives = Archives(page, given.catalogue, given.dataset, given.attack, given.cell)
    tables = frames.read_tables(given.tables)
    tables |= extra_tables(page, given.catalogue, given.training)
    provenance = {}
    if given.provenance:
        with reading(given.provenance):
            provenance = json.loads(given.provenance.read_text(encoding="utf-8"))
    images = gallery.facts(archives, page)
    with build.folder_replacing(given.folder) as folder:
        gallery.write_gallery(folder, archives, page)
        users = lists.users_lists(folder, tables, archives, page)
        build.write_page(
            folder, context(tables, page, gallery=images, lists=users, provenance=provenance)
        )


if __name__ == "__main__":
    command.run(main)
