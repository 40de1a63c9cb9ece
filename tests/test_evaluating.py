"""A cell's values against a dense ranking by plain loops."""

import numpy as np
import pandas as pd
import pytest

from varbench.errors import InputError
from varbench.experiment.evaluating import evaluate
from varbench.recommenders.learnt import SCALE

USERS, ITEMS, WIDTH, FACTORS, K, LENGTH = 8, 15, 4, 3, 4, 6
ATTACKED, SEEN = np.array([2, 9]), np.array([2, 5, 9])


@pytest.fixture
def cell():
    """A model, interactions of which the first of each user is held out, and features."""
    random = np.random.default_rng(3)
    shapes = {
        "user_factors": (USERS, FACTORS), "item_factors": (ITEMS, FACTORS),
        "user_visual_factors": (USERS, FACTORS), "embedding": (FACTORS, WIDTH),
    }  # fmt: skip
    model = {n: random.normal(size=s).astype(np.float32) for n, s in shapes.items()}
    model[SCALE] = np.array([2.0], np.float32)
    items = np.concatenate([random.choice(ITEMS, 3, replace=False) for _ in range(USERS)])
    table = pd.DataFrame({"user": np.repeat(range(USERS), 3), "item": items})
    table["held_out"] = [True, False, False] * USERS
    for user, kept in ((0, [2, 4, 9]), (1, [9, 0, 1]), (2, [7, 2, 3])):  # attacked: 2 and 9
        table.loc[table["user"] == user, "item"] = kept
    return model, table, random.random((ITEMS, WIDTH), np.float32)


def by_hand(model, table, features):
    """Return for each user the candidates, best first."""
    visual = features / model[SCALE] @ model["embedding"].T
    score = (
        model["user_factors"] @ model["item_factors"].T + model["user_visual_factors"] @ visual.T
    )
    lists = []
    for user in range(USERS):
        known = table[(table["user"] == user) & ~table["held_out"]]["item"]
        candidates = [item for item in range(ITEMS) if item not in set(known)]
        lists.append(sorted(candidates, key=lambda item: -score[user, item]))
    return lists


@pytest.mark.parametrize("cold", [False, True])
def test_lists_hits_and_ranks_by_plain_loops(cell, cold):
    model, table, features = cell
    expected = by_hand(model, table[~table["item"].isin(ATTACKED)] if cold else table, features)
    values = evaluate(
        model, table, features, ATTACKED, SEEN, k=K, length=LENGTH, leave_out_attacked=cold
    )
    assert values.lists.tolist() == [order[:LENGTH] for order in expected]
    users = values.per_user
    for name, items in (("category_hits", ATTACKED), ("category_hits_seen", SEEN)):
        hits = [len(set(order[:K]) & set(items)) for order in expected]
        assert users[name].tolist() == hits
    for item, row in zip(ATTACKED, values.per_item.itertuples(), strict=True):
        ranks = [order.index(item) + 1 for order in expected if item in order]
        assert row.mean_rank == pytest.approx(np.mean(ranks))
    held_out = table[table["held_out"]].set_index("user")["item"]
    assert held_out.isin(ATTACKED).any()
    for user, hit in enumerate(users["hr"]):
        item = held_out[user]
        if cold and item in ATTACKED:  # stays in CHR and leaves the accuracy
            assert np.isnan(hit)
        else:
            assert hit == (item in expected[user][:K])


def test_a_user_whom_a_cold_start_leaves_with_nothing(cell):
    model, table, features = cell
    table.loc[(table["user"] == 3) & ~table["held_out"], "item"] = ATTACKED
    with pytest.raises(InputError, match="user 3 has training interactions with attacked items"):
        evaluate(
            model, table, features, ATTACKED, SEEN, k=K, length=LENGTH, leave_out_attacked=True
        )
