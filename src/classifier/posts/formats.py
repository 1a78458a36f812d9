"""What reading and writing of batches agree on: the formats, the writer, faults, and the mark of a key that is not there."""

from pathlib import Path
from typing import Protocol

import pandas as pd

from classifier.errors import InputError

STDIO = "-"
FORMATS = (".csv", ".tsv", ".jsonl", ".parquet", ".xlsx")
MOST_ROWS = 1_048_576
"""Rows that a sheet of Excel holds."""


class FileFault(InputError):
    """A fault in a file of posts that also says in data what it is, so that a page can tell it in its reader's language.

    Parameters
    ----------
    message : str
        As of `InputError`.
    key : str
        Which fault.
    **details : str or int
        Where it is and what was seen.
    """

    def __init__(self, message: str, key: str, **details: str | int) -> None:
        super().__init__(message)
        self.key = key
        self.details = details


class Writer(Protocol):
    """Takes scored chunks and puts them into a file of one format."""

    def write(self, frame: pd.DataFrame) -> None:
        """Append the rows of a chunk."""

    def close(self) -> None:
        """Finish the file."""

    def abandon(self) -> None:
        """Release what is open after an error; the file is of no use."""


class Skipped:
    """Value of a key that a jsonl row does not have, so that it is not written either."""

    def __bool__(self) -> bool:
        return False


SKIPPED = Skipped()


def format_of(path: Path) -> str:
    """Return the ending of a file name, in lower case; an `InputError` if it is none of `FORMATS`."""
    ending = path.suffix.lower()
    if ending not in FORMATS:
        raise InputError(f"{path}: unknown format {ending or '(no ending)'!r}; use one of {', '.join(FORMATS)}, or - for csv on stdin/stdout")
    return ending
