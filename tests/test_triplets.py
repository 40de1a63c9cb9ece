"""Sampling: each interaction once in an epoch, with negatives that are uniform."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats

from recommending import drawn_matrix
from varbench.errors import InputError
from varbench.recommenders.sampling import triplets


def matrix(pairs, shape):
    users, items = np.array(sorted(pairs), dtype=int).reshape(-1, 2).T
    return sparse.csr_matrix((np.ones(len(users), np.float32), (users, items)), shape)


@st.composite
def interactions(draw):
    users, items = draw(st.integers(1, 6)), draw(st.integers(2, 8))
    pair = st.tuples(st.integers(0, users - 1), st.integers(0, items - 1))
    return matrix(draw(st.sets(pair, min_size=1)), (users, items))


@settings(deadline=None)
@given(interactions(), st.integers(0, 2**32), st.integers(0, 5000))
def test_triplets_hold_each_interaction_once_and_only_true_negatives(train, seed, epoch):
    known, warm = train.toarray() > 0, train.getnnz(axis=0) > 0
    full = (known.sum(axis=1) == warm.sum()).nonzero()[0]
    if len(full):
        with pytest.raises(InputError, match=rf"user ({'|'.join(map(str, full))}) interacted"):
            triplets(train, seed=seed, epoch=epoch)
        return
    users, positives, negatives = triplets(train, seed=seed, epoch=epoch)
    assert sorted(zip(users, positives, strict=True)) == [*map(tuple, np.argwhere(known))]
    assert not known[users, negatives].any()
    assert warm[negatives].all()


def test_negatives_are_uniform():
    # User 0 may draw 5 of 8 warm items, user 1 all but one; item 8 is cold.
    train = matrix({(0, 0), (0, 1), (0, 2), (1, 3), *((2, i) for i in range(1, 8))}, (3, 9))
    drawn = [triplets(train, seed=3, epoch=epoch) for epoch in range(3000)]
    users, _, negatives = (np.concatenate(column) for column in zip(*drawn, strict=True))
    for user, possible in [(0, [3, 4, 5, 6, 7]), (1, [0, 1, 2, 4, 5, 6, 7])]:
        counts = np.bincount(negatives[users == user], minlength=9)
        assert counts[possible].sum() == counts.sum()
        assert stats.chisquare(counts[possible]).pvalue > 0.01


def test_order_is_shuffled_and_belongs_to_seed_and_epoch():
    train = drawn_matrix()
    same = [np.stack(triplets(train, seed=1, epoch=7)) for _ in range(2)]
    others = [np.stack(triplets(train, seed=s, epoch=e)) for s, e in [(1, 8), (2, 7)]]
    assert (same[0] == same[1]).all()
    assert all((same[0] != other).mean() > 0.5 for other in others)


def test_no_interactions():
    with pytest.raises(InputError, match="interactions"):
        triplets(sparse.csr_matrix((3, 4), dtype=np.float32), seed=0, epoch=0)
