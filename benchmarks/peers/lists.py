"""Every user's best 150 items that they do not know yet."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from comparing import OURS, Row, missing, race
from subjects import Given
from varbench.recommenders.ranking import dot_product_scores, rank

LENGTH, KNOWN, WIDTH = 150, 3, 128
TOLERANCE = 0.999  # share of the lists' places that agree: equal scores may come in either order
WHY = (
    "the best of groups of items bound a list, and only what is within it is sorted, ties in "
    "the items' order; blocks of users bound the memory"
)


@dataclass(frozen=True)
class Task:
    """Factors (users, K) and (items, K), and what users know already (users, items)."""

    users: NDArray[np.float32]
    items: NDArray[np.float32]
    known: sparse.csr_matrix


def task(users: int, items: int) -> Task:
    random = np.random.default_rng(0)
    rows = np.repeat(np.arange(users), KNOWN)
    columns = random.integers(items, size=len(rows))
    known = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), (users, items))
    known.sum_duplicates()
    factors = (random.standard_normal((n, WIDTH), np.float32) for n in (users, items))
    return Task(*factors, known)


def ours(t: Task) -> Any:
    (p, rho), (q, visual) = (np.hsplit(factors, 2) for factors in (t.users, t.items))
    users = {"user_factors": p, "user_visual_factors": rho}
    score = dot_product_scores(users | {"item_factors": q, "item_visual_factors": visual})
    nobody = np.full(len(t.users), -1)
    return rank(score, t.known, nobody, np.empty(0, np.int64), length=LENGTH).lists


def implicit(t: Task) -> Any:
    from implicit.cpu.topk import topk

    return topk(t.items, t.users, LENGTH, filter_query_items=t.known, num_threads=1)[0]


def faiss(t: Task) -> Any:
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatIP(WIDTH)
    index.add(t.items)
    more = LENGTH + int(t.known.getnnz(axis=1).max())
    _, found = index.search(t.users, more)
    lists = np.empty((len(t.users), LENGTH), np.int64)
    for user, row in enumerate(found):  # faiss knows of no items to leave out for one query
        known = t.known.indices[t.known.indptr[user] : t.known.indptr[user + 1]]
        lists[user] = row[~np.isin(row, known)][:LENGTH]
    return lists


def dense(t: Task) -> Any:
    scores = t.users @ t.items.T
    scores[t.known.nonzero()] = -np.inf
    return np.argsort(-scores, axis=1, kind="stable")[:, :LENGTH]


PEERS: dict[str, tuple[str, Callable[[Task], Any]]] = {
    "implicit": ("implicit", implicit),
    "faiss": ("faiss", faiss),
    "dense argsort": ("numpy", dense),
}


def rows(given: Given) -> Iterator[Row]:
    sizes = ((200, 500),) if given.smallest else ((24_379, 7_371), (2_000, 100_000))
    for users, items in sizes:
        t = task(users, items)
        work = f"top {LENGTH} of {users} users over {items} items"
        if items == 100_000:
            work += ", a part of 1,000,000 users"
        present = {n: do for n, (module, do) in PEERS.items() if not missing(module)}
        sides = {name: lambda do=do, t=t: do(t) for name, do in present.items()}
        found = race({OURS: lambda t=t: ours(t)} | sides, min(given.rounds, 3), warm=given.smallest)
        for name, (module, _) in PEERS.items():
            if missing(module):
                yield Row(work, name, f"{module} is not installed")
            elif name in found.failures:
                yield Row(work, name, found.failures[name])
            else:
                agree = float((found.results[name] == found.results[OURS]).mean())
                said = f"{agree:.4%} of the places hold the same item"
                ratio = found.ratio(name)
                yield Row(work, name, said, ratio, agree >= TOLERANCE, 1, WHY)
