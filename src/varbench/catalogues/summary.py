"""What the terminal and the log say of a prepared catalogue: read, dropped, kept, and warnings."""

from collections.abc import Mapping
from typing import Any

# What each reason of ``summary.json`` drops first of all, in the order of the steps.
REASONS = {
    "unlisted_item": ("interactions", "with an item that the table of items does not list"),
    "no_image": ("items", "without an image"),
    "unreadable_image": ("items", "whose image cannot be read"),
    "low_rating": ("interactions", "rated below min_rating"),
    "repeated": ("interactions", "repeated by the same user"),
    "few_interactions": ("users", "with too few interactions"),
    "saturated_user": ("users", "who interacted with every item"),
}
REMEDIES = {
    "unlisted_item": "list the items that are missing",
    "no_image": "give the items that are missing an image",
    "unreadable_image": "give the items an image that can be read",
    "low_rating": "lower min_rating",
    "saturated_user": "take a catalogue of more items",
}
FEW = 0.5  # kept users of those read, under which a warning is due


def lines(name: str, summary: Mapping[str, Any]) -> list[str]:
    """Return one line on what was read, kept and dropped, and one for each warning.

    Parameters
    ----------
    name
        The catalogue's.
    summary
        The content of its ``summary.json``.
    """
    read, kept = summary["read"], summary["kept"]
    dropped = losses(summary["dropped"])
    account = (
        f"{name}: read {_all(read)}; kept {_all(kept)}, of which {summary['held_out']:,} "
        f"held out{f'; dropped: {dropped}' if dropped else ''}"
    )
    return [account, *(f"warning: {name}: {text}" for text in warnings(summary))]


def warnings(summary: Mapping[str, Any]) -> list[str]:
    """Return what somebody should know before trusting results: one text each, without a name."""
    read, kept, found = summary["read"], summary["kept"], []
    if kept["users"] < FEW * read["users"]:
        found.append(
            f"{kept['users']:,} of {read['users']:,} users are left, and "
            f"{kept['items']:,} of {read['items']:,} items (if these are too few, "
            f"{remedy(summary['dropped'], summary['core'])})"
        )
    return [*found, *summary["differences"]]


def losses(dropped: Mapping[str, Mapping[str, int]]) -> str:
    """Return what was dropped by each reason, in one text."""
    parts = []
    for reason, (what, text) in REASONS.items():
        if lost := dropped.get(reason):
            first = what if lost[what] else next(w for w in lost if lost[w])
            parts.append(f"{counted(lost[first], first)} {text}{_beside(lost, first)}")
    return "; ".join(parts)


def remedy(dropped: Mapping[str, Mapping[str, int]], core: Mapping[str, int]) -> str:
    """Return what would keep most of the users that were dropped.

    core : the limits of the core filter for users and items
    """
    worst = max(dropped, key=lambda reason: dropped[reason]["users"], default="")
    return REMEDIES.get(
        worst, f"lower core_users ({core['users']}) or core_items ({core['items']})"
    )


def _all(counts: Mapping[str, int]) -> str:
    return ", ".join(counted(counts[what], what) for what in ("users", "items", "interactions"))


def _beside(lost: Mapping[str, int], what: str) -> str:
    """Name what else went with it."""
    others = [w for w in ("users", "items", "interactions") if w != what and lost[w]]
    return f" (and {', '.join(counted(lost[w], w) for w in others)})" if others else ""


def counted(count: int, what: str) -> str:
    """Return a count and what is counted: 1 user, 2,000 users."""
    return f"{count:,} {what if count != 1 else what.removesuffix('s')}"
