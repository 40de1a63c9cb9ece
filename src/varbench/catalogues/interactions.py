"""Interactions: checked, filtered to a k-core, numbered, and split by time."""

from dataclasses import dataclass
from itertools import count

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from varbench.catalogues.likeness import DIFFERENCES, alike
from varbench.catalogues.raw import INTERACTION_COLUMNS, RawCatalogue
from varbench.errors import InputError
from varbench.seeds import derive


def check(
    catalogue: RawCatalogue,
    *,
    by_time: bool = True,
    by_rating: bool = False,
    allow_unlisted: bool = False,
) -> None:
    """Raise InputError at the first interaction that cannot be used, naming its row.

    Parameters
    ----------
    by_time, by_rating
        Whether every interaction needs a time or a rating.
    allow_unlisted
        Whether interactions with items that the catalogue does not list may stand.
    """
    table = catalogue.interactions
    missing = [column for column in INTERACTION_COLUMNS if column not in table]
    if missing:
        raise InputError(
            f"{catalogue.where('interaction', 0)}: lacks the column(s) {', '.join(missing)}"
        )
    if table.empty:
        raise InputError(f"{catalogue.where('interaction', 0)}: there are no interactions")
    rating, timestamp = (
        pd.to_numeric(table[column], errors="coerce") for column in ("rating", "timestamp")
    )
    if by_time and table["timestamp"].isna().all():
        raise InputError(
            f"{catalogue.where('interaction', 0)}: no usable timestamp in this row or any other, "
            "and each user's last interaction is to be held out; the catalogue's split: random "
            "holds out any, split: file_order the last one in the order of the file"
        )
    if by_rating and table["rating"].isna().all():
        raise InputError(
            f"{catalogue.where('interaction', 0)}: no rating in this row or any other, and the "
            "catalogue's min_rating asks for them; leave min_rating out"
        )
    ids = table["item"]
    faults = {
        "an empty user": table["user"].isna() | (table["user"] == ""),
        "an empty item": ids.isna() | (ids == ""),
    }
    if not allow_unlisted:
        faults["an unknown item"] = ~ids.isin(catalogue.items)
    if by_rating:
        faults["a rating that is not a number"] = ~np.isfinite(rating)
    if by_time:
        faults["a timestamp that is not a number of 0 or more"] = ~np.isfinite(timestamp) | (
            timestamp < 0
        )
    for fault, rows in faults.items():
        if rows.any():
            row = int(np.flatnonzero(rows)[0])
            value = {column: str(table[column].iloc[row]) for column in INTERACTION_COLUMNS}
            hint = _hint(catalogue, value["item"]) if fault == "an unknown item" else ""
            raise InputError(
                f"{catalogue.where('interaction', row)}: {fault} ({value}); "
                f"{int(rows.sum())} such{hint}"
            )


def _hint(catalogue: RawCatalogue, item: str) -> str:
    """Say what may be meant by an item that is not listed."""
    like = next((known for known in catalogue.items if alike(known) == alike(item)), None)
    differs = f"; {like!r} differs in {DIFFERENCES}" if like else ""
    return f"{differs}; drop_unreadable leaves them out"


