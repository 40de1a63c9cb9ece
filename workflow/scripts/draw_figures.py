#!/usr/bin/env python3
"""Draw the figures of the tables: hit ratios, and success against feature loss."""

from varbench.experiment import command

from pathlib import Path

from varbench.reporting import figures
from varbench.reporting.labels import attack_labels
from varbench.storage import read_table


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--labels", type=command.block, required=True, help="as JSON")
    options.add_argument("--attacks", type=command.block, required=True, help="as JSON")
    options.add_argument("--clean", required=True, help="name of the attack that changes nothing")
    options.add_argument("--k", type=int, required=True)
    options.add_argument("--confidence", type=float, required=True)
    options.add_argument("--folder", type=Path, required=True, help="out: folder of the figures")
    command.add_paths(options, chr="table 1", images="table 2")
    given = options.parse_args()
    labels = attack_labels(given.attacks) | given.labels

    ratios = figures.chr_figure(
        read_table(given.chr),
        k=given.k,
        labels=labels,
        confidence=given.confidence,
        clean=given.clean,
    )
    figures.write(given.folder, "chr", ratios)
    success = figures.success_figure(read_table(given.images), labels=labels, clean=given.clean)
    figures.write(given.folder, "success", success)


if __name__ == "__main__":
    command.run(main)
