"""Batches of posts in and out, chunk by chunk: csv, tsv, jsonl, parquet, xlsx, and csv over stdin and stdout."""

import csv
import json
import os
import re
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, Protocol
from xml.etree.ElementTree import ParseError

import pandas as pd

from classifier.errors import InputError

STDIO = "-"
FORMATS = (".csv", ".tsv", ".jsonl", ".parquet", ".xlsx")
_LARGEST_FIELD = 256 * 1024 * 1024
_LARGEST_CELL = 32_767
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_SKIPPED = pd.NA
"""Value of a key that a jsonl row does not have, so that it is not written either."""


@dataclass(frozen=True)
class Batch:
    """A batch that is read as it is iterated, so that memory does not grow with the file.

    Attributes
    ----------
    name : str
        The file's name, for messages.
    columns : list of str
        Names in the order of the file.
    chunks : iterator of pandas.DataFrame
        The rows in order, all columns as they are in the file; consumed once.
    """

    name: str
    columns: list[str]
    chunks: Iterator[pd.DataFrame]


def read_batch(source: str | Path, chunk_size: int) -> Batch:
    """Open a batch of posts.

    Parameters
    ----------
    source : str or Path
        A file whose ending is one of `FORMATS`, or `-` for csv on stdin.
    chunk_size : int
        Rows a chunk.

    Returns
    -------
    Batch

    Raises
    ------
    InputError
        If the file is missing, empty, damaged, of an unknown format or encoding, or has missing or repeated column
        names. Faults further down are raised when their chunk is read.
    """
    if str(source) == STDIO:
        return _read_delimited(sys.stdin.buffer, "stdin", None, chunk_size)
    path = Path(source)
    reader = {".csv": _read_text, ".tsv": _read_text, ".jsonl": _read_jsonl, ".parquet": _read_parquet, ".xlsx": _read_xlsx}.get(_format(path))
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty; it needs a header row and posts")
    try:
        return reader(path, chunk_size)  # type: ignore[misc]
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror or error}); check its permissions") from error


def _format(path: Path) -> str:
    ending = path.suffix.lower()
    if ending not in FORMATS:
        raise InputError(f"{path}: unknown format {ending or '(no ending)'!r}; use one of {', '.join(FORMATS)}, or - for csv on stdin/stdout")
    return ending


def _read_text(path: Path, chunk_size: int) -> Batch:
    return _read_delimited(path.open("rb"), str(path), "\t" if path.suffix.lower() == ".tsv" else None, chunk_size)


def _read_delimited(stream: IO[bytes], name: str, delimiter: str | None, chunk_size: int) -> Batch:
    csv.field_size_limit(_LARGEST_FIELD)
    lines, delimiter = _decoded_lines(stream, name, delimiter)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    rows = _numbered_rows(reader, name)
    header = next(rows, None)
    if header is None:
        raise InputError(f"{name}: the file is empty; it needs a header row and posts")
    columns = _checked_columns([column.strip() for column in header[1]], name)
    return Batch(name, columns, _frames((_fitting(row, columns, line, name) for line, row in rows), columns, chunk_size))


def _decoded_lines(stream: IO[bytes], name: str, delimiter: str | None) -> tuple[Iterator[str], str]:
    """Decode UTF-8 (with or without a byte order mark) or UTF-16, and see whether a csv uses commas or semicolons."""
    start = stream.readline()
    encoding = "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    if encoding == "utf-16":
        text = (start + stream.read()).decode("utf-16", errors="replace")
        lines = iter(text.splitlines(keepends=True))
    else:
        lines = _utf8_lines(chain([start], stream), name)
    first = next(lines, "")
    if delimiter is None:
        delimiter = next((sign for sign in (",", ";", "\t") if sign in first), ",")
    return chain([first], lines), delimiter


def _utf8_lines(lines: Iterator[bytes], name: str) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{name}: line {number} is not UTF-8 (byte 0x{line[error.start]:02x}); save the file as 'CSV UTF-8' and try again"
            ) from None


def _numbered_rows(reader: Any, name: str) -> Iterator[tuple[int, list[str]]]:
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(f"{name}: line {reader.line_num} can't be parsed ({error}); check its quotes") from None
        if row:
            yield reader.line_num, row


def _checked_columns(columns: list[str], name: str) -> list[str]:
    repeated = sorted({column for column in columns if columns.count(column) > 1})
    if repeated:
        raise InputError(f"{name}: column {repeated[0]!r} appears more than once in the header; rename one")
    return columns


