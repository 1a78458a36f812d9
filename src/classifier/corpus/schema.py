"""The contract of a labelled post: reads the project's own csv files and lists every fault at once."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from classifier.errors import InputError, named
from classifier.posts import read_batch
from classifier.taxonomy import CATEGORIES, SLICES, UNLAWFUL_KINDS, VOICES
from classifier.text import normalize

REQUIRED = ("post_id", "text", *CATEGORIES, "slice", "source")
OPTIONAL = ("pair", "kind", "subtle", "first", "second", "weight")
"""Further columns of the project's own posts: the contrast pair a post belongs to, the item of the closed list or the
voice, whether a violation is subtle, what each of two people labelled, and a weight in training."""

COLUMNS = (*REQUIRED, *OPTIONAL)
_FAULTS_SHOWN = 200
_KINDS = frozenset((*UNLAWFUL_KINDS, *VOICES))


def _labels_known(column: pd.Series) -> pd.Series:
    return column.map(lambda cell: cell == "none" or set(cell.split(";")) <= set(CATEGORIES) if cell else True)


def _weight_valid(column: pd.Series) -> pd.Series:
    return column.map(lambda cell: cell == "" or (cell.replace(".", "", 1).isdigit() and float(cell) <= 100))


def _schema(source: str) -> pa.DataFrameSchema:
    label = pa.Column(str, pa.Check.isin(["0", "1", ""], error="a label is 0, 1 or empty"))
    names = pa.Check(_labels_known, error=f"category names joined by ;, or none: {', '.join(CATEGORIES)}")
    return pa.DataFrameSchema(
        {
            "post_id": pa.Column(str, pa.Check(lambda column: column != "", error="an id is needed")),
            "text": pa.Column(str, pa.Check(lambda column: column.str.strip() != "", error="the text is blank")),
            **dict.fromkeys(CATEGORIES, label),
            "slice": pa.Column(str, pa.Check.isin(["", *SLICES], error=f"a slice is empty or one of {', '.join(SLICES)}")),
            "source": pa.Column(str, pa.Check.isin([source], error=f"the source of these files is {source}")),
            "pair": pa.Column(str),
            "kind": pa.Column(
                str,
                pa.Check(
                    lambda column: column.map(lambda cell: not cell or set(cell.split(";")) <= _KINDS),
                    error=f"kinds joined by ;: {', '.join(sorted(_KINDS))}",
                ),
            ),
            "subtle": pa.Column(str, pa.Check.isin(["", "0", "1"], error="subtle is 0, 1 or empty")),
            "first": pa.Column(str, names),
            "second": pa.Column(str, names),
            "weight": pa.Column(str, pa.Check(_weight_valid, error="a weight is a number from 0 to 100, or empty")),
        }
    )


def read_labelled(folder: Path, source: str) -> pd.DataFrame:
    """Read all csv files of a folder in the project's own format.

    Parameters
    ----------
    folder : Path
        Holds `*.csv`; read in the order of their names.
    source : str
        What the column `source` must say.

    Returns
    -------
    pandas.DataFrame
        One row a post with `COLUMNS`, all text, `file` and `line` that tell where it stands, and `normalized`, its normal form.

    Raises
    ------
    InputError
        Lists all faults found with file, line, value and what is allowed: a wrong header, encoding or field count, a
        label other than 0, 1 or empty, an unknown slice, kind or source, a repeated id, a slice on a violation, equal
        texts with different labels. Texts are never quoted.
    """
    faults: list[str] = []
    frames = [frame for path in sorted(folder.glob("*.csv")) if (frame := _read_file(path, faults)) is not None]
    table = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=[*COLUMNS, "file", "line"], dtype=str)
    table["normalized"] = table["text"].map(normalize)
    faults += [*_schema_faults(table, source), *_row_faults(table)]
    if faults:
        shown = [*faults[:_FAULTS_SHOWN], *([f"and {len(faults) - _FAULTS_SHOWN} more"] if len(faults) > _FAULTS_SHOWN else [])]
        raise InputError(f"{folder}: {len(faults)} fault(s) to mend before training" + "".join(f"\n  {fault}" for fault in shown))
    return table


def _read_file(path: Path, faults: list[str]) -> pd.DataFrame | None:
    try:
        batch = read_batch(path, chunk_size=10_000)
        missing = [column for column in REQUIRED if column not in batch.columns]
        unknown = [column for column in batch.columns if column not in COLUMNS]
        if missing or unknown:
            parts = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"has unknown {named(unknown)}"] * bool(unknown)
            faults.append(f"{path}: line 1: the header {' and '.join(parts)}; it needs {', '.join(REQUIRED)} and may have {', '.join(OPTIONAL)}")
            return None
        chunks = list(batch.chunks)
    except InputError as error:
        faults.append(str(error))
        return None
    table = pd.concat(chunks, ignore_index=True) if chunks else pd.DataFrame(columns=batch.columns)
    table = table.reindex(columns=list(COLUMNS), fill_value="").astype(object)
    return table.assign(file=str(path), line=range(2, len(table) + 2))


def _schema_faults(table: pd.DataFrame, source: str) -> Iterable[str]:
    try:
        _schema(source).validate(table.astype(dict.fromkeys(COLUMNS, "str")), lazy=True)
    except pa.errors.SchemaErrors as errors:
        for case in errors.failure_cases.itertuples():
            value = "" if case.column == "text" else f" {str(case.failure_case)[:60]!r}"
            yield f"{_place(table, case.index)}: {case.column}{value}: {case.check}"


def _place(table: pd.DataFrame, row: int) -> str:
    file, post_id, line = (str(table.at[row, column]) for column in ("file", "post_id", "line"))
    return f"{file}: post {post_id or '(no id)'} (row {line})"


def _row_faults(table: pd.DataFrame) -> Iterable[str]:
    for row in table.index[table["post_id"].duplicated() & (table["post_id"] != "")]:
        yield f"{_place(table, row)}: the id is used before; give each post its own"
    labels = table[list(CATEGORIES)]
    for row in table.index[(labels == "1").any(axis=1) & (table["slice"] != "")]:
        yield f"{_place(table, row)}: slice {table.at[row, 'slice']!r} on a violation; a protected post has no label 1"
    yield from _conflicts(table, labels)


def _conflicts(table: pd.DataFrame, labels: pd.DataFrame) -> Iterable[str]:
    """Equal texts must agree wherever both are annotated."""
    repeated = table[table["normalized"].duplicated(keep=False)]
    for rows in repeated.groupby("normalized").groups.values():
        for category in CATEGORIES:
            known = labels.loc[rows, category]
            if {"0", "1"} <= set(known):
                places = ", ".join(_place(table, row) for row in rows)
                yield f"{places}: equal texts, but {category} is both 0 and 1; decide which holds"
