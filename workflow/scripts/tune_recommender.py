#!/usr/bin/env python3
"""Train a recommender on the clean catalogue once for each setting of its parameters.

What it is judged by is an interaction of each user that is taken from training. The one that the
experiment holds out for its own test plays no part.
"""

from varbench.experiment import command
from varbench.experiment.device import torch_device
from varbench.experiment.tuning import settings

import logging
from typing import Any

import numpy as np
import pandas as pd

from varbench.catalogues.features import largest
from varbench.catalogues.interactions import for_validation, to_matrix
from varbench.metrics import accuracy
from varbench.recommenders.learnt import SCALE, ranking_factors
from varbench.recommenders.ranking import dot_product_scores, rank
from varbench.recommenders.stack import Training
from varbench.recommenders.state import State
from varbench.registry import resolve
from varbench.storage import read_array, read_table, write_table

Block = dict[str, Any]
log = logging.getLogger("tune")


def main() -> None:
    options = command.parser(__doc__)
    command.add_options(options, "recommender and start (blocks), values (to try), k, seed")
    command.add_paths(options, interactions="of the catalogue", clean_features="of the catalogue")
    command.add_paths(options, trials="out")
    command.add_compute(options)
    given = options.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    told, k = given.options, given.options["k"]
    device = torch_device(given.device, given.threads)
    features = read_array(given.clean_features)
    features = np.divide(features, largest(features), dtype=np.float32)
    data = to_matrix(for_validation(read_table(given.interactions), told["seed"]), len(features))

    def train(block: Block, start: State | None = None) -> tuple[State, dict[str, float]]:
        method, parameters = command.method_and_parameters(block)
        parameters.pop("feature_scale", None)
        rows: list[dict[str, float]] = []
        training = Training(data.train, features, told["seed"], rows.append, start)
        (state,) = resolve("recommender", method)([training], device=device, **parameters)
        return state, rows[-1]

    trials = []
    for setting in settings(told["recommender"], told["values"]):
        start = None
        if "start" in told:  # half of its epochs, as in the experiment
            half = {"epochs": max(1, told["start"]["epochs"] // 2)}
            known = {name: value for name, value in setting.items() if name in told["start"]}
            start, _ = train(told["start"] | known | half)
        state, last = train(told["recommender"] | setting, start)
        model = {name: tensor.numpy() for name, tensor in state.learnt().items()}
        factors = ranking_factors(model | {SCALE: np.ones(1, np.float32)}, features)
        ranking = rank(
            dot_product_scores(factors), data.train, data.held_out, np.empty(0, np.int64), length=k
        )
        measured = {
            "auc": accuracy.auc(ranking.held_out_rank, ranking.candidates),
            f"hr_at_{k}": accuracy.hit_ratio(ranking.held_out_rank, k),
        }
        row = setting | {name: float(np.nanmean(values)) for name, values in measured.items()}
        spreads = {name: value for name, value in last.items() if name.startswith("spread_")}
        trials.append(row | spreads)
        log.info("%s", trials[-1])
    write_table(given.trials, pd.DataFrame(trials).sort_values("auc", ascending=False))


if __name__ == "__main__":
    command.run(main)
