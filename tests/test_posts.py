"""Batches in and out: what comes back, and how faults are named. All rows are invented."""

import datetime as dt
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from classifier.errors import InputError
from classifier.posts import FORMATS, FileFault, read_batch, write_batch

TRICKY = ["=1+1", "nói 'a', \"b\"; c\td", "dòng một\ndòng hai", "đẹp quá 😂", "  cách  ", "NaN", "007", "#N/A"]
ROWS = pd.DataFrame({"post_id": [f"p{n}" for n in range(len(TRICKY))], "text": TRICKY, "ghi chú, lớp": ["9B"] * len(TRICKY)}, dtype=object)


def save(frame: pd.DataFrame, path: Path) -> Path:
    with write_batch(path) as writer:
        writer.write(frame)
    return path


def load(path: Path, chunk_size: int = 3) -> pd.DataFrame:
    batch = read_batch(path, chunk_size)
    frame = pd.concat(batch.chunks, ignore_index=True)
    assert list(frame.columns) == batch.columns
    return frame


def copy(source: Path, target: Path) -> Path:
    with write_batch(target) as writer:
        for chunk in read_batch(source, 3).chunks:
            writer.write(chunk)
    return target


def values(frame: pd.DataFrame) -> list[list[Any]]:
    return frame.astype(object).to_numpy().tolist()


