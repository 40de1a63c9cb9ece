"""How far another training moves CHR, beside the differences in the published Table 1.

Interactions and features are drawn at the size of the paper's two datasets; nothing is attacked.
VBPR is trained with the paper's parameters and several seeds, and CHR@20 of the source category is
taken at several epochs of the same trainings. The standard deviation between them says which of
Table 1's differences from the clean cell a second training of that clean cell could have made.
"""

import argparse
import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy import sparse, special

from noise import K, differences, siblings, spreads, verdicts
from varbench.catalogues.features import largest
from varbench.catalogues.interactions import leave_one_out, to_matrix
from varbench.catalogues.tastes import category_shares, simulate
from varbench.experiment.protocol import SWITCHES
from varbench.metrics.category import hits, random_hits
from varbench.recommenders import vbpr
from varbench.recommenders.learnt import SCALE, ranking_factors
from varbench.recommenders.ranking import dot_product_scores, rank
from varbench.recommenders.stack import Training
from varbench.recommenders.state import State
from varbench.reporting import published

SOURCE, TARGET = 0, 1  # categories: the one that is counted, and the popular one
COLOURS, PATTERNS = 12, 8
# Shares of a feature's variance (before it is rectified) of category, colour, pattern; the rest is
# the image's own.
OF_LOOKS = {"category": 0.3, "colour": 0.1, "pattern": 0.1}


class Size(NamedTuple):
    """Of a dataset.

    Attributes
    ----------
    source
        How many items the source category has.
    level
        Its published CHR@20, clean, without a defense, under VBPR.
    """

    users: int
    items: int
    interactions: int
    source: int
    level: float


SIZES = {
    "amazon_women": Size(16_668, 2_981, 54_473, 113, 0.4377),
    "amazon_men": Size(24_379, 7_371, 89_020, 191, 0.6352),
}
# What of the released code reaches the training of a clean cell's VBPR.
_PUBLISHED = [SWITCHES[name] for name in ("D8_regulariser", "D11_user_factors")]
PROTOCOLS: dict[str, dict[str, str]] = {
    "as_published": {switch.parameter: switch.published for switch in _PUBLISHED},
    "corrected": {},
}


@dataclass(frozen=True)
class Drawn:
    """A catalogue.

    Attributes
    ----------
    train, held_out
        As in ``catalogues.interactions.Interactions``.
    features
        (items, D), divided by the largest.
    source
        (M,) the source category's items.
    """

    train: sparse.csr_matrix
    held_out: NDArray[np.int64]
    features: NDArray[np.float32]
    source: NDArray[np.int64]


def draw(size: Size, width: int, seed: int) -> Drawn:
    """Draw interactions by tastes, and features that categories, colours and patterns share.

    There are as many categories as items go into one of the source's size. The source has the share
    of the interactions that it has of the published lists. Marginally a feature is exponential: not
    negative and most of them small, as averages of rectified maps are.
    """
    random = np.random.default_rng(seed)
    categories = size.items // size.source
    others = 1 + np.arange(size.items - size.source) % (categories - 1)
    looks = {
        "category": random.permutation(np.append(np.full(size.source, SOURCE), others)),
        "colour": random.integers(COLOURS, size=size.items),
        "pattern": random.integers(PATTERNS, size=size.items),
    }
    shares = category_shares(categories, popular=TARGET, unpopular=SOURCE, seed=seed)
    shares[SOURCE] = 0
    shares *= (1 - size.level / K) / shares.sum()
    shares[SOURCE] = size.level / K
    table = simulate(
        categories=looks["category"],
        colours=looks["colour"],
        patterns=looks["pattern"],
        shares=shares,
        users=size.users,
        per_user=size.interactions / size.users,
        min_per_user=2,
        min_per_item=2,
        seed=seed,
    )
    table["held_out"] = leave_one_out(table, seed=seed)
    interactions = to_matrix(table, size.items, size.users)
    features = cluster_features(looks, width, random)
    source = np.flatnonzero(looks["category"] == SOURCE)
    return Drawn(interactions.train, interactions.held_out, features / largest(features), source)


def cluster_features(
    looks: Mapping[str, NDArray[np.int64]], width: int, random: np.random.Generator
) -> NDArray[np.float32]:
    """Return features (items, width) of which each look has its share, by OF_LOOKS.

    looks : (items,) of each, as indices from 0
    """
    (items,) = looks["category"].shape
    own = 1 - sum(OF_LOOKS.values())
    normal = math.sqrt(own) * random.standard_normal((items, width), np.float32)
    for name, share in OF_LOOKS.items():
        centres = random.standard_normal((looks[name].max() + 1, width), np.float32)
        normal += np.float32(math.sqrt(share)) * centres[looks[name]]
    # The exponential distribution's quantile of the normal one's probability.
    return -special.log_ndtr(-normal)


