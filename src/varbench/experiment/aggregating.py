"""The tables of cells, from what is stored of every cell and known of every dataset."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from varbench.axes import COLD_START
from varbench.catalogues.interactions import to_matrix
from varbench.experiment.stored import ACCURACY, Dataset, Stored
from varbench.metrics.category import random_hits
from varbench.reporting.cells import Cell
from varbench.reporting.changes import changes
from varbench.reporting.items import item_ranks, promotion, stacked
from varbench.reporting.summaries import accuracy, chr_by_k, runs, table1


def dataset(
    interactions: pd.DataFrame,
    items: int,
    attacked: NDArray[np.int64],
    references: pd.DataFrame,
    doubts: Mapping[str, Sequence[str]],
    *,
    threats: Sequence[str],
    metrics: Mapping[str, Any],
) -> Dataset:
    """Return what the tables need to know of a dataset.

    Parameters
    ----------
    interactions
        user, item, held_out.
    attacked
        (M,) the attacked items.
    references
        recommender, hr, ndcg, auc; a row a user.
    metrics
        The configuration's block. Items that each network sees for itself (``counted: seen``) are
        no set of the dataset, and what depends on one is empty then.
    """
    train = to_matrix(interactions, items).train
    counted = attacked if metrics["counted"] == "attacked" else attacked[:0]
    by_chance = {}
    for threat in threats:
        known = train.tolil()
        if threat == COLD_START:  # nobody has had one of them before
            known[:, attacked] = 0
        by_chance[threat] = float(random_hits(known.tocsr(), counted, metrics["k"]).mean())
    return Dataset(
        popularity=np.asarray(train.sum(axis=0), np.int64).ravel(),
        counted=counted,
        by_chance=by_chance,
        references=references.groupby("recommender")[[*ACCURACY]].mean().reset_index(),
        doubts=doubts,
    )


def tables_of_cells(
    stored: Stored,
    datasets: Mapping[str, Dataset],
    *,
    shown: Collection[Cell],
    clean: str,
    metrics: Mapping[str, Any],
    controls: Collection[str],
    baseline: Mapping[str, str] | None,
    reasons: Mapping[Cell, str],
) -> dict[str, pd.DataFrame]:
    """Return each table by its name; table1 is of all threats.

    Parameters
    ----------
    shown
        Cells that get rows. Others are there to be compared with.
    clean
        The attack that changes nothing.
    metrics
        The configuration's block.
    controls
        Attacks that are none, such as noise.
    baseline
        Axes of the one clean cell that all are tested against, where it is not their own (D15).
    reasons
        Of cells without values of their attacked items, why.
    """
    k, confidence = metrics["k"], metrics["confidence"]
    tested = changes(
        stored.hits,
        stacked(stored.items, "mean_rank"),
        clean=clean,
        baseline=baseline,
        confidence=confidence,
        margin=metrics["equivalence_margin"],
        correction=metrics["correction"],
        reasons=reasons,
    )
    hits = {cell: of_cell for cell, of_cell in stored.hits.items() if cell in shown}
    measured = {cell: of_cell for cell, of_cell in stored.measured.items() if cell in shown}
    curves = {cell: of_cell for cell, of_cell in stored.curves.items() if cell in shown}
    references = [known.references.assign(dataset=name) for name, known in datasets.items()]
    without = [] if metrics["category_share"] else ["category_share"]
    popularity = {name: known.popularity for name, known in datasets.items()}
    doubts = {
        (name, defense): said
        for name, known in datasets.items()
        for defense, said in known.doubts.items()
    }
    return {
        "table1": table1(
            hits,
            tested,
            {cell: datasets[cell.dataset].by_chance[cell.threat] for cell in hits},
            k=k,
            clean=clean,
            controls=controls,
            flags=doubts,
            confidence=confidence,
            reasons=reasons,
        ),
        "runs": runs(hits, k=k, confidence=confidence),
        "changes": tested,
        "accuracy": accuracy(measured, pd.concat(references), k=k, without=without),
        "item_ranks": item_ranks(stored.items, clean=clean),
        "promotion": promotion(stored.items, popularity, clean=clean),
        "chr_by_k": chr_by_k(curves),
    }
