"""Which categories a network sees in a catalogue, and which pairs are worth an experiment."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from varbench.errors import InputError

SHOWN = 3  # own labels that are counted beside a class


def describe(
    items: pd.DataFrame,
    interactions: pd.DataFrame,
    classes: NDArray[np.int64],
    names: Sequence[str],
) -> pd.DataFrame:
    """Return one row for each class that the network sees, most items first.

    Parameters
    ----------
    items
        ``item`` (0 .. n - 1) and ``label``, the source's own category, perhaps missing.
    interactions
        ``item`` and ``held_out``; those held out are not counted.
    classes
        (n,) predicted class of each item, in the order of ``items``.
    names
        Name of each class.

    Returns
    -------
    ``class``, ``category`` (its name), ``items``, ``interactions``, ``mean_popularity`` and
    ``median_popularity`` (training interactions of an item), ``named_so`` (items of the whole
    catalogue whose own label is this name, whatever the case), ``own_labels`` (the commonest own
    labels of the class's items, with how many each).

    Raises
    ------
    InputError
        A class has no name, or there are not as many classes as items.
    """
    if len(classes) != len(items):
        raise InputError(
            f"{len(classes)} predicted classes for {len(items)} items; are they of one catalogue?"
        )
    if len(classes) and classes.max() >= len(names):
        raise InputError(f"class {classes.max()} has no name: {len(names)} names are given")
    counts = interactions.loc[~interactions["held_out"], "item"].value_counts()
    labels = items["label"].to_numpy(object)
    own = pd.Series(labels).dropna().astype(str).str.casefold().value_counts()
    table = pd.DataFrame(
        {
            "class": classes,
            "popularity": counts.reindex(items["item"], fill_value=0).to_numpy(),
            "label": labels,
        }
    )
    groups = ((number, table[table["class"] == number]) for number in np.unique(classes).tolist())
    rows = [
        {
            "class": number,
            "category": names[number],
            "items": len(members),
            "interactions": int(members["popularity"].sum()),
            "mean_popularity": float(members["popularity"].mean()),
            "median_popularity": float(members["popularity"].median()),
            "named_so": int(own.get(names[number].casefold(), 0)),
            "own_labels": ", ".join(
                f"{label} {count}"
                for label, count in members["label"].value_counts().head(SHOWN).items()
            ),
        }
        for number, members in groups
    ]
    return pd.DataFrame(rows).sort_values(["items", "class"], ascending=[False, True])


def propose(described: pd.DataFrame, *, least: int = 10, pairs: int = 10) -> pd.DataFrame:
    """Return pairs of an unpopular source and a popular target category.

    Categories of at least ``least`` items are ranked by mean popularity: sources are of the lower
    third, targets of the upper third, at least one of each. The ``pairs`` pairs with the largest
    ratio of popularities are returned.

    Returns
    -------
    ``source_category``, ``target_category``, ``source_items`` (that would be attacked),
    ``target_items``, ``source_popularity``, ``target_popularity``, ``ratio`` (infinite where
    nobody wants the source); without rows where fewer than two categories are large enough.
    """
    large = described[described["items"] >= least].sort_values(
        ["mean_popularity", "class"], ignore_index=True
    )
    third = max(len(large) // 3, 1) if len(large) > 1 else 0
    sides = [
        part[["category", "items", "mean_popularity"]].rename(
            columns={
                "category": f"{role}_category",
                "items": f"{role}_items",
                "mean_popularity": f"{role}_popularity",
            }
        )
        for role, part in (("source", large[:third]), ("target", large[len(large) - third :]))
    ]
    table = sides[0].merge(sides[1], how="cross")
    with np.errstate(divide="ignore"):
        table["ratio"] = table["target_popularity"] / table["source_popularity"]
    table = table[table["target_popularity"] > table["source_popularity"]]
    ranked = table.sort_values("ratio", ascending=False, kind="stable", ignore_index=True)
    parts = ("category", "items", "popularity")
    order = [f"{role}_{what}" for what in parts for role in ("source", "target")]
    return ranked[[*order, "ratio"]].head(pairs)
