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
    command.add_options(options, "page (what the configuration says), folders (patterns)")
    options.add_argument("--tables", type=Path, nargs="+", required=True, help="CSV files")
    command.add_optional(options, provenance="JSON of commit, versions, checksums")
    command.add_paths(options, page="out: index.html of a folder")
    given = options.parse_args()
    page, folders = Options.read(given.options["page"]), given.options["folders"]
    places = (folders[name] for name in ("catalogue", "dataset", "attack", "cell"))
    archives = Archives(page, *places)
    tables = frames.read_tables(given.tables)
    tables |= extra_tables(page, folders["catalogue"], folders["training"])
    provenance = {}
    if given.provenance:
        with reading(given.provenance):
            provenance = json.loads(given.provenance.read_text(encoding="utf-8"))
    images = gallery.facts(archives, page)
    with build.folder_replacing(given.page.parent) as folder:
        gallery.write_gallery(folder, archives, page)
        users = lists.users_lists(folder, tables, archives, page)
        build.write_page(
            folder, context(tables, page, gallery=images, lists=users, provenance=provenance)
        )


if __name__ == "__main__":
    command.run(main)
