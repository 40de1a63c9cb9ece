"""CHR@20, accuracy and promotion of cells whose lists and ranks are stored."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from comparing import OURS, Row, missing, race
from subjects import Given
from varbench.metrics import accuracy, category

K = 20
TOLERANCE = 1e-9
WHY = "whole arrays at once, no table of users and items; CHR needs the lists' first 20 alone"
PUBLISHED = "a pandas look-up per user and item"


@dataclass(frozen=True)
class Cell:
    """Lists (users, K), the attacked items, each user's held-out item, each item's class."""

    lists: NDArray[np.int32]
    attacked: NDArray[np.int64]
    held_out: NDArray[np.int64]
    items: int


def cell(users: int, items: int, attacked: int) -> Cell:
    random = np.random.default_rng(0)
    lists = random.random((users, items), np.float32).argpartition(K, axis=1)[:, :K]
    held_out = np.where(random.random(users) < 0.2, lists[:, 3], random.integers(items, size=users))
    chosen = random.choice(items, attacked, replace=False)
    return Cell(lists.astype(np.int32), np.sort(chosen), held_out, items)


def ours(c: Cell) -> tuple[float, float, float]:
    """Return CHR@20, HR@20 and nDCG@20."""
    places = c.lists == c.held_out[:, None]
    # A cell's file has the held-out item's rank; here it is found from the list.
    rank = np.where(places.any(axis=1), places.argmax(axis=1) + 1, K + 1)
    return (
        float(category.hits(c.lists, c.attacked, K).mean()),
        float(accuracy.hit_ratio(rank, K).mean()),
        float(accuracy.ndcg(rank, K).mean()),
    )


def published(c: Cell) -> tuple[float, float, float]:
    """Look each item of each list up in a table of classes, as the experiment's code does."""
    classes = pd.DataFrame({"item": range(c.items), "class": 0})
    classes.loc[c.attacked, "class"] = 1
    classes = classes.set_index("item")
    hits = ratio = gain = 0.0
    for user, row in enumerate(c.lists):
        for place, item in enumerate(row):
            hits += classes.loc[item, "class"]
            if item == c.held_out[user]:
                ratio += 1
                gain += 1 / np.log2(place + 2)
    return hits / len(c.lists), ratio / len(c.lists), gain / len(c.lists)


def ranx(c: Cell) -> Callable[[], tuple[float, float, float]]:
    """Return ranx' evaluation; its own tables are made before, untimed."""
    from ranx import Qrels, Run, evaluate

    run = Run({str(u): {str(i): K - p for p, i in enumerate(r)} for u, r in enumerate(c.lists)})
    attacked = {str(item): 1 for item in c.attacked}
    of_category = Qrels({str(user): attacked for user in range(len(c.lists))})
    of_user = Qrels({str(user): {str(item): 1} for user, item in enumerate(c.held_out)})

    def evaluation() -> tuple[float, float, float]:
        hits = evaluate(of_category, run, f"hits@{K}")
        found = evaluate(of_user, run, [f"hit_rate@{K}", f"ndcg@{K}"])
        return float(hits), float(found[f"hit_rate@{K}"]), float(found[f"ndcg@{K}"])

    return evaluation


def ir_measures(c: Cell) -> Callable[[], tuple[float, float, float]]:
    """Return ir-measures' evaluation; its tables are made before, untimed."""
    from ir_measures import P, Success, calc_aggregate, nDCG

    users = len(c.lists)
    queries = np.repeat(np.arange(users), K).astype(str)
    scores = np.tile(np.arange(K, 0, -1.0), users)
    run = pd.DataFrame(
        {"query_id": queries, "doc_id": c.lists.ravel().astype(str), "score": scores}
    )
    pairs = pd.DataFrame(
        {
            "query_id": np.repeat(np.arange(users), len(c.attacked)).astype(str),
            "doc_id": np.tile(c.attacked, users).astype(str),
            "relevance": 1,
        }
    )
    held_out = pd.DataFrame(
        {
            "query_id": np.arange(users).astype(str),
            "doc_id": c.held_out.astype(str),
            "relevance": 1,
        }
    )

    def evaluation() -> tuple[float, float, float]:
        share = calc_aggregate([P @ K], pairs, run)
        found = calc_aggregate([Success @ K, nDCG @ K], held_out, run)
        return share[P @ K] * K, found[Success @ K], found[nDCG @ K]

    return evaluation


def rows(given: Given) -> Iterator[Row]:
    size = (100, 200, 10) if given.smallest else (4_000, 7_371, 191)
    c = cell(*size)
    work = f"CHR@{K}, HR and nDCG of a cell's lists: {size[0]} users, {size[2]} attacked items"
    makers = {"ranx": ("ranx", ranx), "ir-measures": ("ir_measures", ir_measures)}
    sides = {n: make(c) for n, (module, make) in makers.items() if not missing(module)}
    sides |= {OURS: partial(ours, c), PUBLISHED: partial(published, c)}
    found = race(sides, given.rounds)
    for name, aim, module in (
        (PUBLISHED, 100, "pandas"), ("ranx", 1, "ranx"), ("ir-measures", 1, "ir_measures"),
    ):  # fmt: skip
        if missing(module):
            yield Row(work, name, f"{module} is not installed")
        elif name in found.failures:
            yield Row(work, name, found.failures[name])
        else:
            pairs = zip(found.results[OURS], found.results[name], strict=True)
            apart = max(abs(one - other) for one, other in pairs)
            said = f"the three means differ by {apart:.0e}"
            yield Row(work, name, said, found.ratio(name), apart <= TOLERANCE, aim, WHY)
    yield Row("promotion of attacked items", "all of them", "none of them has it")
