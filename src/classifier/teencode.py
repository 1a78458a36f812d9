"""The project's tables of words that are no Vietnamese syllables: teencode and abbreviations, and foreign words."""

import csv
from functools import lru_cache
from importlib.resources import files


@lru_cache(maxsize=1)
def teencode() -> dict[str, str]:
    """Return the table: short form to full form, both in lower case."""
    table = files("classifier").joinpath("teencode.tsv").read_text(encoding="utf-8")
    return {row["short"]: row["full"] for row in csv.DictReader(table.splitlines(), delimiter="\t")}


@lru_cache(maxsize=1)
def foreign() -> frozenset[str]:
    """Return foreign words of Vietnamese posts that would read as a disguise."""
    return frozenset(files("classifier").joinpath("foreign.tsv").read_text(encoding="utf-8").split()[1:])
