"""What reading and writing of batches agree on: the formats, and the mark of a key that is not there."""

from pathlib import Path

from classifier.errors import InputError

STDIO = "-"
FORMATS = (".csv", ".tsv", ".jsonl", ".parquet", ".xlsx")


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
