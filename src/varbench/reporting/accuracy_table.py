"""How well recommenders rank what users chose, and what their lists show."""

from collections.abc import Mapping

import pandas as pd

from varbench.reporting.labels import NAMES
from varbench.reporting.layout import Measure, Style, cell, lay_out, over_runs, with_cells
from varbench.reporting.rendering import Table


def accuracy_table(accuracy: pd.DataFrame, style: Style) -> Table:
    """Lay out HR, nDCG and AUC of the cells of Table 1.

    accuracy : as `summaries.accuracy` makes it, of one threat; rankings that see no images leave
        defense and attack empty and are shown beside every defense

    Raises InputError where cells have different numbers of runs.
    """
    k = style.k
    measures = {
        f"hr_at_{k}": Measure(f"HR@{k}"),
        f"ndcg_at_{k}": Measure(f"nDCG@{k}"),
        "auc": Measure("AUC"),
    }
    caption = (
        f"{style.preface()}Accuracy on each user's held-out interaction, {over_runs(accuracy)}. "
        "AUC: 0.5 is chance."
    )
    return Table(style.name("accuracy"), caption, _laid_out(accuracy, measures, style))


def beyond_accuracy_table(accuracy: pd.DataFrame, style: Style) -> Table:
    """Lay out what the lists show: coverage, inequality, novelty and popularity.

    accuracy : as above
    """
    k = style.k
    measures = {
        f"coverage_at_{k}": Measure("Coverage (%)", 100, 1),
        f"gini_at_{k}": Measure("Gini", 1, 3),
        f"novelty_at_{k}": Measure("Novelty", 1, 2),
        f"popularity_at_{k}": Measure("Popularity", 1, 1),
    }
    caption = (
        f"{style.preface()}What the top {k} of all users show. Coverage: share of the catalogue. "
        "Gini: inequality of exposure, 0 if all items are shown as often. Novelty: mean "
        "self-information of a shown item, in bits. Popularity: mean number of its training "
        f"interactions. {over_runs(accuracy).capitalize()}."
    )
    return Table(style.name("beyond_accuracy"), caption, _laid_out(accuracy, measures, style))


def _laid_out(
    accuracy: pd.DataFrame, measures: Mapping[str, Measure], style: Style
) -> pd.DataFrame:
    blind = accuracy["defense"].isna()
    seeing = accuracy[~blind]
    defenses = seeing[["defense"]].drop_duplicates()
    beside = accuracy[blind].drop(columns="defense").merge(defenses, how="cross")
    every = pd.concat([seeing, beside], ignore_index=True)
    parts = [
        with_cells(
            [cell(number, measure) for number in every[name]], every.assign(measure=measure.heading)
        )
        for name, measure in measures.items()
        if name in every
    ]
    rows, columns = ["dataset", "recommender", "attack"], ["defense", "measure"]
    return lay_out(pd.concat(parts), rows, columns, style.labels, NAMES)
