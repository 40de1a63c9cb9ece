"""The paper's Table 1: the category hit ratio of every cell."""

from collections.abc import Sequence

import pandas as pd

from varbench.reporting.labels import NAMES, networks
from varbench.reporting.layout import Measure, Style, cell, lay_out, numbered, over_runs, with_cells
from varbench.reporting.rendering import Table

MARKS = {
    "raised": "\N{UPWARDS ARROW}",
    "lowered": "\N{DOWNWARDS ARROW}",
    "not separable": "\N{ALMOST EQUAL TO}",
}
# What may stand beside it, by its column less the list's length.
BESIDE = {
    "reach_at": Measure("Reach (%)", 100, 1),
    "top_users_share": Measure("Top 5 % (%)", 100, 1),
    "random_chr_at": Measure("Random", 1, 4),
}
SAID = {
    "reach_at": "Reach: share of the users with such an item in their list.",
    "top_users_share": "Top 5 %: share of all hits that the 5 % of the users with most hold.",
    "random_chr_at": "Random: CHR of a random ranking.",
}


def chr_table(table1: pd.DataFrame, style: Style, *, beside: Sequence[str] = ()) -> Table:
    """Lay out the category hit ratio with its interval and verdict.

    table1 : as `summaries.table1` makes it, of one threat
    beside : further measures from `BESIDE`, a column each

    All attacks that cannot be told from the most effective one are bold, as ``most_effective``
    says; an arrow says the verdict against the clean cell. What is missing has a footnote; what is
    doubtful has it at its first number under each dataset and defense.

    Raises InputError where cells have different numbers of runs.
    """
    value = f"chr_at_{style.k}"
    ratio = Measure(f"CHR@{style.k}", 1, style.digits.get("chr", 4))
    notes, footnotes = numbered(table1["note"])
    again = table1.duplicated(["dataset", "defense", "note"]) & table1[value].notna()
    notes = [() if known else note for note, known in zip(notes, again, strict=True)]
    cells = [
        cell(
            number,
            ratio,
            bold=bool(best),
            bounds=bounds if style.intervals else None,
            mark=MARKS.get(verdict, ""),
            notes=said,
        )
        for number, best, verdict, bounds, said in zip(
            table1[value],
            table1["most_effective"],
            table1["verdict"].fillna(""),
            table1[[f"{value}_low", f"{value}_high"]].itertuples(index=False),
            notes,
            strict=True,
        )
    ]
    rows, columns = ["recommender", "attack"], ["dataset", "defense"]
    table = with_cells(cells, table1)
    if beside:
        columns = [*columns, "measure"]
        parts = [table.assign(measure=ratio.heading)]
        for name in beside:
            of = table1[f"{name}_{style.k}" if name.endswith("_at") else name]
            shown = [cell(number, BESIDE[name]) for number in of]
            parts.append(with_cells(shown, table1.assign(measure=BESIDE[name].heading)))
        table = pd.concat(parts)
    caption = _caption(table1, style) + "".join(f" {SAID[name]}" for name in beside)
    laid_out = lay_out(table, rows, columns, style.labels, NAMES)
    return Table(style.name("chr"), caption, laid_out, footnotes)


def _caption(table1: pd.DataFrame, style: Style) -> str:
    share = f"{100 * style.confidence:g} %"
    caption = (
        f"{style.preface()}CHR@{style.k}: items of the pushed category among a user's top "
        f"{style.k}, {over_runs(table1)}"
    )
    if style.intervals:
        several = bool((table1["runs"] > 1).any())
        over = "users and runs" if several else "users"
        caption += f"; in brackets its {share} interval over {over}"
    raised, lowered, neither = MARKS.values()
    names = networks(table1["defense"], style.labels)
    return (
        f"{caption}. {raised} raised, {lowered} lowered, {neither} not separable from the clean "
        "cell. Bold: the most effective attack (largest CHR) on each model and extractor, and all "
        f"that cannot be told from it.{' ' * bool(names)}{names}"
    )
