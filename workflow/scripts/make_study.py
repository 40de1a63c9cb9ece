#!/usr/bin/env python3
"""Make a study with people: one page that asks which of two images was attacked."""

from varbench.experiment import command

from pathlib import Path

from varbench.reporting.page import study
from varbench.reporting.page.archives import Archives
from varbench.reporting.page.options import Options
from varbench.storage import reading


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options, "page, folders (patterns)")
    options.add_argument(
        "--per-cell", type=int, default=2, help="pairs of each attack on each network"
    )
    options.add_argument("--catch", type=int, default=4, help="pairs that nobody overlooks")
    options.add_argument("--seed", type=int, default=0, help="which items are shown")
    options.add_argument("--consent", type=Path, default=study.CONSENT, help="text")
    command.add_paths(options, study="out: HTML")
    given = options.parse_args()
    page, folders = Options.read(given.options["page"]), given.options["folders"]
    catalogue, dataset, attack = (folders[name] for name in ("catalogue", "dataset", "attack"))
    archives = Archives(page, catalogue, dataset, attack, cell="")
    with reading(given.consent):
        consent = given.consent.read_text(encoding="utf-8")
    pairs = study.trials(
        archives, page, per_cell=given.per_cell, catch=given.catch, seed=given.seed
    )
    study.write_study(given.study, pairs, page.title, consent)


if __name__ == "__main__":
    command.run(main)
