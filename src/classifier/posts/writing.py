"""Scored batches out, chunk by chunk, written beside their name and moved into place when whole."""

import csv
import json
import math
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from classifier.errors import InputError
from classifier.posts.formats import MOST_ROWS, SKIPPED, STDIO, Writer, format_of
from classifier.posts.spreadsheets import SPREADSHEETS, SpreadsheetSafeWriter

_LARGEST_CELL = 32_767
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


@contextmanager
def write_batch(target: str | Path, spreadsheet_safe: bool = False, delimiter: str = ",") -> Iterator[Writer]:
    """Open a file for scored chunks; it is written beside its name and moved into place when whole.

    Parameters
    ----------
    target : str or Path
        A file whose ending is one of `FORMATS`, or `-` for csv on stdout.
    spreadsheet_safe : bool
        Whether csv, tsv and xlsx are for opening in a spreadsheet program: a text that such a program could take for a
        formula gets an apostrophe before it, and csv and tsv begin with a byte order mark, without which Excel garbles accents.
    delimiter : str
        What divides the fields of a csv.

    Yields
    ------
    Writer

    Raises
    ------
    InputError
        If the format is unknown or the folder can't be written to. Nothing is left under the name in that case, nor
        when an error interrupts the writing.
    """
    if str(target) == STDIO:
        with open(sys.stdout.fileno(), "w", encoding="utf-8", newline="", closefd=False) as stream:
            yield _maybe_safe(_DelimitedWriter(stream, delimiter), spreadsheet_safe)
        return
    path = Path(target)
    path = path.resolve() if path.is_symlink() else path
    make = _WRITERS[format_of(path)]
    part = _part_of(path)
    try:
        writer = make(part, "utf-8-sig" if spreadsheet_safe else "utf-8", delimiter)
        try:
            yield _maybe_safe(writer, spreadsheet_safe and path.suffix.lower() in SPREADSHEETS)
        except BaseException:
            writer.abandon()
            raise
        writer.close()
        part.chmod(0o666 & ~_umask())
        part.replace(path)
    except OSError as error:
        raise InputError(f"{path}: can't be written ({error.strerror or error}); free some space or choose another folder") from error
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


def _maybe_safe(writer: Writer, safe: bool) -> Writer:
    return SpreadsheetSafeWriter(writer) if safe else writer


def _part_of(path: Path) -> Path:
    """Make an empty file beside `path` to write to until it is whole."""
    try:
        if path.is_dir():
            raise InputError(f"{path}: is a folder; name a file to write")
        handle, name = tempfile.mkstemp(prefix=".part-", suffix=path.suffix, dir=path.parent)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: can't be written ({reason}); choose a folder that exists and that you may write to") from None
    os.close(handle)
    return Path(name)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


class _DelimitedWriter:
    def __init__(self, stream: IO[str], delimiter: str) -> None:
        self._stream = stream
        self._writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
        self._quoting_writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
        self._started = False

    def write(self, frame: pd.DataFrame) -> None:
        if not self._started:
            self._write_row(map(_plain, frame.columns))
            self._started = True
        for row in zip(*(_fields(frame.iloc[:, position]) for position in range(frame.shape[1])), strict=True):
            self._write_row(row)
        self._stream.flush()

    def _write_row(self, row: Iterable[Any]) -> None:
        fields = tuple(row)
        returns = any(isinstance(field, str) and "\r" in field for field in fields)  # which csv leaves unquoted and can't read back
        (self._quoting_writer if returns else self._writer).writerow(fields)

    def close(self) -> None:
        self._stream.close()

    abandon = close


def _fields(values: pd.Series) -> list[Any]:
    """A column as csv fields; those of one plain type, as scoring adds them, all at once."""
    if isinstance(values.dtype, pd.StringDtype) and values.dtype.storage == "pyarrow":  # which holds no unpaired surrogates
        return values.fillna("").tolist()
    if isinstance(values.dtype, np.dtype) and values.dtype.kind == "f":
        return ["" if value != value else value for value in values.tolist()]
    return [_plain(value) for value in values]


def _plain(value: Any) -> Any:
    """A value as a csv field: nothing for null, ISO for dates, JSON for nested values."""
    if isinstance(value, str):
        return _encodable(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, (dict, list)):
        return _encodable(json.dumps(value, ensure_ascii=False, default=str))
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return "" if _is_null(value) else value