def _fitting(row: list[str], columns: list[str], line: int, name: str) -> list[str]:
    if len(row) != len(columns):
        raise InputError(f"{name}: line {line} has {len(row)} fields, the header has {len(columns)}; quote fields that hold the delimiter")
    return row


def _frames(rows: Iterator[Sequence[Any]], columns: list[str], chunk_size: int) -> Iterator[pd.DataFrame]:
    while chunk := list(islice(rows, chunk_size)):
        yield pd.DataFrame(chunk, columns=columns, dtype=object)


def _read_jsonl(path: Path, chunk_size: int) -> Batch:
    columns = list(dict.fromkeys(key for row in _json_rows(path) for key in row))
    if not columns:
        raise InputError(f"{path}: the file holds no posts; it needs one JSON object a line")
    rows = ([row.get(column, _SKIPPED) for column in columns] for row in _json_rows(path))
    return Batch(str(path), columns, _frames(rows, columns, chunk_size))


def _json_rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as stream:
        for number, line in enumerate(_utf8_lines(stream, str(path)), 1):
            if line.strip():
                yield _json_object(line, number, path)


def _json_object(line: str, number: int, path: Path) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        row = dict(pairs)
        if len(row) < len(pairs):
            keys = [key for key, _ in pairs]
            raise InputError(f"{path}: line {number} has the key {next(k for k in keys if keys.count(k) > 1)!r} more than once; rename one")
        return row

    try:
        row = json.loads(line, object_pairs_hook=unique)
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(
            f"{path}: line {number} is not valid JSON ({getattr(error, 'msg', 'nested too deep')}); one object a line is needed"
        ) from None
    if not isinstance(row, dict):
        raise InputError(f"{path}: line {number} is a {type(row).__name__}, not an object; one object a line is needed")
    return row


def _read_parquet(path: Path, chunk_size: int) -> Batch:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except pa.ArrowException as error:
        raise _damaged(path, "parquet", error) from None
    columns = _checked_columns(list(file.schema_arrow.names), str(path))
    return Batch(str(path), columns, _parquet_frames(file, path, chunk_size))


def _parquet_frames(file: Any, path: Path, chunk_size: int) -> Iterator[pd.DataFrame]:
    import pyarrow as pa

    try:
        for record_batch in file.iter_batches(batch_size=chunk_size):
            yield record_batch.to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, "parquet", error) from None


def _damaged(path: Path, kind: str, error: Exception) -> InputError:
    reason = str(error).splitlines()[0][:100] if str(error) else type(error).__name__
    return InputError(f"{path}: not a readable {kind} file ({reason}); export it again")


_XLSX_FAULTS = (zipfile.BadZipFile, KeyError, ValueError, TypeError, ParseError, EOFError, AttributeError, IndexError)


def _read_xlsx(path: Path, chunk_size: int) -> Batch:
    import openpyxl

    try:
        sheet = openpyxl.load_workbook(path, read_only=True, data_only=True).worksheets[0]
        sheet.reset_dimensions()  # exports often state wrong ones
        rows = sheet.iter_rows(values_only=True)
        header = list(next(rows, ()))
    except _XLSX_FAULTS as error:
        raise _damaged(path, "xlsx", error) from None
    while header and header[-1] is None:
        header.pop()
    if not header:
        raise InputError(f"{path}: the first sheet is empty; it needs a header row and posts")
    columns = _checked_columns(["" if cell is None else str(cell).strip() for cell in header], str(path))
    return Batch(str(path), columns, _frames(_xlsx_rows(rows, columns, path), columns, chunk_size))


def _xlsx_rows(rows: Iterator[tuple[Any, ...]], columns: list[str], path: Path) -> Iterator[list[Any]]:
    pending: list[list[Any]] = []  # blank rows count only when a filled one follows: sheets often end in formatted blanks
    number = 1
    while True:
        try:
            row = list(next(rows))
        except StopIteration:
            return
        except _XLSX_FAULTS as error:
            raise _damaged(path, "xlsx", error) from None
        number += 1
        if any(cell is not None for cell in row[len(columns) :]):
            raise InputError(f"{path}: row {number} has a value beyond the last named column; name that column or clear the cell")
        row = (row + [None] * len(columns))[: len(columns)]
        pending.append(row)
        if any(cell is not None for cell in row):
            yield from pending
            pending.clear()


class Writer(Protocol):
    """Takes scored chunks and puts them into a file of one format."""

    def write(self, frame: pd.DataFrame) -> None:
        """Append the rows of a chunk."""

    def close(self) -> None:
        """Finish the file."""


