"""Items by the class that a network sees in their image, and which of them are attacked."""

from typing import Any

import numpy as np
import pandas as pd

from varbench.errors import InputError
from varbench.seeds import derive


def members_of(
    classes: pd.DataFrame, index: int, category: str, key: str, without: str
) -> "pd.Series[int]":
    """Return the items in a class.

    classes : item, class
    category : the class's name
    key : of the configuration, which names the class
    without : what cannot be done if there are none, for the message

    Raises InputError where the class is empty.
    """
    members = classes.loc[classes["class"] == index, "item"]
    if members.empty:
        raise InputError(
            f"{key}: the undefended network sees no image as {category!r}, so {without}; "
            "`snakemake categories` lists what it sees"
        )
    return members


def chosen(
    members: "pd.Series[int]",
    popularity: "pd.Series[int]",
    budget: dict[str, Any],
    *,
    key: str,
    seed: int,
) -> "pd.Series[int]":
    """Return the items of the source category that are attacked, in the catalogue's order.

    popularity : training interactions, by item
    budget : ``items``, a number or "all"; ``choose``: least_popular, most_popular or random (of
        equals the one that comes first)

    Raises InputError where the budget is above the category's size.
    """
    if budget["items"] == "all":
        return members
    if budget["items"] > len(members):
        raise InputError(
            f"{key}.attacked.items: {budget['items']} where the source category has {len(members)} "
            "items; give at most as many, or all"
        )
    counts = popularity.reindex(members, fill_value=0).to_numpy()
    orders = {
        "least_popular": counts,
        "most_popular": -counts,
        "random": np.random.default_rng(derive("attacked", seed)).permutation(len(members)),
    }
    first = np.argsort(orders[budget["choose"]], kind="stable")[: budget["items"]]
    return members.iloc[np.sort(first)]
