"""Preparation of interactions: duplicates, core, split, bad rows."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from varbench.catalogues import interactions
from varbench.catalogues.raw import RawCatalogue
from varbench.errors import InputError

rows = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(0, 9)), min_size=1, max_size=60
)


def table_of(triples: list[tuple[int, int, int]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "user": [f"u{u}" for u, _, _ in triples],
            "item": [f"i{i}" for _, i, _ in triples],
            "rating": 1.0,
            "timestamp": [t for _, _, t in triples],
        }
    )


def numbered(triples: list[tuple[int, int, int]]) -> pd.DataFrame:
    table = interactions.deduplicate(table_of(triples))
    return interactions.number(table, [f"i{i}" for i in range(8)])[0]


@given(rows, st.integers(1, 4), st.integers(1, 4))
def test_core_is_the_largest_set_that_satisfies_its_limits(triples, users, items):
    table = interactions.deduplicate(table_of(triples))
    core = interactions.k_core(table, users=users, items=items)
    assert (core["user"].value_counts() >= users).all()
    assert (core["item"].value_counts() >= items).all()
    # Brute force: peel one row at a time, in another order, until nothing can be peeled.
    left = {(u, i) for u, i in zip(table["user"], table["item"], strict=True)}
    while True:
        bad = [
            (u, i)
            for u, i in left
            if sum(v == u for v, _ in left) < users or sum(j == i for _, j in left) < items
        ]
        if not bad:
            break
        left.remove(min(bad))
    assert set(zip(core["user"], core["item"], strict=True)) == left


def test_a_single_pass_counts_items_after_users_were_dropped():
    """D12 on a toy: x and z have two users each, of whom one has too few interactions."""
    pairs = ["Ax", "Ay", "Bx", "Cy", "Cz", "Dz"]
    table = pd.DataFrame({"user": [p[0] for p in pairs], "item": [p[1] for p in pairs]})
    left = interactions.k_core(table.assign(timestamp=0), users=2, items=2, passes=1)
    assert (left["user"] + left["item"]).tolist() == ["Ay", "Cy"]  # and nobody is counted again


@given(rows)
def test_duplicates_keep_the_earliest(triples):
    kept = interactions.deduplicate(table_of(triples))
    earliest: dict[tuple[str, str], int] = {}
    for u, i, t in triples:
        earliest[f"u{u}", f"i{i}"] = min(t, earliest.get((f"u{u}", f"i{i}"), t))
    found = {(r.user, r.item): r.timestamp for r in kept.itertuples()}
    assert found == earliest
    assert len(kept) == len(found)


@given(rows, st.integers(0, 5))
def test_split_holds_out_last_interactions_that_training_knows(triples, seed):
    table = numbered(triples)
    held_out = interactions.leave_one_out(table, seed)
    training, test = table[~held_out], table[held_out]
    assert not test["user"].duplicated().any()
    assert set(test["item"]) <= set(training["item"])
    assert set(test["user"]) <= set(training["user"])
    for row in test.itertuples():
        assert row.timestamp == table.loc[table["user"] == row.user, "timestamp"].max()
    # Who has none: one interaction only, or its item would have been unknown to training.
    for user in set(table["user"]) - set(test["user"]):
        mine = table[table["user"] == user]
        others = training[training["user"] != user]
        assert len(mine) == 1 or not set(mine["item"]) <= set(others["item"])


@given(rows, st.integers(0, 5), st.randoms())
def test_the_released_split_holds_out_last_rows(triples, seed, random):
    """D12: times are the rows' places here; items unknown to training get one row back."""
    table = interactions.deduplicate(table_of(triples)).reset_index(drop=True)
    table["timestamp"] = random.sample(range(len(table)), len(table))
    held_out = interactions.leave_one_out(table, seed, "last, returns drawn")
    training, test = table[~held_out], table[held_out]
    last = table.loc[table.groupby("user")["timestamp"].idxmax()]
    last = last[last["user"].isin(table["user"][table["user"].duplicated()])]
    assert set(test.index) <= set(last.index)
    assert set(test["item"]) <= set(training["item"])
    returned = last.drop(test.index)
    assert not returned["item"].duplicated().any()
    assert not set(returned["item"]) & set(training.drop(returned.index)["item"])


def test_rows_that_return_to_training_are_drawn_by_the_seed():
    """Item 0 is everybody's last row: any of five may return, the same one for the same seed."""
    pairs = [(user, item) for user in range(5) for item in (user + 1, 0)]
    table = table_of([(u, i, 0) for u, i in pairs]).assign(timestamp=range(10))
    splits = [interactions.leave_one_out(table, seed, "last, returns drawn") for seed in range(40)]
    assert all((~split).sum() == 6 for split in splits)
    assert {int(np.flatnonzero(~split[1::2])[0]) for split in splits} == set(range(5))
    assert (interactions.leave_one_out(table, 7, "last, returns drawn") == splits[7]).all()


def test_ties_in_time_depend_on_the_seed_only():
    table = numbered([(u, i, 0) for u in range(8) for i in range(8)])
    splits = [interactions.leave_one_out(table, seed) for seed in (0, 0, 1)]
    assert (splits[0] == splits[1]).all()
    assert (splits[0] != splits[2]).any()


def test_numbers_are_contiguous_and_keep_the_catalogue_order():
    table = table_of([(3, 5, 1), (1, 2, 0), (3, 2, 2)])
    result, users, items = interactions.number(table, ["i7", "i5", "i2"])
    assert users == ["u1", "u3"]
    assert items == ["i5", "i2"]
    assert result[["user", "item"]].to_numpy().tolist() == [[0, 1], [1, 0], [1, 1]]
    assert all(a <= b for a, b in pairwise(result["user"]))


def test_matrix_has_training_only():
    table = pd.DataFrame({"user": [0, 0, 1], "item": [2, 1, 0], "held_out": [False, True, False]})
    result = interactions.to_matrix(table, items=4)
    assert result.train.toarray().tolist() == [[0, 0, 1, 0], [1, 0, 0, 0]]
    assert result.held_out.tolist() == [1, -1]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("item", "ghost", r"log row 2: an unknown item .*ghost"),
        ("item", "I1", r"log row 2: an unknown item .*'i1' differs in case"),
        ("item", "i1 ", r"log row 2: an unknown item .*'i1' differs in .*blanks"),
        ("user", "", r"log row 2: an empty user"),
        ("item", "", r"log row 2: an empty item"),
        ("rating", np.nan, r"log row 2: a rating"),
        ("timestamp", np.nan, r"log row 2: a timestamp"),
        ("timestamp", -5, r"log row 2: a timestamp"),
    ],
)
def test_bad_row_is_named(column, value, message):
    table = table_of([(0, 0, 1), (0, 1, 2), (1, 0, 3)])
    table[column] = table[column].astype(object)
    table.loc[2, column] = value
    catalogue = RawCatalogue(["i0", "i1"], bytes, table, lambda _, row: f"log row {row}")
    with pytest.raises(InputError, match=message) as raised:
        interactions.check(catalogue, by_rating=True)
    assert "\n" not in str(raised.value)


def test_a_log_without_rows_is_named():
    with pytest.raises(InputError, match="log row 0: there are no interactions"):
        interactions.check(
            RawCatalogue(["i0"], bytes, table_of([]), lambda _, row: f"log row {row}")
        )
