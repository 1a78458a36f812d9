"""Looks an uploaded file over before anything parses it: its size, its true kind, what it would unpack to, its columns."""

import re
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from classifier.posts import FileFault, read_batch
from classifier.prediction import SCORE_COLUMNS

ENDINGS = (".csv", ".xlsx")
MEGABYTE = 1_000_000
MOST_COLUMNS = 1000
_UNPACKED_FACTOR = 10
_DENSEST = 200
_DENSE_FROM = 10 * MEGABYTE
_MOST_PARTS = 2000
_MOST_WHOLE = 16 * MEGABYTE
_HEAD = 4096
_CHUNK = 5000
_LONGEST_SHOWN = 40
_OFFICE_1997 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NO_TEXT = (b"MZ", b"PK\x03\x04", b"\x7fELF", b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf", _OFFICE_1997)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_MAY_BE_LARGE = re.compile(r"xl/(?:worksheets/[^/]+\.xml|sharedStrings\.xml|(?:media|embeddings)/[^/]+)", re.IGNORECASE)
_MACROS = re.compile(r"vbaproject|/macrosheets/|/activex/", re.IGNORECASE)
_WORKBOOK = re.compile(r"application/vnd\.openxmlformats-officedocument\.spreadsheetml\.(?:sheet|template)\.main\+xml")
_CONTENT_TYPES = "[Content_Types].xml"


class UploadFault(Exception):
    """Why a file is not taken.

    Parameters
    ----------
    status : int
        HTTP status: 413 too large, 415 of another kind, 422 not to be scored.
    key : str
        Which fault; the words for it are below `upload.faults`.
    **details : str or int
    """

    def __init__(self, status: int, key: str, **details: str | int) -> None:
        super().__init__(key)
        self.status, self.key, self.details = status, key, details


def ending_of(name: str) -> str:
    """Return the ending of a file's name, in lower case.

    Raises
    ------
    UploadFault
        If it is none of `ENDINGS`.
    """
    ending = PurePosixPath(name).suffix.lower()
    if not ending:
        raise UploadFault(415, "no_ending")
    if ending not in ENDINGS:
        raise UploadFault(415, "ending", ending=_shortened(ending))
    return ending


def checked_columns(path: Path, most_bytes: int) -> list[str]:
    """Check an uploaded file and return its columns.

    Parameters
    ----------
    path : Path
        The file, its ending one of `ENDINGS`.
    most_bytes : int
        Largest size of an upload; a workbook may unpack to ten times as much.

    Returns
    -------
    list of str

    Raises
    ------
    UploadFault
        If it is empty, is not what its name says, holds macros, is locked, unpacks to too much, can't be read, or was scored before.
        All rows of a csv are looked at, of a workbook the first two: the others take as long to read as to score.
    """
    size = path.stat().st_size
    if size == 0:
        raise UploadFault(422, "empty")
    if size > most_bytes:
        raise UploadFault(413, "too_large", megabytes=f"{most_bytes / MEGABYTE:g}")
    if path.suffix == ".xlsx":
        _check_workbook(path, most_bytes * _UNPACKED_FACTOR)
    else:
        _check_text(path)
    return _readable_columns(path)


def count_rows(path: Path) -> int:
    """Return how many posts a file holds, having read them all.

    Raises
    ------
    UploadFault
        If one can't be read.
    """
    try:
        return sum(len(chunk) for chunk in read_batch(path, _CHUNK).chunks)
    except FileFault as fault:
        raise _of_file(fault) from None


def _readable_columns(path: Path) -> list[str]:
    try:
        batch = read_batch(path, 1)
        _check_header(batch.columns)
        if next(batch.chunks, None) is None:
            raise UploadFault(422, "no_rows")
    except FileFault as fault:
        raise _of_file(fault) from None
    if path.suffix == ".csv":
        count_rows(path)
    return batch.columns


def _check_header(columns: Sequence[str]) -> None:
    if len(columns) > MOST_COLUMNS:
        raise UploadFault(422, "columns", columns=len(columns), most=MOST_COLUMNS)
    taken = [column for column in SCORE_COLUMNS if column in columns]
    if taken:
        raise UploadFault(422, "scored", column=taken[0])


def _of_file(fault: FileFault) -> UploadFault:
    details = {key: _shortened(value) if isinstance(value, str) else value for key, value in fault.details.items()}
    return UploadFault(422, fault.key, **details)


def _shortened(text: str) -> str:
    """A file without a header has a post where a name should be."""
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"


def _check_text(path: Path) -> None:
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if head.startswith(_NO_TEXT) or (b"\0" in head and not head.startswith(_UTF16)):
        raise UploadFault(415, "not_csv")


def _check_workbook(path: Path, most_unpacked: int) -> None:
    with path.open("rb") as stream:
        if stream.read(len(_OFFICE_1997)) == _OFFICE_1997:
            raise UploadFault(415, "locked")
    try:
        with zipfile.ZipFile(path) as archive:
            _check_parts(archive.infolist(), most_unpacked)
            types = fromstring(archive.read(_CONTENT_TYPES))
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, ParseError, DefusedXmlException, EOFError, NotImplementedError, OSError):
        raise UploadFault(415, "not_xlsx") from None
    kinds = [(element.get("ContentType", ""), element.get("PartName", "").lstrip("/")) for element in types]
    if any("macroEnabled" in kind for kind, _ in kinds):
        raise UploadFault(415, "macros")
    workbooks = [part for kind, part in kinds if _WORKBOOK.fullmatch(kind)]
    if not workbooks or any(_MAY_BE_LARGE.fullmatch(part) for part in workbooks):
        raise UploadFault(415, "not_xlsx")


def _check_parts(parts: Sequence[zipfile.ZipInfo], most_unpacked: int) -> None:
    """Sizes as stated, since nothing beyond them is ever unpacked; what is read whole, not as a stream, has to be smaller."""
    if any(part.flag_bits & 1 for part in parts):
        raise UploadFault(415, "locked")
    if any(_MACROS.search(part.filename) for part in parts):
        raise UploadFault(415, "macros")
    whole = sum(part.file_size for part in parts if not _MAY_BE_LARGE.fullmatch(part.filename))
    if (
        len(parts) > _MOST_PARTS
        or sum(part.file_size for part in parts) > most_unpacked
        or whole > _MOST_WHOLE
        or any(part.file_size > _DENSE_FROM and part.file_size > _DENSEST * part.compress_size for part in parts)
    ):
        raise UploadFault(413, "bomb")
