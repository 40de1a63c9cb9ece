#!/usr/bin/env python3
"""Sum up a study's answers: how often people find the attacked image, against chance and LPIPS."""

from varbench.experiment import command

from pathlib import Path

from varbench.reporting.page import study_results
from varbench.storage import read_table, write_table


def main() -> None:
    options = command.parser(__doc__)
    options.add_argument("--images", type=Path, help="table 2, whose distances are put beside")
    options.add_argument("--catch-share", type=float, default=0.8, help="right answers asked for")
    options.add_argument("--confidence", type=float, default=0.95)
    command.add_paths(options, answers="folder of the saved JSON files", output="out: CSV")
    given = options.parse_args()
    answers = study_results.read_answers(sorted(given.answers.glob("*.json")))
    table2 = read_table(given.images) if given.images else None
    found = study_results.detection(
        answers, table2=table2, catch_share=given.catch_share, confidence=given.confidence
    )
    write_table(given.output, found)


if __name__ == "__main__":
    command.run(main)
