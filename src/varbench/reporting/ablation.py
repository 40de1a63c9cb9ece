"""What each difference between the paper's text and its released code does to the results."""

from collections.abc import Mapping

import pandas as pd

from varbench.axes import REPEATED, WITHIN_THREAT
from varbench.reporting.labels import NAMES
from varbench.reporting.layout import lay_out, with_cells
from varbench.reporting.rendering import Cell, Table

# Of a cell: the p value of its change, the share of lists that the attacked category has; of its
# images: success, the share that the network puts in the source category, loss and distance, whose
# label says whether it is LPIPS.
MEASURED = (
    *("p_value", "category_share", "success_rate", "success_rate_not_target", "source_share"),
    *("feature_loss", "perceptual_distance", "distance_label"),
)
CELL = [*WITHIN_THREAT, *REPEATED]


def differences(
    cells: pd.DataFrame, *, clean: str, reference: str = "as_published"
) -> pd.DataFrame:
    """Set every cell beside its clean one and beside the same cell of another protocol.

    cells : protocol, dataset, defense, attack, recommender, run, seed, chr, and any of `MEASURED`
    clean : the attack that changes nothing
    reference : the protocol that the others are compared with

    Returns protocol, the cell's names, chr, chr_change (less the clean cell's of the same protocol,
    dataset, defense, recommender, run and seed), difference (chr less the reference's) and
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
    clean: str = "none",
) -> Table:
    """Lay out an ablation: a row for each attacked cell and protocol, a column for each number.

    ablation : the columns of `differences`, chr as chr_at_k
    clean : the attack that changes nothing; its cells are what changes are taken from
    """
    shown: dict[str, tuple[str, str, float, str]] = {
        f"chr_at_{k}": (f"CHR@{k}", "value", 1, f".{digits}f"),
        "chr_change": (f"CHR@{k}", "change", 1, f"+.{digits}f"),
        "difference": (f"CHR@{k}", "difference", 1, f"+.{digits}f"),
        "p_value": (f"CHR@{k}", "p", 1, ".2g"),
        "category_share": (f"CHR@{k}", "share (%)", 100, ".2f"),
        "success_rate": ("Images", "SR (%)", 100, ".2f"),
        "success_rate_not_target": ("Images", "SR, new (%)", 100, ".2f"),
        "source_share": ("Images", "in source (%)", 100, ".2f"),
        "feature_loss": ("Images", "FL", 1, ".3g"),
        "perceptual_distance": ("Images", "distance \N{MULTIPLICATION SIGN} 100", 100, ".4f"),
    }
    rows = ["dataset", "defense", "recommender", "attack", "protocol"]
    attacked = ablation[ablation["attack"] != clean]
    groups = attacked.groupby(rows, sort=False)
    means = groups[list(shown)].mean().reset_index()
    means["p_value"] = groups["p_value"].max().to_numpy()  # of several trainings the largest
    parts = [
        with_cells(
            [Cell() if pd.isna(number) else Cell(f"{number * factor:{form}}") for number in values],
            means.assign(of=of, measure=heading),
        )
        for name, (of, heading, factor, form) in shown.items()
        for values in [means[name]]
    ]
    distance = ", ".join(attacked["distance_label"].dropna().unique())
    caption = (
        f"CHR@{k} of each attacked cell under each protocol; its change against the same defense's "
        "clean cell; its difference from the same cell under as_published; the p value of the "
        "protocol's paired test; the share of the list. Of the attacked images: success rate, that "
        "among images not in the target category before, the share that the defense's network puts "
        f"in the source category, feature loss, perceptual distance ({distance}). A dash: the "
        "protocol does not say it."
    )
    return Table(
        "ablation", caption, lay_out(pd.concat(parts), rows, ["of", "measure"], labels, NAMES)
    )


def as_tables(cells: pd.DataFrame, k: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return one protocol's cells as Tables 1 and 2, means over runs and seeds.

    cells : the columns of `differences`, chr as chr_at_k

    A distance that is not LPIPS decides nothing about LPIPS: it is left empty.
    """
    names = list(WITHIN_THREAT)
    is_lpips = cells["distance_label"].str.startswith("LPIPS", na=False)
    cells = cells.assign(lpips=cells["perceptual_distance"].where(is_lpips))
    table1 = cells.groupby(names, sort=False)[f"chr_at_{k}"].mean().reset_index()
    attacked = cells[cells["success_rate"].notna()]
    return table1, attacked.drop_duplicates(names[:3])