def deduplicate(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the earliest interaction of each (user, item)."""
    ordered = table.sort_values("timestamp", kind="stable")
    return ordered.drop_duplicates(["user", "item"]).sort_index()


def k_core(
    table: pd.DataFrame, *, users: int, items: int, passes: int | None = None
) -> pd.DataFrame:
    """Drop users with fewer than ``users`` interactions, then items with fewer than ``items`` left.

    Repeated until nothing changes, since each drop can bring another below its limit; or only
    ``passes`` times (D12).
    """
    for _ in count() if passes is None else range(passes):
        before = len(table)
        for column, least in (("user", users), ("item", items)):
            counted = table.groupby(column, observed=True)["timestamp"].transform("size")
            table = table[counted >= least]
        if len(table) == before:
            break
    return table


def number(table: pd.DataFrame, items: list[str]) -> tuple[pd.DataFrame, list[str], list[str]]:
    """Replace raw ids by contiguous ints: users in sorted order, items in the order of ``items``.

    Returns
    -------
    The table (sorted by user, time and item), the raw user ids and the raw item ids by number.
    """
    users = sorted(table["user"].unique())
    present = set(table["item"])
    items = [item for item in items if item in present]
    numbered = table.assign(
        user=table["user"].map({user: n for n, user in enumerate(users)}).astype(np.int64),
        item=table["item"].map({item: n for n, item in enumerate(items)}).astype(np.int64),
    )
    return numbered.sort_values(["user", "timestamp", "item"], ignore_index=True), users, items


def leave_one_out(table: pd.DataFrame, seed: int, held_out: str = "last") -> NDArray[np.bool_]:
    """Mark the held-out rows: each user's last interaction, ties in time broken by ``seed``.

    With ``held_out`` "random" it is any of the user's interactions, drawn by ``seed``; with "own"
    the one that the source marks, in the column ``test``.

    A user with a single interaction keeps it for training. No held-out item is unknown to
    training: where all interactions of an item would be held out, its earliest stays; with
    ``held_out`` "last, returns drawn" any of them, drawn by ``seed`` (D12).

    Returns
    -------
    (rows,) True where the row is held out.
    """
    order = np.random.default_rng(derive("split", seed)).permutation(len(table))
    frame = table.reset_index(drop=True).assign(tie=order)
    by = {"random": ["tie"], "own": ["test", "tie"]}.get(held_out, ["timestamp", "tie"])
    frame = frame.sort_values(by)
    last = ~frame.duplicated("user", keep="last") & frame.duplicated("user", keep=False)
    if held_out == "own":
        last &= frame["test"]
    if held_out == "last, returns drawn":
        frame = frame.sort_values("tie")
        last = last.reindex(frame.index)
    known = frame["item"].isin(frame.loc[~last, "item"])
    returned = last & ~known & ~frame["item"].where(last & ~known).duplicated()
    return (last & ~returned).sort_index().to_numpy()


def for_validation(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return the training interactions, of each user's the last one held out for validation.

    table : user, item, timestamp, held_out; the rows held out there are left out

    Ties in time are broken by ``seed``; an item that training would not know any more keeps its
    interaction, as in ``leave_one_out``.
    """
    left = table[~table["held_out"]].reset_index(drop=True)
    return left.assign(held_out=leave_one_out(left, seed))


@dataclass(frozen=True)
class Interactions:
    """Training interactions and one held-out item per user.

    Attributes
    ----------
    train
        (users, items) CSR matrix, 1 where the user interacted with the item in training.
    held_out
        (users,) int64 item held out for the test, -1 for none.
    """

    train: sparse.csr_matrix
    held_out: NDArray[np.int64]


def to_matrix(table: pd.DataFrame, items: int, users: int | None = None) -> Interactions:
    """Build the matrix from rows of ``user``, ``item`` (contiguous ints) and ``held_out``.

    users : how many there are, if not up to the table's last
    """
    users = int(table["user"].max()) + 1 if users is None else users
    training, test = table[~table["held_out"]], table[table["held_out"]]
    train = sparse.csr_matrix(
        (np.ones(len(training), np.float32), (training["user"], training["item"])), (users, items)
    )
    held_out = np.full(users, -1, np.int64)
    held_out[test["user"]] = test["item"]
    return Interactions(train, held_out)


def some_users(train: sparse.csr_matrix, share: float, seed: int) -> sparse.csr_matrix:
    """Keep the interactions of a share of the users, drawn by ``seed``; the shape stays.

    Raises InputError where fewer than two users would be left.
    """
    if share == 1:
        return train
    users = train.shape[0]
    count = round(share * users)
    if count < 2:
        raise InputError(
            f"guide.users: {share:g} of {users} users leaves {count}; give a larger share"
        )
    chosen = np.random.default_rng(derive("some users", seed)).permutation(users)[:count]
    kept = np.zeros(users, bool)
    kept[chosen] = True
    return sparse.diags(kept.astype(train.dtype)).dot(train).tocsr()