def put(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(InputError) as caught:
        act()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("source", FORMATS)
@pytest.mark.parametrize("target", FORMATS)
def test_text_rows_come_through_every_pair_of_formats(tmp_path: Path, source: str, target: str) -> None:
    copied = load(copy(save(ROWS, tmp_path / f"in{source}"), tmp_path / f"out{target}"))
    assert list(copied.columns) == list(ROWS.columns)
    assert values(copied) == values(ROWS)


@pytest.mark.parametrize("ending", FORMATS)
def test_rows_come_in_chunks_in_order(tmp_path: Path, ending: str) -> None:
    path = save(pd.DataFrame({"text": [f"bài {n}" for n in range(7)]}, dtype=object), tmp_path / f"posts{ending}")
    chunks = list(read_batch(path, 3).chunks)
    assert [len(chunk) for chunk in chunks] == [3, 3, 1]
    assert [text for chunk in chunks for text in chunk["text"]] == [f"bài {n}" for n in range(7)]


def test_jsonl_keeps_nested_values_types_and_missing_keys(tmp_path: Path) -> None:
    rows = [{"text": "một", "n": 1, "tags": ["a", {"b": None}]}, {"n": None, "f": 0.5}, {"text": "ba", "ok": True}]
    source = put(tmp_path / "in.jsonl", "\n".join(map(json.dumps, rows)))
    copied = copy(source, tmp_path / "out.jsonl")
    assert [json.loads(line) for line in copied.read_text(encoding="utf-8").splitlines()] == rows
    assert read_batch(source, 2).columns == ["text", "n", "tags", "f", "ok"]


def test_parquet_keeps_types_and_nulls(tmp_path: Path) -> None:
    moment = dt.datetime(2024, 1, 2, 3, 4, 5)
    table = pa.table(
        {
            "text": ["một", None],
            "n": pa.array([1, None], pa.int32()),
            "at": pa.array([moment, None], pa.timestamp("us")),
            "day": pa.array([moment.date(), None]),
            "tags": [["a", "b"], None],
            "who": [{"x": 1}, None],
            "ok": [True, None],
        }
    )
    pq.write_table(table, tmp_path / "in.parquet")
    assert pq.read_table(copy(tmp_path / "in.parquet", tmp_path / "out.parquet")).equals(table)
    for ending in FORMATS:
        assert len(load(copy(tmp_path / "in.parquet", tmp_path / f"other{ending}"))) in (1, 2)


def test_xlsx_keeps_dates_numbers_and_blanks(tmp_path: Path) -> None:
    rows = [["text", "at", "n", "f", "ok"], ["một", dt.datetime(2024, 1, 2, 3, 4, 5), 7, 0.25, True], [None] * 5, ["ba", None, -1, None, False]]
    book = openpyxl.Workbook()
    for row in [*rows, [None] * 5]:
        book.active.append(row)
    book.save(tmp_path / "in.xlsx")
    copied = openpyxl.load_workbook(copy(tmp_path / "in.xlsx", tmp_path / "out.xlsx")).worksheets[0]
    assert [list(row) for row in copied.iter_rows(values_only=True)] == rows


def test_xlsx_with_a_wrong_stated_size_is_read_whole(tmp_path: Path) -> None:
    source = openpyxl.load_workbook(save(ROWS, tmp_path / "in.xlsx"))
    source.save(tmp_path / "plain.xlsx")
    with zipfile.ZipFile(tmp_path / "plain.xlsx") as whole, zipfile.ZipFile(tmp_path / "wrong.xlsx", "w") as wrong:
        for name in whole.namelist():
            wrong.writestr(name, whole.read(name).replace(b'<dimension ref="A1:C9"', b'<dimension ref="A1:A1"'))
    assert openpyxl.load_workbook(tmp_path / "wrong.xlsx", read_only=True).worksheets[0].max_row == 1
    assert values(load(tmp_path / "wrong.xlsx")) == values(ROWS)


def test_text_that_looks_like_a_formula_stays_text_in_xlsx(tmp_path: Path) -> None:
    sheet = openpyxl.load_workbook(save(pd.DataFrame({"=x": ["=1+1", "=HYPERLINK(1)"]}, dtype=object), tmp_path / "out.xlsx")).worksheets[0]
    assert [(cell.value, cell.data_type) for cell in sheet["A"]] == [("=x", "s"), ("=1+1", "s"), ("=HYPERLINK(1)", "s")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_csv_is_read_however_a_spreadsheet_saves_it(tmp_path: Path, encoding: str, delimiter: str, line_end: str) -> None:
    lines = [["post_id", "lời"], ["p1", "đường về"], ["p2", '"hai\ndòng"']]
    path = put(tmp_path / "posts.csv", line_end.join(delimiter.join(line) for line in lines).encode(encoding))
    frame = load(path)
    assert list(frame.columns) == ["post_id", "lời"]
    assert values(frame) == [["p1", "đường về"], ["p2", "hai\ndòng"]]


def test_a_dash_means_csv_on_stdin_and_stdout(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    class Stdin:
        buffer = io.BytesIO("text,n\nđẹp,1\n".encode())

    monkeypatch.setattr("sys.stdin", Stdin)
    copy("-", "-")  # type: ignore[arg-type]
    assert capfd.readouterr().out == "text,n\nđẹp,1\n"


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("a.csv", b"", ["empty", "header row"]),
        ("a.xlsx", b"", ["empty", "header row"]),
        ("a.txt", b"text\n", ["'.txt'", ".csv", ".xlsx"]),
        ("a", b"text\n", ["no ending", ".csv"]),
        ("a.csv", b"text\nm\xe9t\n", ["line 2", "not UTF-8", "0xe9", "CSV UTF-8"]),
        ("a.jsonl", b'{"text": "a"}\n{"text": "\xe9"}\n', ["line 2", "not UTF-8", "0xe9"]),
        ("a.csv", b"id,text\n1,a\n2,b,c\n", ["line 3", "3 fields", "has 2", "quote"]),
        ("a.tsv", b"id\ttext\n1\n", ["line 2", "1 fields", "has 2"]),
        ("a.csv", b"id,text,id\n1,a,2\n", ["'id'", "more than once", "rename"]),
        ("a.csv", b'id,text\n1,"a\n2,b\n', ["line 3", "quotes"]),
        ("a.csv", b'id,text\n1,"a" b\n', ["line 2", "quotes"]),
        ("a.jsonl", b'{"a": 1}\n{"a": 1, "a": 2}\n', ["line 2", "'a'", "more than once", "rename"]),
        ("a.jsonl", b'{"a": 1}\n{"a": \n', ["line 2", "not valid JSON", "one object a line"]),
        ("a.jsonl", b'{"a": 1}\n[1]\n', ["line 2", "list", "one object a line"]),
        ("a.jsonl", b"\n\n", ["no posts", "one JSON object a line"]),
        ("a.parquet", b"PAR1 and no more", ["not a readable parquet", "export it again"]),
        ("a.xlsx", b"PK\x03\x04 and no more", ["not a readable xlsx", "export it again"]),
    ],
)
def test_a_bad_file_is_refused_with_place_value_and_remedy(tmp_path: Path, name: str, content: bytes, named: list[str]) -> None:
    path = put(tmp_path / name, content)
    message = refusal(lambda: load(path))
    assert message.startswith(f"{path}: ")
    assert all(part in message for part in named), message


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert refusal(lambda: read_batch(tmp_path / "a.csv", 3)) == f"{tmp_path / 'a.csv'}: no such file; check the path"


def test_repeated_parquet_columns_and_values_beyond_an_xlsx_header_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["id", "id"]), tmp_path / "a.parquet")
    assert "column 'id' appears more than once" in refusal(lambda: load(tmp_path / "a.parquet"))
    book = openpyxl.Workbook()
    book.active.append(["text"])
    book.active.append(["một", "hai"])
    book.save(tmp_path / "a.xlsx")
    assert "row 2 has a value beyond the last named column" in refusal(lambda: load(tmp_path / "a.xlsx"))


