"""Interactions as they would be if some items had just arrived: nobody has interacted with them."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from varbench.errors import InputError


def without_interactions(table: pd.DataFrame, items: NDArray[np.int64]) -> pd.DataFrame:
    """Leave out every interaction with ``items``, also those that are held out.

    table : user, item, held_out

    A user whose held-out item is among them has none any more.

    Raises InputError where a user is left without training interactions: nothing could be learnt
    of them, and their list would be chance.
    """
    left = table[~table["item"].isin(items)]
    before, after = (t.loc[~t["held_out"], "user"].unique() for t in (table, left))
    lost = np.setdiff1d(before, after)
    if len(lost):
        raise InputError(
            f"cold_start: user {lost[0]} has training interactions with attacked items only, and "
            f"{len(lost)} such users would be left with none; raise core_users of the catalogue, "
            "attack fewer items (datasets.NAME.attacked), or leave cold_start out of threats"
        )
    return left
