"""Batches of posts in, chunk by chunk: csv, tsv, jsonl, parquet, xlsx, and csv on stdin."""

import csv
import io
import json
import re
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any
from xml.etree.ElementTree import ParseError

import pandas as pd

from classifier.errors import InputError
from classifier.posts.formats import MOST_ROWS, SKIPPED, STDIO, FileFault, format_of

_LARGEST_FIELD = 256 * 1024 * 1024


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
    delimiter : str
        What divides the fields of a csv.
    """

    name: str
    columns: list[str]
    chunks: Iterator[pd.DataFrame]
    delimiter: str = ","


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
        If the file is missing, empty, damaged, of an unknown format or encoding, or has repeated column names. Faults
        further down are raised when their chunk is read.
    """
    if str(source) == STDIO:
        if sys.stdin is None:
            raise InputError("stdin: is closed; pipe a csv into the command or name a file")
        return _read_delimited(sys.stdin.buffer, "stdin", None, chunk_size)
    path = Path(source)
    reader = {".csv": _read_text, ".tsv": _read_text, ".jsonl": _read_jsonl, ".parquet": _read_parquet, ".xlsx": _read_xlsx}.get(format_of(path))
    try:
        if path.is_dir():
            raise InputError(f"{path}: is a folder; name a file")
        if not path.is_file():
            raise InputError(f"{path}: no such file; check the path")
        if path.stat().st_size == 0:
            raise _empty(str(path))
        return reader(path, chunk_size)  # type: ignore[misc]
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror or error}); check its permissions") from error


def _read_text(path: Path, chunk_size: int) -> Batch:
    return _read_delimited(path.open("rb"), str(path), "\t" if path.suffix.lower() == ".tsv" else None, chunk_size)


def _read_delimited(stream: IO[bytes], name: str, delimiter: str | None, chunk_size: int) -> Batch:
    csv.field_size_limit(_LARGEST_FIELD)
    lines, delimiter = _decoded_lines(stream, name, delimiter)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    rows = _numbered_rows(reader, name)
    header = next(rows, None)
    if header is None:
        raise _empty(name)
    columns = _checked_columns([column.strip() for column in header[1]], name)
    return Batch(name, columns, _frames((_fitting(row, columns, line, name) for line, row in rows), columns, chunk_size), delimiter)


def _empty(name: str, what: str = "the file") -> FileFault:
    return FileFault(f"{name}: {what} is empty; it needs a header row and posts", "empty")


def _decoded_lines(stream: Any, name: str, delimiter: str | None) -> tuple[Iterator[str], str]:
    """Decode UTF-8 (with or without a byte order mark) or UTF-16, and see which sign divides the fields."""
    stream = stream if hasattr(stream, "peek") else io.BufferedReader(stream)
    utf16 = stream.peek(2)[:2] in (b"\xff\xfe", b"\xfe\xff")
    lines = _utf16_lines(stream, name) if utf16 else _utf8_lines(stream, name)
    first = next(lines, "")
    return chain([first], lines), delimiter or _delimiter(first)


def _delimiter(header: str) -> str:
    """Excel writes semicolons where commas are decimal signs, as in Viet Nam."""
    unquoted = re.sub(r'"[^"]*"', "", header)
    return max((",", ";", "\t"), key=unquoted.count)


def _utf16_lines(stream: IO[bytes], name: str) -> Iterator[str]:
    try:
        yield from io.TextIOWrapper(stream, encoding="utf-16", newline="")
    except UnicodeDecodeError as error:
        message = f"{name}: not valid UTF-16 ({error.reason}); save the file as 'CSV UTF-8' and try again"
        raise FileFault(message, "encoding", line=1) from None


def _utf8_lines(lines: Iterator[bytes], name: str) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            message = (
                f"{name}: line {number} is not UTF-8 (byte 0x{line[error.start]:02x}); save the file as UTF-8 ('CSV UTF-8' in Excel) and try again"
            )
            raise FileFault(message, "encoding", line=number) from None


