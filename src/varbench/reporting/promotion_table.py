"""How far attacked items are promoted, by how popular they were."""

import pandas as pd

from varbench.metrics.promotion import TERCILES
from varbench.reporting.labels import NAMES
from varbench.reporting.layout import Measure, Style, cell, lay_out, over_runs, with_cells
from varbench.reporting.rendering import Table


def promotion_table(promotion: pd.DataFrame, style: Style) -> Table:
    """Lay out the attacked items' averages by tercile of popularity.

    promotion : as `items.promotion` makes it, of one threat
    """
    measures = {
        "items": Measure("n", 1, 0),
        "hr_before": Measure(f"HR@{style.k} before (%)", 100, 2),
        "hr_after": Measure("after (%)", 100, 2),
        "prediction_shift": Measure("Shift", 1, 3),
        "mean_rank_before": Measure("Rank before", 1, 1),
        "mean_rank_after": Measure("after", 1, 1),
    }
    rows = ["dataset", "recommender", "attack", "tercile"]
    groups = promotion.groupby([*rows, "defense"], sort=False)
    means = groups[[name for name in measures if name != "items"]].mean()
    means = means.join(groups.size().rename("items")).reset_index()
    # Rows keep their order of appearance, but for the terciles.
    order = means["tercile"].map({name: place for place, name in enumerate(TERCILES)})
    means = means.iloc[order.argsort(kind="stable")]
    for name in reversed(rows[:-1]):
        place = {value: at for at, value in enumerate(promotion[name].unique())}
        means = means.iloc[means[name].map(place).argsort(kind="stable")]
    parts = [
        with_cells(
            [cell(number, measure) for number in means[name]], means.assign(measure=measure.heading)
        )
        for name, measure in measures.items()
    ]
    caption = (
        f"{style.preface()}Attacked items by their popularity: terciles of the whole catalogue's "
        f"training interactions. n: items. HR@{style.k}: share of the users who may get an item in "
        "whose list it is. Shift: change of its score in units of the user's own spread of scores. "
        f"Rank: among a user's candidates; 1 is the top. {over_runs(promotion).capitalize()}."
    )
    if means["hr_after"].isna().any():
        caption += " A dash: nothing is measured there; the table of CHR says why."
    laid_out = lay_out(pd.concat(parts), rows, ["defense", "measure"], style.labels, NAMES)
    return Table(style.name("promotion"), caption, laid_out)
