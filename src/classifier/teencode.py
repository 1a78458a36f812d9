"""The project's table of teencode and abbreviations."""

import csv
from functools import lru_cache
from importlib.resources import files


@lru_cache(maxsize=1)
def teencode() -> dict[str, str]:
    """Return the table: short form to full form, both in lower case."""
    table = files("classifier").joinpath("teencode.tsv").read_text(encoding="utf-8")
    return {row["short"]: row["full"] for row in csv.DictReader(table.splitlines(), delimiter="\t")}
