"""Every user's ranking of the items outside their training items, in blocks of users.

Better scores come first and equal scores in the order of the items' ids, in the lists and in every
rank. Scores are float32: that is what the factors are learnt in, and half the work of float64.

No torch here: ranking takes less time than importing it.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from varbench.errors import InputError

# Scores of the users start <= user < stop for all items, (stop - start, items) float32. They may be
# overwritten by the next call.
Score = Callable[[int, int], NDArray[np.float32]]

# Scores are computed for so many users, which makes the best of a product, but for no more scores
# than that, 100 MB. They are looked through in blocks of 8 MB, of which a handful of copies exist.
AT_ONCE = 256
AT_MOST = 25_000_000
BLOCK = 2_000_000
COUNTED = 8  # items, at most, whose ranks are counted and not looked up in the sorted row
GROUPS = 8  # of a row's values, times the length of a list: more bound it closer and gain less


@dataclass(frozen=True)
class Ranking:
    """Every user's ranking of their candidates: all items but the user's training items.

    Attributes
    ----------
    lists
        (users, length) int32, the best candidates; padded with -1 where there are fewer.
    candidates
        (users,) int32, how many there are.
    held_out_rank
        (users,) int32, rank of the held-out item among them, from 1; 0 for none.
    ranks
        (users, M) int32, ranks of the M attacked items; 0 where it is no candidate.
    mean_score
        (M,) float64, each attacked item's score, mean over the users whose candidate it is; NaN
        where it is nobody's.
    mean_z
        (M,) float64, the same of its score less the mean of the user's candidates' scores, over
        their standard deviation. Users whose candidates all score the same are left out.
    """

    lists: NDArray[np.int32]
    candidates: NDArray[np.int32]
    held_out_rank: NDArray[np.int32]
    ranks: NDArray[np.int32]
    mean_score: NDArray[np.float64]
    mean_z: NDArray[np.float64]


def dot_product_scores(model: Mapping[str, NDArray[np.float32]]) -> Score:
    """Return Eq. 2 as a score function, p_u . q_i + rho_u . (E f_i).

    model : ``user_factors`` (users, P), ``user_visual_factors`` (users, K), ``item_factors``
        (items, P) and ``item_visual_factors`` (items, K); the last holds the rows E f_i

    What it returns is overwritten by the next call.

    Raises InputError where one is missing or their shapes do not fit.
    """
    names = ("user_factors", "user_visual_factors", "item_factors", "item_visual_factors")
    for name in names:
        if name not in model:
            raise InputError(f"model: lacks the tensor {name}; train the recommender again")
    p, rho, q, visual = (model[name] for name in names)
    widths = p.shape[1] != q.shape[1] or rho.shape[1] != visual.shape[1]
    if widths or len(p) != len(rho) or len(q) != len(visual):
        found = ", ".join(f"{name} {model[name].shape}" for name in names)
        raise InputError(f"model: shapes do not fit: {found}; train the recommender again")
    # One product instead of two, of matrices that lie as it reads them, into memory that is there.
    users, items = np.hstack([p, rho]), np.vstack([q.T, visual.T])
    kept = np.empty((0, items.shape[1]), np.float32)

    def score(start: int, stop: int) -> NDArray[np.float32]:
        nonlocal kept
        block = users[start:stop]
        if len(kept) < len(block):
            kept = np.empty((len(block), items.shape[1]), np.float32)
        scores: NDArray[np.float32] = np.matmul(block, items, out=kept[: len(block)])
        return scores

    return score


def rank(
    score: Score,
    train: sparse.csr_matrix,
    held_out: NDArray[np.int64],
    attacked: NDArray[np.int64],
    *,
    length: int,
) -> Ranking:
    """Rank all items for all users.

    Parameters
    ----------
    score
        Called once for each block of users, in their order.
    train
        (users, items), an entry for every training interaction.
    held_out
        (users,) item held out for the test, -1 for none.
    attacked
        (M,) items whose rank is asked for in every user's ranking.
    length
        Of the lists, at least 1.

    Raises
    ------
    InputError
        The scores of a user are not finite.
    ValueError
        A held-out item is one of the user's training items.
    """
    users, items = train.shape
    lists = np.full((users, length), -1, np.int32)
    ranks = np.zeros((users, 1 + len(attacked)), np.int32)  # the held-out item's first
    sums = np.zeros((2, 2, len(attacked)))  # scores and z; their sum and number
    for rows, cost in _costs(score, train):
        # Sorted whole, a row answers for many items; for few, it is cheaper to count.
        ordered = np.sort(cost, axis=1) if len(attacked) > COUNTED else None
        limit = _limit(cost, length) if ordered is None else ordered[:, min(length, items) - 1]
        lists[rows] = _lists(cost, limit, length)
        asked = np.column_stack([held_out[rows], np.tile(attacked, (len(cost), 1))])
        if (asked >= 0).any():
            ranks[rows] = _ranks(cost, ordered, asked)
        if len(attacked):
            sums += _score_sums(cost, attacked)
    ranks[held_out < 0, 0] = 0
    if ((held_out >= 0) & (ranks[:, 0] == 0)).any():
        raise ValueError("a held-out item is among its user's training items")
    candidates = (items - train.getnnz(axis=1)).astype(np.int32)
    of_scores, of_z = (np.divide(s, n, out=np.full_like(s, np.nan), where=n > 0) for s, n in sums)
    return Ranking(lists, candidates, ranks[:, 0], ranks[:, 1:], of_scores, of_z)


def _costs(score: Score, train: sparse.csr_matrix) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Yield some users and their costs (n, items): the scores' negatives, the best lowest.

    What a user knows already costs infinitely much. What was yielded is overwritten by what comes
    next. Raises InputError where scores are not finite.
    """
    users, items = train.shape
    block = max(1, BLOCK // items)
    at_once = block * max(1, math.ceil(min(AT_ONCE, AT_MOST // items) / block))
    kept = np.empty((min(block, users), items), np.float32)
    for first in range(0, users, at_once):
        scores = score(first, min(first + at_once, users))
        for start in range(first, first + len(scores), block):
            rows = slice(start, min(start + block, first + len(scores)))
            own = scores[start - first : rows.stop - first]
            _check_finite(own, start)
            cost = np.negative(own, out=kept[: len(own)])
            known = train[rows].tocoo()
            cost[known.row, known.col] = np.inf
            yield rows, cost


def _check_finite(scores: NDArray[np.float32], first: int) -> None:
    """Raise InputError where a score of the users from ``first`` on is not finite."""
    with np.errstate(all="ignore"):
        sums = scores.sum(axis=1)  # finite only if all scores are: one pass, and rarely another
    if np.isfinite(sums).all():
        return
    finite = np.isfinite(scores).all(axis=1)
    if not finite.all():
        user = first + int(finite.argmin())
        raise InputError(f"scores of user {user} are not finite; train the recommender again")


def _limit(cost: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Return for each row a cost that at least ``length`` of its values do not exceed.

    The values stand in groups, each of which has a lowest: the ``length`` th of those is no lower
    than the ``length`` th of all, and it is found among far fewer.
    """
    items = cost.shape[1]
    groups = GROUPS * length
    if items > 2 * groups:
        whole = items - items % groups
        lowest = cost[:, :whole].reshape(len(cost), -1, groups).min(axis=1)
        rest = cost[:, whole:]
        np.minimum(lowest[:, : rest.shape[1]], rest, out=lowest[:, : rest.shape[1]])
        cost = lowest
    place = min(length, items) - 1
    limit: NDArray[np.float32] = np.partition(cost, place, axis=1)[:, place]
    return limit


def _lists(cost: NDArray[np.float32], limit: NDArray[np.float32], length: int) -> NDArray[np.int32]:
    """Return the items of each row's ``length`` lowest finite costs, in order, padded with -1.

    limit : (n,) which at least ``length`` costs do not exceed, or all
    """
    limit = np.minimum(limit, np.finfo(np.float32).max)
    flat = np.flatnonzero(cost <= limit[:, None])  # more than `length` a row where some tie
    counts = np.bincount(flat // cost.shape[1], minlength=len(cost))
    filled = np.arange(max(length, counts.max())) < counts[:, None]
    items = np.full(filled.shape, -1, np.int32)
    items[filled] = flat % cost.shape[1]
    costs = np.full(filled.shape, np.inf, np.float32)
    costs[filled] = cost.ravel()[flat]
    order = np.argsort(costs, axis=1, kind="stable")[:, :length]  # ties stay in the items' order
    lists: NDArray[np.int32] = np.take_along_axis(items, order, axis=1)
    return lists


def _ranks(
    cost: NDArray[np.float32], ordered: NDArray[np.float32] | None, items: NDArray[np.int64]
) -> NDArray[np.int32]:
    """Return the ranks, from 1, of some items (n, M) of each row; 0 where their cost is inf.

    ordered : the rows sorted, or None to count in them
    """
    wanted = np.take_along_axis(cost, items, axis=1)
    better = np.empty(items.shape, np.int32)
    if ordered is None:
        up_to = np.empty_like(better)
        for row, values in enumerate(cost):  # along an axis of the whole it is slower
            better[row] = [np.count_nonzero(values < value) for value in wanted[row]]
            up_to[row] = [np.count_nonzero(values <= value) for value in wanted[row]]
        tied = up_to > better + 1
    else:
        for row, values in enumerate(ordered):
            better[row] = np.searchsorted(values, wanted[row])
        following = np.minimum(better + 1, ordered.shape[1] - 1)
        tied = np.take_along_axis(ordered, following, axis=1) == wanted
    candidate = wanted < np.inf
    for row, column in np.argwhere(tied & candidate):
        before = cost[row, : items[row, column]] == wanted[row, column]
        better[row, column] += np.count_nonzero(before)
    return np.where(candidate, better + 1, 0).astype(np.int32)


def _score_sums(cost: NDArray[np.float32], attacked: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return sum and number, over rows, of the attacked items' scores and of their z, (2, 2, M)."""
    candidate = cost < np.inf  # (n, items)
    count = np.maximum(np.count_nonzero(candidate, axis=1), 1)
    mean = np.where(candidate, cost, 0).sum(axis=1, dtype=np.float64) / count
    apart = np.where(candidate, cost - mean[:, None].astype(np.float32), 0)
    spread = np.sqrt(np.square(apart).sum(axis=1, dtype=np.float64) / count)
    # float32 scores that are all the same leave rounding errors of their mean.
    varied = spread > np.finfo(np.float32).eps * np.abs(mean)
    known = candidate[:, attacked]
    scores = np.where(known, -cost[:, attacked].astype(np.float64), 0)
    z = np.where(known, scores + mean[:, None], 0)[varied] / spread[varied, None]
    return np.array(
        [[scores.sum(axis=0), known.sum(axis=0)], [z.sum(axis=0), known[varied].sum(axis=0)]]
    )