def _encodable(text: str) -> str:
    return _SURROGATE.sub("\ufffd", text)


def _is_null(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or value is SKIPPED or (isinstance(value, float) and value != value)


class _JsonlWriter:
    def __init__(self, path: Path) -> None:
        self._stream = path.open("w", encoding="utf-8")

    def write(self, frame: pd.DataFrame) -> None:
        columns = list(frame.columns)
        for values in frame.itertuples(index=False, name=None):
            row = {str(column): _json_value(value) for column, value in zip(columns, values, strict=True) if value is not SKIPPED}
            line = json.dumps(row, ensure_ascii=False, default=str)
            self._stream.write((line if _SURROGATE.search(line) is None else json.dumps(row, default=str)) + "\n")

    def close(self) -> None:
        self._stream.close()

    abandon = close


def _json_value(value: Any) -> Any:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if _is_null(value) or (isinstance(value, float) and math.isinf(value)):
        return None  # JSON has neither NaN nor infinity
    return value.item() if hasattr(value, "item") else value


class _ParquetWriter:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: Any = None

    def write(self, frame: pd.DataFrame) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.Table.from_pandas(_typed(frame), preserve_index=False)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, table.schema.remove_metadata())
        self._writer.write_table(table.replace_schema_metadata(None).cast(self._writer.schema))

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    abandon = close


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Untyped columns (from csv, jsonl, xlsx) as text columns, so that all chunks have one schema."""
    typed = {}
    for column in frame.columns:
        values = frame[column]
        if values.dtype == object:
            values = pd.Series([None if _is_null(v) else str(_plain(v)) for v in values], index=frame.index, dtype="string")
        typed[_encodable(str(column))] = values
    return pd.DataFrame(typed, index=frame.index)


class _XlsxWriter:
    def __init__(self, path: Path) -> None:
        import openpyxl

        self._path = path
        self._book = openpyxl.Workbook(write_only=True)
        self._sheet = self._book.create_sheet("posts")
        self._rows = 0
        self._started = False

    def write(self, frame: pd.DataFrame) -> None:
        if not self._started:
            self._sheet.freeze_panes = "A2"
            self._sheet.append([self._cell(column) for column in frame.columns])
            self._started = True
        self._rows += len(frame)
        if self._rows > MOST_ROWS - 1:
            raise InputError(f"an xlsx sheet holds {MOST_ROWS:,} rows, this batch has more; write csv or parquet instead")
        for row in frame.itertuples(index=False, name=None):
            self._sheet.append([self._cell(value) for value in row])

    def _cell(self, value: Any) -> Any:
        from openpyxl.cell import WriteOnlyCell

        if isinstance(value, (datetime, date)) and getattr(value, "tzinfo", None) is None:
            return value
        value = _plain(value)
        if not isinstance(value, str) and not _is_exact(value):
            value = str(value)
        if not isinstance(value, str):
            return _json_value(value)
        cell = WriteOnlyCell(self._sheet, value=_fitting(_NOT_IN_XML.sub("\ufffd", value)))
        cell.data_type = "s"  # text stays text: a post that begins with = is no formula
        return cell

    def close(self) -> None:
        self._book.save(self._path)

    def abandon(self) -> None:
        """Release openpyxl's temporary file, which holds the rows and makes it complain at exit if nobody closes it."""
        self._sheet.close()
        with suppress(OSError, AttributeError):
            Path(self._sheet._writer.out).unlink()


def _fitting(text: str) -> str:
    """Excel's cells end at 32,767 characters; a longer text is cut, and shows it."""
    return text if len(text) <= _LARGEST_CELL else text[: _LARGEST_CELL - 1] + "…"


def _is_exact(number: Any) -> bool:
    """Excel keeps fifteen digits."""
    return not (isinstance(number, int) and abs(number) >= 10**15)


_WRITERS: dict[str, Callable[[Path, str, str], Writer]] = {
    ".csv": lambda path, encoding, delimiter: _DelimitedWriter(path.open("w", encoding=encoding, newline=""), delimiter),
    ".tsv": lambda path, encoding, _: _DelimitedWriter(path.open("w", encoding=encoding, newline=""), "\t"),
    ".jsonl": lambda path, *_: _JsonlWriter(path),
    ".parquet": lambda path, *_: _ParquetWriter(path),
    ".xlsx": lambda path, *_: _XlsxWriter(path),
}
