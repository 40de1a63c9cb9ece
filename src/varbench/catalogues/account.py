"""How much each step of the preparation drops: users, items, interactions."""

import pandas as pd

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

    def step(
        self,
        reason: str,
        before: pd.DataFrame,
        after: pd.DataFrame,
        *,
        items: set[str] | None = None,
        unused: bool = False,
    ) -> pd.DataFrame:
        """Count what a step dropped for a reason, and return the table ``after`` it.

        Parameters
        ----------
        items
            Items that the step drops.
        unused
            Whether it drops the items without interactions too.
        """
        had = self._count(before)
        self._items -= items or set()
        if unused:
            self._items &= set(after["item"].unique())
        has = self._count(after)
        lost = {what: had[what] - has[what] for what in had}
        if any(lost.values()):
            total = self.dropped.setdefault(reason, dict.fromkeys(lost, 0))
            self.dropped[reason] = {what: total[what] + lost[what] for what in lost}
        return after

    def _count(self, table: pd.DataFrame) -> dict[str, int]:
        return {
            "users": int(table["user"].nunique()),
            "items": len(self._items),
            "interactions": len(table),
        }