@pytest.mark.parametrize("ending", FORMATS)
def test_a_target_that_cannot_be_written_is_refused(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"folder{ending}").mkdir()
    file = put(tmp_path / "file", "x")
    assert "is a folder" in refusal(lambda: save(ROWS, tmp_path / f"folder{ending}"))
    for target in (file / f"out{ending}", tmp_path / "nowhere" / f"out{ending}"):
        message = refusal(lambda target=target: save(ROWS, target))  # type: ignore[misc]
        assert message.startswith(f"{target}: can't be written")
        assert "choose a folder" in message
    assert "unknown format '.doc'" in refusal(lambda: save(ROWS, tmp_path / "out.doc"))


@pytest.mark.parametrize("ending", FORMATS)
def test_an_error_while_writing_leaves_the_folder_as_it_was(tmp_path: Path, ending: str) -> None:
    source = put(tmp_path / "in.csv", "id,text\n1,a\n2,b\n3,c\n4\n")
    refusal(lambda: copy(source, tmp_path / f"out{ending}"))
    assert list(tmp_path.iterdir()) == [source]
    before = put(tmp_path / f"out{ending}", "what was there")
    refusal(lambda: copy(source, before))
    assert before.read_text() == "what was there"
    assert set(tmp_path.iterdir()) == {source, before}


@pytest.mark.parametrize("ending", FORMATS)
def test_lone_surrogates_and_control_characters_can_be_written(tmp_path: Path, ending: str) -> None:
    texts = ["a\ud800b", "\udc00", "a\x00\x01\x0b\x1f\x7f\x85b", "\u2028\ufeff\ufffe\uffff", "a\x1bb"]
    copied = load(save(pd.DataFrame({"text": texts}, dtype=object), tmp_path / f"out{ending}"))
    assert len(copied) == len(texts)
    assert copied["text"][0] in ("a\ud800b", "a\ufffdb")


FORMULAS = ["=1+1", "+84 và", "-cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\n=1", "＝1+1"]
HARMLESS = ["-3", "+84123", "-2,5", "1=1", "chào", "", "'=1"]


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".xlsx"])
def test_what_a_spreadsheet_could_run_gets_an_apostrophe_where_asked_for(tmp_path: Path, ending: str) -> None:
    rows = pd.DataFrame({"=lời": FORMULAS + HARMLESS, "n": range(-1, len(FORMULAS + HARMLESS) - 1)}, dtype=object)
    with write_batch(tmp_path / f"safe{ending}", spreadsheet_safe=True) as writer:
        writer.write(rows)
    frame = load(tmp_path / f"safe{ending}", 50)
    assert list(frame.columns) == ["'=lời", "n"]
    shown = ["" if value is None else value for value in frame.iloc[:, 0]]
    assert shown == [f"'{text}" for text in FORMULAS] + HARMLESS
    assert [int(n) for n in frame["n"]] == list(rows["n"])


def test_a_safe_csv_opens_with_its_accents_and_in_its_own_delimiter(tmp_path: Path) -> None:
    source = read_batch(put(tmp_path / "in.csv", "text;n\nđẹp, quá;1\n"), 3)
    with write_batch(tmp_path / "out.csv", spreadsheet_safe=True, delimiter=source.delimiter) as writer:
        for chunk in source.chunks:
            writer.write(chunk)
    assert (tmp_path / "out.csv").read_bytes() == "\ufefftext;n\nđẹp, quá;1\n".encode()


def test_formats_without_formulas_keep_every_text_as_it_is(tmp_path: Path) -> None:
    for ending in (".jsonl", ".parquet"):
        with write_batch(tmp_path / f"out{ending}", spreadsheet_safe=True) as writer:
            writer.write(pd.DataFrame({"text": FORMULAS}, dtype=object))
        assert load(tmp_path / f"out{ending}", 50)["text"].tolist() == FORMULAS


def test_a_fault_says_in_data_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileFault) as caught:
        load(put(tmp_path / "a.csv", "id,text\n1,a\n2,b,c\n"))
    assert (caught.value.key, caught.value.details) == ("ragged", {"line": 3, "fields": 3, "columns": 2})


def test_a_header_of_very_many_columns_is_read_at_once(tmp_path: Path) -> None:
    names = [f"c{n}" for n in range(200_000)]
    assert read_batch(put(tmp_path / "a.csv", ",".join(names) + "\n"), 3).columns == names


def test_a_sheet_that_numbers_its_rows_into_the_billions_is_damaged(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["text"])
    book.active.append(["một"])
    book.save(tmp_path / "plain.xlsx")
    with zipfile.ZipFile(tmp_path / "plain.xlsx") as plain, zipfile.ZipFile(tmp_path / "far.xlsx", "w") as far:
        for name in plain.namelist():
            far.writestr(name, plain.read(name).replace(b'<row r="2"', b'<row r="9000000000"'))
    assert "more than 1,048,576 rows" in refusal(lambda: load(tmp_path / "far.xlsx"))
