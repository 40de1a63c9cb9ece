"""How much each step of the preparation drops: users, items, interactions."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from varbench.catalogues.raw import RawCatalogue


class Account:
    """Counts what each step drops: users and items that have no interaction left, interactions.

    An item counts as there as long as it is listed and usable; when the core filter comes, one
    that nobody interacted with is dropped too.

    Attributes
    ----------
    read
        Counts before the first step.
    dropped
        Counts by reason, for reasons that dropped anything.
    """

    def __init__(self, catalogue: RawCatalogue) -> None:
        self._items = set(catalogue.items)
        self.read = self._count(catalogue.interactions)
        self.dropped: dict[str, dict[str, int]] = {}

    def keep(
        self,
        reason: str,
        table: pd.DataFrame,
        rows: "pd.Series[bool] | NDArray[np.bool_]",
        *,
        items: set[str] | None = None,
        unused: bool = False,
    ) -> pd.DataFrame:
        """Return the ``rows`` of a table; the others are dropped for a reason.

        Parameters
        ----------
        items
            Items that are dropped.
        unused
            Whether items without interactions are dropped as well.
        """
        before, kept = self._count(table), table[rows]
        self._items -= items or set()
        if unused:
            self._items &= set(kept["item"].unique())
        after = self._count(kept)
        lost = {what: before[what] - after[what] for what in before}
        if any(lost.values()):
            total = self.dropped.setdefault(reason, dict.fromkeys(lost, 0))
            self.dropped[reason] = {what: total[what] + lost[what] for what in lost}
        return kept

    def _count(self, table: pd.DataFrame) -> dict[str, int]:
        return {
            "users": int(table["user"].nunique()),
            "items": len(self._items),
            "interactions": len(table),
        }
