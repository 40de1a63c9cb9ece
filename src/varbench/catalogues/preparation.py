"""From a raw catalogue to numbered, filtered and split interactions, with an account of each loss.

Every step says how many users, items and interactions it dropped; what was read is what was kept
and these together.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from varbench.catalogues import interactions
from varbench.catalogues.account import Account
from varbench.catalogues.raw import RawCatalogue
from varbench.catalogues.summary import counted, losses, remedy
from varbench.errors import InputError

log = logging.getLogger(__name__)

# By split: which interaction is held out, passes of the core filter, whether every interaction
# needs a time.
SPLITS: dict[str, tuple[str, int | None, bool]] = {
    "time_aware": ("last", None, True),
    "file_order": ("last", None, False),
    "random": ("random", None, False),
    "single_pass": ("last, returns drawn", 1, False),
}
SHOWN = 3  # ids in a message


@dataclass(frozen=True)
class Rules:
    """What a catalogue's block in the configuration decides about its interactions.

    Attributes
    ----------
    core_users, core_items
        Interactions that a user and an item need.
    split
        A key of ``SPLITS``.
    min_users
        How many users must be left.
    min_rating
        Interactions rated lower are left out; None asks for no rating.
    drop_unreadable
        Whether interactions with items that are not listed are dropped; otherwise an error.
    drop_saturated_users
        Whether users who interacted with every item are dropped; otherwise an error.
    expected
        Counts of ``users``, ``items`` and ``interactions`` that should be left; ``strict``: True
        makes a difference an error.
    """

    core_users: int = 1
    core_items: int = 1
    split: str = "time_aware"
    min_users: int = 1
    min_rating: float | None = None
    drop_unreadable: bool = False
    drop_saturated_users: bool = False
    expected: Mapping[str, Any] = field(default_factory=dict)

    @property
    def core(self) -> dict[str, int]:
        """The limits of the core filter."""
        return {"users": self.core_users, "items": self.core_items}


@dataclass(frozen=True)
class Prepared:
    """A catalogue as the experiment uses it.

    Attributes
    ----------
    interactions
        ``user`` and ``item`` (contiguous ints), ``rating``, ``timestamp``, ``held_out`` (bool).
    users, items
        Raw ids by number.
    summary
        What was read, dropped by reason, and kept, for ``summary.json``.
    """

    interactions: pd.DataFrame
    users: list[str]
    items: list[str]
    summary: dict[str, Any]


def check(catalogue: RawCatalogue, rules: Rules) -> None:
    """Raise InputError at the first interaction that cannot be used under the rules."""
    interactions.check(
        catalogue,
        by_time=SPLITS[rules.split][2],
        by_rating=rules.min_rating is not None,
        allow_unlisted=rules.drop_unreadable,
    )


def prepare(
    catalogue: RawCatalogue, unusable: Mapping[str, str], rules: Rules, *, seed: int
) -> Prepared:
    """Filter, number and split the interactions of a catalogue that passed ``check``.

    Parameters
    ----------
    unusable
        The reason by raw id for every item whose image cannot be used: ``no_image`` or
        ``unreadable_image``. They are dropped first: they must not count in the core.
    seed
        Breaks ties in time, draws what is held out, or returned to training, at random.

    Raises
    ------
    InputError
        A user interacted with every item, fewer than ``min_users`` are left, or counts differ
        from those that are strictly expected.
    """
    account = Account(catalogue)
    table = _in_time(catalogue.interactions, rules.split)
    held_out, passes, _ = SPLITS[rules.split]
    if rules.split == "single_pass" and "test" in table:
        held_out = "own"  # the very split that was published

    listed = table["item"].isin(catalogue.items)
    if not listed.all():
        row = int(np.flatnonzero(~listed)[0])
        log.warning(
            "dropped interactions with items that are not listed: %d, items: %d, such as %r (%s)",
            (~listed).sum(),
            table.loc[~listed, "item"].nunique(),
            table["item"].iloc[row],
            catalogue.where("interaction", row),
        )
    table = account.step("unlisted_item", table, _only(table, listed))
    for reason in ("no_image", "unreadable_image"):
        without = {item for item, why in unusable.items() if why == reason}
        left = _only(table, ~table["item"].isin(without))
        table = account.step(reason, table, left, items=without)
    if rules.min_rating is not None:
        left = _only(table, table["rating"] >= rules.min_rating)
        table = account.step("low_rating", table, left)
    table = account.step("repeated", table, interactions.deduplicate(table))
    table = _core(account, catalogue, table, rules, passes)

    items = [item for item in catalogue.items if item not in unusable]
    numbered, users, items = interactions.number(table, items)
    if len(users) < rules.min_users:
        where = catalogue.where("interaction", 0)
        lost = any(counts["users"] for counts in account.dropped.values())
        more = (
            remedy(account.dropped, rules.core) if lost else f"lower min_users ({rules.min_users})"
        )
        raise InputError(
            f"{where.rpartition(' row ')[0] or where}: {len(users)} users are left of "
            f"{account.read['users']}, and {rules.min_users} are needed; dropped: "
            f"{losses(account.dropped) or 'none'}; {more}"
        )
    kept = {"users": len(users), "items": len(items), "interactions": len(numbered)}
    differences = _differences(catalogue, kept, rules.expected)
    numbered["held_out"] = interactions.leave_one_out(numbered, seed, held_out)
    summary = {
        "read": account.read,
        "dropped": account.dropped,
        "kept": kept,
        "held_out": int(numbered["held_out"].sum()),
        "core": rules.core,
        "split": rules.split,
        "expected": dict(rules.expected),
        "differences": differences,
    }
    return Prepared(numbered.drop(columns="test", errors="ignore"), users, items, summary)


def _only(table: pd.DataFrame, rows: "pd.Series[bool]") -> pd.DataFrame:
    """Return the rows of a table; where it is all of them, the table and no copy."""
    return table if rows.all() else table[rows]


def _in_time(table: pd.DataFrame, split: str) -> pd.DataFrame:
    """Let the order of the file stand for time where it is asked for, or no time is known."""
    known = SPLITS[split][2] or (split == "random" and table["timestamp"].notna().all())
    return table if known else table.assign(timestamp=np.arange(len(table)))


def _core(
    account: Account,
    catalogue: RawCatalogue,
    table: pd.DataFrame,
    rules: Rules,
    passes: int | None,
) -> pd.DataFrame:
    """Apply the core filter, and leave no user who interacted with every item.

    One who has everything leaves the training no item to draw as negative, and the ranking none to
    rank. The dropping of such users may bring items, then others, below the core's limits.
    """

    def filtered(table: pd.DataFrame) -> pd.DataFrame:
        core = interactions.k_core(
            table, users=rules.core_users, items=rules.core_items, passes=passes
        )
        return account.step("few_interactions", table, core, unused=True)

    table = filtered(table)
    while len(saturated := _saturated(table)):
        if not rules.drop_saturated_users:
            row = int(table.index[table["user"].isin(saturated[:1])][0])
            names = ", ".join(map(repr, saturated[:SHOWN])) + ", ..." * (len(saturated) > SHOWN)
            raise InputError(
                f"{catalogue.where('interaction', row)}: {counted(len(saturated), 'users')} "
                f"interacted with every one of the {table['item'].nunique()} items that are left "
                f"({names}), so there is none to rank for them; drop_saturated_users leaves them "
                "out, a lower core_items keeps more items"
            )
        left = _only(table, ~table["user"].isin(saturated))
        table = account.step("saturated_user", table, left, unused=True)
        if passes is None:
            table = filtered(table)
    return table


def _saturated(table: pd.DataFrame) -> list[str]:
    """Return the users who interacted with every item in a table without duplicates, sorted."""
    counts = table["user"].value_counts()
    return sorted(counts.index[(counts > 0) & (counts >= table["item"].nunique())])


def _differences(
    catalogue: RawCatalogue, kept: Mapping[str, int], expected: Mapping[str, Any]
) -> list[str]:
    """Return what is to be said of counts that are not as expected."""
    found = [
        f"{kept[what]} {what} are left where {count} are expected"
        for what, count in expected.items()
        if what != "strict" and kept[what] != count
    ]
    if found and expected.get("strict"):
        raise InputError(f"{catalogue.where('interaction', 0)}: {found[0]}")
    return found
