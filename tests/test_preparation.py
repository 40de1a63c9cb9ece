"""Preparation without files: what is dropped, by which reason, and what is said of it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varbench.catalogues import summary
from varbench.catalogues.preparation import SPLITS, Prepared, Rules, check, prepare
from varbench.catalogues.raw import RawCatalogue
from varbench.errors import InputError

ITEMS = [f"i{n}" for n in range(6)]
WHAT = ("users", "items", "interactions")


def catalogue(rows, columns=("user", "item", "rating", "timestamp")) -> RawCatalogue:
    table = pd.DataFrame(rows, columns=list(columns))
    return RawCatalogue(ITEMS, bytes, table, lambda _, row: f"log row {row + 2}")


def run(raw: RawCatalogue, unusable: dict[str, str] | None = None, **rules: object) -> Prepared:
    given = Rules(**rules)
    check(raw, given)
    return prepare(raw, unusable or {}, given, seed=0)


interactions = st.lists(
    st.tuples(
        st.integers(0, 7).map("u{}".format),
        st.integers(0, 7).map("i{}".format),  # two of them are not listed
        st.integers(1, 5).map(float),
        st.integers(0, 9),
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=40)  # each is a dozen of pandas' groupings
@given(
    interactions,
    st.dictionaries(
        st.sampled_from(ITEMS), st.sampled_from(["no_image", "unreadable_image"]), max_size=2
    ),
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from([*SPLITS]),
    st.none() | st.integers(1, 5),
)
def test_what_is_read_is_what_is_kept_and_what_is_dropped(
    rows, unusable, core_users, core_items, split, min_rating
):
    prepared = run(
        catalogue(rows),
        unusable,
        core_users=core_users,
        core_items=core_items,
        split=split,
        min_rating=min_rating,
        min_users=0,
        drop_unreadable=True,
        drop_saturated_users=True,
    )
    found = prepared.summary
    for what in WHAT:
        dropped = sum(lost[what] for lost in found["dropped"].values())
        assert found["read"][what] == found["kept"][what] + dropped
        assert all(lost[what] >= 0 for lost in found["dropped"].values())
    assert not set(prepared.items) & set(unusable)
    table = prepared.interactions
    pairs = {
        (prepared.users[u], prepared.items[i])
        for u, i in zip(table["user"], table["item"], strict=True)
    }
    assert pairs <= {(u, i) for u, i, rating, _ in rows if rating >= (min_rating or 0)}
    assert not table.duplicated(["user", "item"]).any()
    # Whoever is left has an item that is theirs neither in training nor in the test.
    assert (table.groupby("user").size() < len(prepared.items)).all()
    line = summary.lines("shop", found)[0]
    assert all(summary.REASONS[reason][1] in line for reason in found["dropped"])


@settings(max_examples=30)
@given(interactions)
def test_users_who_have_everything_are_found_as_by_counting(rows):
    rows = [(u, f"i{int(i[1:]) % 3}", r, t) for u, i, r, t in rows]
    present = {i for _, i, _, _ in rows}
    has = {u: {i for v, i, _, _ in rows if v == u} for u, *_ in rows}
    everything = sorted(user for user, items in has.items() if items == present)
    if not everything:
        assert run(catalogue(rows)).summary["kept"]["users"] == len(has)
        return
    message = rf"{len(everything)} users? interacted with every one of the {len(present)} items"
    with pytest.raises(InputError, match=rf"log row \d+: {message}.*'{everything[0]}'.*drop_sat"):
        run(catalogue(rows))


def test_dropping_who_has_everything_may_need_another_round():
    # u0 has all three items; without u0 nobody has i2, and u1 then has all that is left.
    rows = [(u, f"i{i}", 1.0, i) for u, n in (("u0", 3), ("u1", 2)) for i in range(n)]
    rows += [("u2", "i0", 1.0, 0), ("u3", "i1", 1.0, 0)]
    found = run(catalogue(rows), drop_saturated_users=True).summary
    assert found["kept"] == {"users": 2, "items": 2, "interactions": 2}
    assert found["dropped"]["saturated_user"]["users"] == 2


def test_min_rating_makes_positives_of_ratings():
    rows = [(f"u{u}", f"i{i}", float(i), u) for u in range(5) for i in range(5)]
    raw = catalogue([*rows, ("u9", "i5", 5.0, 1), ("u9", "i0", 1.0, 1)])
    prepared = run(raw, min_rating=2)
    assert prepared.items == ["i2", "i3", "i4", "i5"]
    assert prepared.summary["dropped"]["low_rating"]["interactions"] == 11
    assert (prepared.interactions["rating"] >= 2).all()


def test_min_rating_asks_for_ratings():
    with pytest.raises(InputError, match=r"row 2: no rating .* any other.*leave min_rating out"):
        run(catalogue([("u", "i0", np.nan, 1)]), min_rating=2)
    with pytest.raises(InputError, match="row 3: a rating that is not a number"):
        run(catalogue([("u", "i0", 1.0, 1), ("u", "i1", np.nan, 1)]), min_rating=2)
    rows = [(u, i, np.nan, 1) for u in "uv" for i in ("i0", "i1")] + [("w", "i2", np.nan, 1)]
    assert run(catalogue(rows)).summary["kept"]["interactions"] == 5


# Splits

# Every user's file order is the reverse of the times.
REVERSED = [(f"u{u}", f"i{(u + n) % 6}", 1.0, 100 - n) for u in range(6) for n in range(4)]


def held_out(prepared: Prepared) -> set[tuple[str, str]]:
    test = prepared.interactions[prepared.interactions["held_out"]]
    return {
        (prepared.users[u], prepared.items[i])
        for u, i in zip(test["user"], test["item"], strict=True)
    }


@pytest.mark.parametrize("split", ["file_order", "single_pass"])
def test_the_last_row_is_held_out_whatever_the_times(split):
    last = {(f"u{u}", f"i{(u + 3) % 6}") for u in range(6)}
    first = {(f"u{u}", f"i{u}") for u in range(6)}
    assert held_out(run(catalogue(REVERSED))) == first
    assert held_out(run(catalogue(REVERSED), split=split)) == last
    without = [(u, i, r, np.nan) for u, i, r, _ in REVERSED]
    assert held_out(run(catalogue(without), split=split)) == last


def test_random_needs_no_times_and_holds_out_any():
    without = [(u, i, r, np.nan) for u, i, r, _ in REVERSED]
    rules = Rules(split="random")
    check(catalogue(without), rules)
    found = [held_out(prepare(catalogue(without), {}, rules, seed=seed)) for seed in range(20)]
    assert {pair for pairs in found for pair in pairs} == {(u, i) for u, i, *_ in REVERSED}
    again = prepare(catalogue(without), {}, rules, seed=3)
    assert held_out(again) == found[3]


def test_random_is_drawn_even_where_the_source_has_a_split():
    rows = [(*row, row[3] == 97) for row in REVERSED]
    raw = catalogue(rows, ("user", "item", "rating", "timestamp", "test"))
    own = {(f"u{u}", f"i{(u + 3) % 6}") for u in range(6)}
    assert held_out(run(raw, split="single_pass")) == own
    assert held_out(run(raw, split="random")) != own


@pytest.mark.parametrize("times", [[np.nan] * 2, [1, np.nan], [np.nan, 1]])
def test_times_are_asked_for_unless_the_split_does_without(times):
    rows = [("u", f"i{n}", 1.0, time) for n, time in enumerate(times)] + [("v", "i0", 1.0, 3)] * (
        not np.isnan(times).all()
    )
    with pytest.raises(InputError, match=r"row [23]: .*timestamp"):
        run(catalogue(rows))


# What is dropped is said


def test_unlisted_items_are_an_error_or_dropped_and_logged(caplog):
    raw = catalogue([*REVERSED, ("u0", "ghost", 1.0, 5), ("u1", "ghost", 1.0, 5)])
    with pytest.raises(InputError, match=r"row 26: an unknown item .*2 such; drop_unreadable"):
        run(raw)
    found = run(raw, drop_unreadable=True)
    assert found.summary["dropped"]["unlisted_item"] == {"users": 0, "items": 0, "interactions": 2}
    assert "not listed: 2, items: 1, such as 'ghost' (log row 26)" in caplog.text
    with pytest.raises(InputError, match=r"row 26: an empty item"):
        run(catalogue([*REVERSED, ("u0", "", 1.0, 5)]), drop_unreadable=True)


def test_the_account_reads_as_a_sentence():
    rows = [(f"u{u}", f"i{u % 4}", 1.0, 1) for u in range(8)] + [("u0", "i1", 1.0, 2)]
    found = run(catalogue(rows), {"i3": "no_image"}, core_items=2).summary
    assert summary.lines("shop", found) == [
        "shop: read 8 users, 6 items, 9 interactions; kept 6 users, 3 items, 7 interactions, of "
        "which 1 held out; dropped: 1 item without an image (and 2 users, 2 interactions); 2 items "
        "with too few interactions"
    ]


def test_few_users_left_and_other_counts_than_expected_are_warnings():
    rows = [("rare", "i0", 1.0, 0), *((f"r{u}", "i0", 1.0, 0) for u in range(9)), *REVERSED[:8]]
    found = run(catalogue(rows), core_users=3, core_items=1, expected={"items": 6}).summary
    assert found["kept"]["users"] * 2 < found["read"]["users"]
    account, few, other = summary.lines("shop", found)
    assert few.startswith("warning: shop: 2 of 12 users are left, and 5 of 6 items (if these")
    assert few.endswith("lower core_users (3) or core_items (1))")
    assert other == "warning: shop: 5 items are left where 6 are expected"
    assert not account.startswith("warning")


@pytest.mark.parametrize(
    ("worst", "remedy"),
    [
        ("low_rating", "lower min_rating"),
        ("no_image", "give the items that are missing an image"),
        ("few_interactions", r"lower core_users (5) or core_items (5)"),
    ],
)
def test_a_warning_says_what_would_help(worst, remedy):
    lost = {"users": 60, "items": 1, "interactions": 100}
    found = {
        "read": {"users": 100, "items": 9, "interactions": 900},
        "kept": {"users": 39, "items": 7, "interactions": 700},
        "dropped": {worst: lost, "repeated": {"users": 0, "items": 0, "interactions": 100}},
        "core": {"users": 5, "items": 5},
        "differences": [],
    }
    (warning,) = summary.warnings(found)
    assert warning.endswith(f"{remedy})")
    assert "; " not in warning  # which parts the notes of a row
    assert summary.warnings({**found, "kept": {"users": 50, "items": 7, "interactions": 1}}) == []


def test_too_few_users_are_an_error_that_says_where_they_went():
    with pytest.raises(InputError, match=r"0 users are left of 6, and 3 are needed; dropped: 6 us"):
        run(catalogue(REVERSED), core_users=5, min_users=3)