def _numbered_rows(reader: Any, name: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with their line numbers; blank lines are no rows, unless there is one column only and posts follow."""
    blank: list[int] = []
    single = False
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            message = f"{name}: line {reader.line_num} can't be parsed ({error}); check the quotes up to there"
            raise FileFault(message, "quotes", line=reader.line_num) from None
        if not row:
            blank.append(reader.line_num)
            continue
        if single:
            yield from ((line, [""]) for line in blank)
        blank.clear()
        yield reader.line_num, row
        single = len(row) == 1


def _checked_columns(columns: list[str], name: str) -> list[str]:
    counts = Counter(columns)
    repeated = sorted(column for column, count in counts.items() if count > 1)
    if repeated == [""]:
        raise FileFault(f"{name}: {counts['']} columns of the header have no name; name them", "unnamed", columns=counts[""])
    if repeated:
        raise FileFault(f"{name}: column {repeated[0]!r} appears more than once in the header; rename one", "repeated", column=repeated[0])
    return columns


def _fitting(row: list[str], columns: list[str], line: int, name: str) -> list[str]:
    if len(row) != len(columns):
        message = f"{name}: line {line} has {len(row)} fields, the header has {len(columns)}; quote fields that hold the delimiter"
        raise FileFault(message, "ragged", line=line, fields=len(row), columns=len(columns))
    return row


def _frames(rows: Iterator[Sequence[Any]], columns: list[str], chunk_size: int) -> Iterator[pd.DataFrame]:
    while chunk := list(islice(rows, chunk_size)):
        yield pd.DataFrame(chunk, columns=columns, dtype=object)


def _read_jsonl(path: Path, chunk_size: int) -> Batch:
    columns = list(dict.fromkeys(key for row in _json_rows(path) for key in row))
    if not columns:
        raise InputError(f"{path}: the file holds no posts; it needs one JSON object a line")
    rows = ([row.get(column, SKIPPED) for column in columns] for row in _json_rows(path))
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
    except (ValueError, RecursionError) as error:  # ValueError: also a number of thousands of digits
        raise InputError(
            f"{path}: line {number} is not valid JSON ({getattr(error, 'msg', 'nested too deep or a number too long')}); one object a line is needed"
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


def _damaged(path: Path, kind: str, error: Exception) -> FileFault:
    reason = str(error).splitlines()[0][:100] if str(error) else type(error).__name__
    return FileFault(f"{path}: not a readable {kind} file ({reason}); export it again", "damaged")


_XLSX_FAULTS = (zipfile.BadZipFile, zlib.error, KeyError, ValueError, TypeError, ParseError, EOFError, AttributeError, IndexError)


def _read_xlsx(path: Path, chunk_size: int) -> Batch:
    import openpyxl

    try:
        sheet = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False).worksheets[0]
        sheet.reset_dimensions()  # exports often state wrong ones
        rows = sheet.iter_rows(values_only=True)
        header = list(next(rows, ()))
    except _XLSX_FAULTS as error:
        raise _damaged(path, "xlsx", error) from None
    while header and header[-1] is None:
        header.pop()
    if not header:
        raise _empty(str(path), "the first sheet")
    columns = _checked_columns(["" if cell is None else str(cell).strip() for cell in header], str(path))
    return Batch(str(path), columns, _frames(_xlsx_rows(rows, columns, path), columns, chunk_size))


def _xlsx_rows(rows: Iterator[tuple[Any, ...]], columns: list[str], path: Path) -> Iterator[list[Any]]:
    blank = 0  # blank rows count only when a filled one follows: sheets often end in formatted blanks
    for number, cells in enumerate(_sound_rows(rows, path), 2):
        if any(cell is not None for cell in cells[len(columns) :]):
            message = f"{path}: row {number} has a value beyond the last named column; name that column or clear the cell"
            raise FileFault(message, "beyond", line=number)
        if all(cell is None for cell in cells):
            blank += 1
            continue
        yield from ([None] * len(columns) for _ in range(blank))
        blank = 0
        yield [*cells[: len(columns)], *[None] * (len(columns) - len(cells))]


def _sound_rows(rows: Iterator[tuple[Any, ...]], path: Path) -> Iterator[tuple[Any, ...]]:
    """A sheet may number its rows as it likes, and each number left out becomes a row: beyond what Excel holds, it is damaged."""
    number = 1
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except _XLSX_FAULTS as error:
            raise _damaged(path, "xlsx", error) from None
        number += 1
        if number > MOST_ROWS:
            raise _damaged(path, "xlsx", ValueError(f"more than {MOST_ROWS:,} rows"))
        yield row