@contextmanager
def write_batch(target: str | Path) -> Iterator[Writer]:
    """Open a file for scored chunks; it is written beside its name and moved into place when whole.

    Parameters
    ----------
    target : str or Path
        A file whose ending is one of `FORMATS`, or `-` for csv on stdout.

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
            yield _DelimitedWriter(stream, ",")
        return
    path = Path(target)
    make = _WRITERS[_format(path)]
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file to write")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise InputError(f"{path}: can't be written ({error.strerror}); choose a folder that exists and that you may write to") from None
    os.close(handle)
    part = Path(name)
    try:
        writer = make(part)
        yield writer
        writer.close()
        part.chmod(0o666 & ~_umask())
        part.replace(path)
    except OSError as error:
        raise InputError(f"{path}: can't be written ({error.strerror or error}); free some space or choose another folder") from error
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


class _DelimitedWriter:
    def __init__(self, stream: IO[str], delimiter: str) -> None:
        self._stream = stream
        self._writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
        self._started = False

    def write(self, frame: pd.DataFrame) -> None:
        if not self._started:
            self._writer.writerow([_plain(column) for column in frame.columns])
            self._started = True
        self._writer.writerows([_plain(value) for value in row] for row in frame.itertuples(index=False, name=None))
        self._stream.flush()

    def close(self) -> None:
        self._stream.close()


def _plain(value: Any) -> Any:
    """A value as a csv field: nothing for null, ISO for dates, JSON for nested values."""
    if isinstance(value, str):
        return _encodable(value)
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return "" if _is_null(value) else value


def _encodable(text: str) -> str:
    return _SURROGATE.sub("\ufffd", text)


def _is_null(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


class _JsonlWriter:
    def __init__(self, path: Path) -> None:
        self._stream = path.open("w", encoding="utf-8")

    def write(self, frame: pd.DataFrame) -> None:
        columns = list(frame.columns)
        for values in frame.itertuples(index=False, name=None):
            row = {column: _json_value(value) for column, value in zip(columns, values, strict=True) if value is not _SKIPPED}
            line = json.dumps(row, ensure_ascii=False, default=str)
            self._stream.write((line if _SURROGATE.search(line) is None else json.dumps(row, default=str)) + "\n")

    def close(self) -> None:
        self._stream.close()


def _json_value(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


class _ParquetWriter:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: Any = None

    def write(self, frame: pd.DataFrame) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.Table.from_pandas(frame.assign(**_texts(frame)), preserve_index=False)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, table.schema.remove_metadata())
        self._writer.write_table(table.replace_schema_metadata(None).cast(self._writer.schema))

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def _texts(frame: pd.DataFrame) -> dict[str, Any]:
    """Untyped columns (from csv, jsonl, xlsx) as text columns, so that all chunks have one schema."""
    untyped = [column for column in frame.columns if frame[column].dtype == object]
    return {column: pd.array([None if _is_null(v) else str(_plain(v)) for v in frame[column]], dtype="string") for column in untyped}


class _XlsxWriter:
    def __init__(self, path: Path) -> None:
        import openpyxl

        self._path = path
        self._book = openpyxl.Workbook(write_only=True)
        self._sheet = self._book.create_sheet("posts")
        self._started = False

    def write(self, frame: pd.DataFrame) -> None:
        if not self._started:
            self._sheet.freeze_panes = "A2"
            self._sheet.append([self._cell(column) for column in frame.columns])
            self._started = True
        for row in frame.itertuples(index=False, name=None):
            self._sheet.append([self._cell(value) for value in row])

    def _cell(self, value: Any) -> Any:
        from openpyxl.cell import WriteOnlyCell

        if isinstance(value, (datetime, date)) and getattr(value, "tzinfo", None) is None:
            return value
        value = _plain(value)
        if not isinstance(value, str):
            return None if value == "" else _json_value(value)
        cell = WriteOnlyCell(self._sheet, value=_NOT_IN_XML.sub("\ufffd", value)[:_LARGEST_CELL])
        cell.data_type = "s"  # text stays text: a post that begins with = is no formula
        return cell

    def close(self) -> None:
        self._book.save(self._path)


_WRITERS: dict[str, Any] = {
    ".csv": lambda path: _DelimitedWriter(path.open("w", encoding="utf-8", newline=""), ","),
    ".tsv": lambda path: _DelimitedWriter(path.open("w", encoding="utf-8", newline=""), "\t"),
    ".jsonl": _JsonlWriter,
    ".parquet": _ParquetWriter,
    ".xlsx": _XlsxWriter,
}
