"""Times of interactions: seconds (or any other number that grows), or ISO dates and date-times."""

from pathlib import Path

import numpy as np
import pandas as pd

from varbench.errors import InputError

EPOCH = pd.Timestamp(0, tz="UTC")


class Times:
    """Reads the texts of one column, part after part; they are all numbers or all dates.

    Parameters
    ----------
    path
        The file, for messages.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kind = ""

    def read(self, texts: "pd.Series[str]") -> "pd.Series[float]":
        """Convert texts to numbers: seconds since 1970 for dates, those without a zone in UTC.

        Parameters
        ----------
        texts
            NaN where a cell is empty; the index is the row in the file.

        Raises
        ------
        InputError
            Names the first row that holds neither, or a date among numbers or a number among dates.
        """
        numbers = pd.to_numeric(texts, errors="coerce")
        others = numbers.isna() & texts.notna()
        if not others.any():
            self._agree(numbers.notna(), texts, "number")
            return numbers
        plain = texts.where(others).str.removesuffix(" UTC")  # as BigQuery writes it
        dates = pd.to_datetime(plain, errors="coerce", format="ISO8601", utc=True)
        wrong = others & dates.isna()
        if wrong.any():
            place = int(np.flatnonzero(wrong)[0])
            raise InputError(
                f"{self._path} row {texts.index[place]}: a timestamp that is not a number of "
                f"seconds or an ISO date (2020-12-31, 2020-12-31 23:59:59): {texts.iloc[place]!r}; "
                "the splits random and file_order do without, if the source has "
                "columns: {timestamp: null}"
            )
        self._agree(numbers.notna(), texts, "number")
        self._agree(others, texts, "date")
        seconds: pd.Series[float] = (dates - EPOCH) / pd.Timedelta(seconds=1)
        return seconds

    def _agree(self, rows: "pd.Series[bool]", texts: "pd.Series[str]", kind: str) -> None:
        """Raise InputError if ``rows`` are of another kind than those before."""
        if not rows.any():
            return
        if self._kind and self._kind != kind:
            place = int(np.flatnonzero(rows)[0])
            raise InputError(
                f"{self._path} row {texts.index[place]}: a {kind} as timestamp, "
                f"{texts.iloc[place]!r}, where other rows have {self._kind}s; use one of them"
            )
        self._kind = kind
