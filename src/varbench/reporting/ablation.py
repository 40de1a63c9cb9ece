"""What each difference between the paper's text and its released code does to the results."""

from collections.abc import Mapping

import pandas as pd

from varbench.reporting.labels import NAMES
from varbench.reporting.rendering import Cell, Table
from varbench.reporting.tables import lay_out, with_cells

# Of a cell: the p value of its change, the share of lists that the attacked category has; of its
# images: success, the share that the network puts in the source category, loss and distance, whose
# label says whether it is LPIPS.
MEASURED = (
    *("p_value", "category_share", "success_rate", "success_rate_not_target", "source_share"),
    *("feature_loss", "perceptual_distance", "distance_label"),
)
CELL = ["dataset", "defense", "attack", "recommender", "seed"]


def differences(
    cells: pd.DataFrame, *, clean: str, reference: str = "as_published"
) -> pd.DataFrame:
    """Set every cell beside its clean one and beside the same cell of another protocol.

    cells : protocol, dataset, defense, attack, recommender, seed, chr, and any of `MEASURED`
    clean : the attack that changes nothing
    reference : the protocol that the others are compared with

    Returns protocol, the cell's names, chr, chr_change (less the clean cell's of the same protocol,
    dataset, defense, recommender and seed), difference (chr less the reference's) and
    difference_of_change, and `MEASURED`, empty where a protocol does not say it.
    """
    same = ["protocol", *(name for name in CELL if name != "attack")]
    cleans = cells[cells["attack"] == clean].set_index(same)["chr"].rename("clean")
    table = cells.join(cleans, on=same)
    table["chr_change"] = (table["chr"] - table.pop("clean")).where(table["attack"] != clean)
    published = table[table["protocol"] == reference].set_index(CELL)
    published = published[["chr", "chr_change"]].add_suffix("_published")
    table = table.join(published, on=CELL)
    table["difference"] = table["chr"] - table.pop("chr_published")
    table["difference_of_change"] = table["chr_change"] - table.pop("chr_change_published")
    compared = ("chr", "chr_change", "difference", "difference_of_change")
    return table.reindex(columns=["protocol", *CELL, *compared, *MEASURED])


def ablation_table(
    ablation: pd.DataFrame,
    *,
    k: int,
    labels: Mapping[str, str] | None = None,
    digits: int = 4,
) -> Table:
    """Lay out an ablation: a row for each protocol and attack, CHR and its change in each cell.

    ablation : the columns of `differences`, chr as chr_at_k
    """
    value = f"chr_at_{k}"
    means = ablation.groupby(
        ["protocol", "attack", "recommender", "dataset", "defense"], sort=False, as_index=False
    )[[value, "chr_change"]].mean()
    cells = [
        Cell(f"{ratio:.{digits}f}" + ("" if pd.isna(change) else f" ({change:+.{digits}f})"))
        for ratio, change in zip(means[value], means["chr_change"], strict=True)
    ]
    rows, columns = ["protocol", "recommender", "attack"], ["dataset", "defense"]
    caption = (
        f"CHR@{k} under each protocol and, in brackets, its change against the same protocol's "
        "clean cell."
    )
    return Table(
        "ablation", caption, lay_out(with_cells(cells, means), rows, columns, labels, NAMES)
    )
