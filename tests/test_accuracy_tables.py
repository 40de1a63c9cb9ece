"""The tables of accuracy, of what lies beyond it, and of promotion."""

# ruff: noqa: RUF001 (the dash and the multiplication sign are what is tested)
import numpy as np
import pandas as pd

from shown_tables import DATASETS, DEFENSES, promotion, read_html, table1
from varbench.reporting import rendering
from varbench.reporting.accuracy_table import accuracy_table, beyond_accuracy_table
from varbench.reporting.layout import Style
from varbench.reporting.promotion_table import promotion_table

__all__ = ["promotion", "table1"]


def test_accuracy_shows_references_beside_every_extractor(table1):
    accuracy = table1[["dataset", "defense", "attack", "recommender", "runs"]].assign(
        hr_at_5=0.25, ndcg_at_5=0.125, auc=table1["chr_at_5"] / 5
    )
    popularity = pd.DataFrame({"dataset": DATASETS, "recommender": "popularity"}).assign(
        hr_at_5=0.5, ndcg_at_5=0.0, auc=[0.625, 0.75]
    )
    table = accuracy_table(pd.concat([accuracy, popularity]), Style(k=5))
    assert "3 runs" in table.caption
    shown = read_html(rendering.to_html(table), 3)
    assert len(shown) == (2 * 2 * 4 + 2) * 9
    for dataset, auc in zip(DATASETS, ["0.6250", "0.7500"], strict=True):
        for defense in DEFENSES:
            row = (dataset, "Popularity", "–")
            assert shown[row, (defense, "AUC")] == (auc, False)
            assert shown[row, (defense, "HR@5")] == ("0.5000", False)
    for row in accuracy.itertuples():
        label = {"none": "No-Attack", "cw": "C&W"}.get(row.attack, row.attack)
        place = (row.dataset, row.recommender.upper(), label), (row.defense, "AUC")
        assert shown[place][0] == f"{row.auc:.4f}"


def test_beyond_accuracy(table1):
    accuracy = table1[["dataset", "defense", "attack", "recommender", "runs"]].assign(
        coverage_at_5=0.125, gini_at_5=0.5, novelty_at_5=7.0, popularity_at_5=30.0
    )
    cells = beyond_accuracy_table(accuracy, Style(k=5)).cells
    assert [cell.text for cell in cells.iloc[0].iloc[:4]] == ["12.5", "0.500", "7.00", "30.0"]


def test_promotion_is_averaged_by_tercile(promotion):
    evasion = promotion[promotion["threat"] == "evasion"]
    table = promotion_table(evasion, Style(threat="evasion"))
    assert [row[-1] for row in table.cells.index] == ["tail", "head"] * 2
    texts = [cell.text for cell in table.cells.loc[("women", "VBPR", "pgd_8", "tail")].iloc[:6]]
    assert texts == ["3", "1.00", "103.00", "0.300", "90.0", "40.0"]  # items 1, 3 and 5
    assert table.caption.startswith("Evasion: the clean cell's recommender ranks")
    assert table.caption.endswith("one run: the spread between networks is unknown.")
    empty = promotion_table(evasion.assign(hr_after=np.nan), Style(threat="evasion"))
    assert empty.cells.iloc[0, 2].text == "\N{EN DASH}"
    assert "A dash: nothing is measured there" in empty.caption
