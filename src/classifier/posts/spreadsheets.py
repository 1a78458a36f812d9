"""Keeps posts that look like formulas from being run by the spreadsheet program that opens a scored file."""

import re
from typing import Any

import pandas as pd

from classifier.posts.formats import Writer

SPREADSHEETS = (".csv", ".tsv", ".xlsx")
_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?")


class SpreadsheetSafeWriter:
    """Hands chunks on to another writer, with an apostrophe before whatever could be taken for a formula.

    Parameters
    ----------
    writer : Writer

    Notes
    -----
    The signs are those of OWASP's page on CSV injection.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def write(self, frame: pd.DataFrame) -> None:
        """Append the rows of a chunk."""
        safe = frame.copy(deep=False)
        for position, dtype in enumerate(frame.dtypes):
            if not pd.api.types.is_numeric_dtype(dtype):
                safe.isetitem(position, frame.iloc[:, position].astype(object).map(defuse).array)
        safe.columns = pd.Index([defuse(name) for name in frame.columns], dtype=object)
        self._writer.write(safe)

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()

    def abandon(self) -> None:
        """Release what is open after an error."""
        self._writer.abandon()


def defuse(value: Any) -> Any:
    """Put an apostrophe before a text that begins like a formula and is no plain number; anything else stays what it is.

    Examples
    --------
    >>> defuse("=1+1"), defuse("-3,5"), defuse("chào"), defuse(-7)
    ("'=1+1", '-3,5', 'chào', -7)
    """
    text = value.decode("utf-8", errors="replace") if isinstance(value, bytes) else value
    return f"'{text}" if isinstance(text, str) and _FORMULA.match(text) and not _NUMBER.fullmatch(text) else value