def category_hit_ratio(state: State, data: Drawn) -> float:
    """Return CHR@K of the source category."""
    model = {name: tensor.numpy() for name, tensor in state.learnt().items()}
    model[SCALE] = np.ones(1, np.float32)
    score = dot_product_scores(ranking_factors(model, data.features))
    nobody = np.empty(0, np.int64)
    lists = rank(score, data.train, data.held_out, nobody, length=K).lists
    return float(hits(lists, data.source, K).mean())


def trainings(
    data: Drawn, options: Mapping[str, str], seed: int, epochs: Sequence[int]
) -> list[dict[str, float]]:
    """Train once and return, for each of ``epochs``, the log's row with ``chr``."""
    log: list[dict[str, float]] = []
    rows = []

    def look(state: State) -> None:
        if state.epoch in epochs:
            row = {**log[-1], "epoch": state.epoch, "chr": category_hit_ratio(state, data)}
            rows.append(row)

    training = Training(data.train, data.features, seed, log.append, checkpoint=look)
    vbpr.train([training], device=torch.device("cpu"), epochs=max(epochs), **options)
    return rows


def measure(arguments: argparse.Namespace) -> pd.DataFrame:
    """Train all cells, seed by seed; what ``--measured`` holds already is not trained again."""
    path: Path = arguments.measured
    values = pd.read_csv(path) if path.exists() else pd.DataFrame()
    for name in arguments.datasets:
        data = draw(SIZES[name], arguments.width, seed=0)
        count = data.train.nnz + int((data.held_out >= 0).sum())
        by_chance = random_hits(data.train, data.source, K).mean()
        share = data.train[:, data.source].nnz / data.train.nnz
        print(
            f"{name}: {count} interactions drawn, {data.train.nnz} of them in training, "
            f"{share:.2%} of these with the source category; "
            f"a random ranking's CHR@{K}: {by_chance:.4f}",
            flush=True,
        )
        for seed in range(arguments.seeds):
            for protocol in arguments.protocols:
                cell = {"dataset": name, "protocol": protocol, "seed": seed}
                if len(values) and (values[[*cell]] == pd.Series(cell)).all(axis=1).any():
                    continue
                began = time.process_time()
                rows = trainings(data, PROTOCOLS[protocol], seed, arguments.epochs)
                values = pd.concat([values, pd.DataFrame([cell | row for row in rows])])
                values.to_csv(path, index=False)
                taken = time.process_time() - began
                print(f"{name}, {protocol}, seed {seed}: {taken:.0f} CPU seconds", flush=True)
    return values


def report(values: pd.DataFrame, table1: pd.DataFrame) -> None:
    spread = spreads(values)
    print("\n" + spread.to_markdown(index=False, floatfmt=".4f"))
    changes = differences(table1)
    changes = changes[changes["dataset"].isin(spread["dataset"])]
    print("\nBetween the published attacks of a defended cell:\n")
    print(siblings(changes).to_markdown(index=False, floatfmt=".4f"))
    cell = spread.groupby(["dataset", "protocol"])["epoch"]
    last = spread[spread["epoch"] == cell.transform("max")]
    for protocol, of in last.groupby("protocol", sort=False):
        counted = verdicts(changes, of)
        total = counted.drop(columns=["dataset", "recommender", "defense"]).sum()
        after = ", ".join(f"{row.dataset} after {row.epoch} epochs" for row in of.itertuples())
        print(
            f"\n{protocol}, {after}: published differences that a second training would not make\n"
        )
        print(counted.to_markdown(index=False))
        print("all: " + ", ".join(f"{name} {count}" for name, count in total.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measured", type=Path, required=True, help="CSV of what there is so far")
    parser.add_argument("--datasets", nargs="+", choices=[*SIZES], default=[*SIZES])
    parser.add_argument("--protocols", nargs="+", choices=[*PROTOCOLS], default=["as_published"])
    parser.add_argument("--seeds", type=int, default=10, help="trainings of each")
    parser.add_argument("--epochs", type=int, nargs="+", default=[12, 25, 50], help="looked at")
    parser.add_argument("--width", type=int, default=2_048, help="of an image's features")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"{arguments.threads} thread(s), load {os.getloadavg()[0]:.1f}")
    values = measure(arguments)
    table1, _ = published.read(Path(__file__).parents[1] / "resources" / "published")
    report(values, table1)


if __name__ == "__main__":
    main()
