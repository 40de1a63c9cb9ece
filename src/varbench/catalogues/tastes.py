"""Interactions of simulated users with tastes over categories, colours and patterns.

The model: a user's taste over categories is drawn from a Dirichlet distribution around the
categories' shares, so a few categories are liked and the shares hold on average. Inside a category
items follow Zipf's law, times how much the user likes the item's colour and pattern. A user takes
items without replacement with probabilities proportional to these weights. Fashion moves: items of
a later season are taken later.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from varbench.seeds import derive

Ints = NDArray[np.int64]
Weights = Callable[[slice, Ints], NDArray[np.float32]]

_START = 1_356_998_400  # 2013-01-01, in seconds
_SPAN = 4 * 365 * 86_400
_BLOCK = 2**22  # weights at a time: bounds the memory of users x items


def category_shares(
    categories: int, *, popular: int, unpopular: int, seed: int
) -> NDArray[np.float64]:
    """Return each category's expected share of the interactions, (categories,), sum 1.

    The popular one has 2.6 times, the unpopular one half of what an average category has.
    """
    rng = np.random.default_rng(derive("shares", seed))
    shares = rng.uniform(0.7, 1.3, categories)
    shares[popular], shares[unpopular] = 2.6, 0.5
    return np.asarray(shares / shares.sum())


def simulate(
    *,
    categories: Ints,
    colours: Ints,
    patterns: Ints,
    shares: NDArray[np.float64],
    users: int,
    per_user: float,
    seed: int,
    min_per_user: int = 5,
    min_per_item: int = 5,
    concentration: float = 3.0,
    curiosity: float = 0.1,
    zipf: float = 0.8,
    look_strength: float = 0.8,
) -> pd.DataFrame:
    """Simulate who took what, when, and how they rated it.

    Parameters
    ----------
    categories, colours, patterns
        (items,) each item's category, colour and pattern, as indices from 0.
    shares
        (C,) expected share of the interactions of each category.
    per_user
        Mean interactions of a user; none has fewer than ``min_per_user`` (or than there are items).
    min_per_item
        Items that fewer users took are taken by those who like them best next: a shop does not
        keep what nobody buys. Such interactions come on top of ``per_user``.
    concentration
        Of the Dirichlet distribution; the lower, the fewer categories a user likes.
    curiosity
        Share of a user's interest that follows the crowd instead of the user's own taste.
    zipf
        Exponent of an item's popularity by its rank within the category.
    look_strength
        Standard deviation of a user's log preference for a colour, and for a pattern.

    Returns
    -------
    Rows of ``user``, ``item`` (int64), ``rating`` (1.0 to 5.0), ``timestamp`` (int64 seconds),
    sorted by user and time; a user's timestamps differ, and no user takes an item twice.
    """
    items = len(categories)
    rng = np.random.default_rng(derive("tastes", seed))
    popularity = _zipf_within(categories, zipf, rng)
    interest = (1 - curiosity) * rng.dirichlet(concentration * shares, users) + curiosity * shares
    colour_taste = rng.normal(0, look_strength, (users, colours.max() + 1))
    pattern_taste = rng.normal(0, look_strength, (users, patterns.max() + 1))
    least = min(min_per_user, int(per_user))
    more = rng.poisson(rng.gamma(1.5, (per_user - least) / 1.5, users))
    counts = np.minimum(least + more, items)

    # What a user's choice is proportional to, as a product of three factors in float32.
    by_category = interest.astype(np.float32)
    by_colour, by_pattern = (np.exp(t).astype(np.float32) for t in (colour_taste, pattern_taste))

    def weights(who: slice, what: Ints) -> NDArray[np.float32]:
        """Return how likely the users ``who`` take the items ``what``, (users, items)."""
        product = by_category[who][:, categories[what]]
        product *= by_colour[who][:, colours[what]]
        product *= by_pattern[who][:, patterns[what]]
        product *= popularity[what]
        return product

    user, item = _take(weights, counts, items, rng)
    user, item = _complete(weights, user, item, users, items, min_per_item, rng)

    season = 0.5 * rng.random(items) + 0.5 * rng.random(colours.max() + 1)[colours]
    order = np.lexsort((season[item] + rng.random(len(item)), user))
    user, item = user[order], item[order]
    liking = colour_taste[user, colours[item]] + pattern_taste[user, patterns[item]]
    rating = np.clip(np.round(3.7 + 0.5 * liking + rng.normal(0, 0.7, len(item))), 1, 5)
    return pd.DataFrame(
        {"user": user, "item": item, "rating": rating, "timestamp": _times(user, users, rng)}
    )


def _zipf_within(
    categories: Ints, exponent: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return each item's popularity: rank^-exponent in its category, sum 1 over the category."""
    popularity = np.empty(len(categories), np.float32)
    for category in np.unique(categories):
        members = np.flatnonzero(categories == category)
        zipf = (1.0 + np.arange(len(members))) ** -exponent
        popularity[rng.permutation(members)] = zipf / zipf.sum()
    return popularity


def _take(
    weights: Weights, counts: Ints, items: int, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Let each user take ``counts[user]`` different items; return the pairs (user, item).

    An exponential race: the smallest of E_i / w_i, with independent E_i ~ Exp(1), are a draw
    without replacement with probabilities proportional to w.
    """
    pairs = []
    everything = np.arange(items)
    step = max(1, _BLOCK // items)
    for start in range(0, len(counts), step):
        block = counts[start : start + step]
        race = rng.standard_exponential((len(block), items), np.float32)
        race /= weights(slice(start, start + step), everything)
        most = int(block.max())
        first = np.argpartition(race, most - 1, axis=1)[:, :most]
        order = np.argsort(np.take_along_axis(race, first, axis=1), axis=1)
        first = np.take_along_axis(first, order, axis=1)
        rows, places = np.nonzero(np.arange(most) < block[:, None])
        pairs.append((start + rows, first[rows, places]))
    return np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs])


def _complete(
    weights: Weights,
    user: Ints,
    item: Ints,
    users: int,
    items: int,
    minimum: int,
    rng: np.random.Generator,
) -> tuple[Ints, Ints]:
    """Add takers, by the same kind of race, to items that fewer than ``minimum`` users took."""
    lacking = np.maximum(min(minimum, users) - np.bincount(item, minlength=items), 0)
    added_users, added_items = [user], [item]
    rare = np.flatnonzero(lacking)
    step = max(1, _BLOCK // users)
    for start in range(0, len(rare), step):
        block = rare[start : start + step]
        race = rng.standard_exponential((len(block), users), np.float32)
        race /= weights(slice(None), block).T
        place = np.full(items, -1)
        place[block] = np.arange(len(block))
        owned = place[item] >= 0
        race[place[item[owned]], user[owned]] = np.inf
        ranked = np.argsort(race, axis=1)[:, : int(lacking[block].max())]
        rows, ranks = np.nonzero(np.arange(ranked.shape[1]) < lacking[block][:, None])
        added_users.append(ranked[rows, ranks])
        added_items.append(block[rows])
    return np.concatenate(added_users), np.concatenate(added_items)


def _times(user: Ints, users: int, rng: np.random.Generator) -> Ints:
    """Return increasing seconds within each user's active time; ``user`` is sorted."""
    begin, end = rng.uniform(0, 0.4, users), rng.uniform(0.6, 1, users)
    share = begin[user] + (end - begin)[user] * rng.random(len(user))
    share = share[np.lexsort((share, user))]
    first = np.searchsorted(user, np.arange(users))
    # The position within the user, in seconds, keeps equal draws apart.
    return _START + (_SPAN * share).astype(np.int64) + np.arange(len(user)) - first[user]
