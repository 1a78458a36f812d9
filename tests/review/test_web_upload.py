"""The upload pages: a file in, the scored file out, and a clear answer to every file that is at fault."""

import io
import logging
import re
import threading
import zipfile
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import openpyxl
import pandas as pd
import pytest
from sqlalchemy import text as sql
from web_client import Pages, WordModerator, running

from classifier.params import Params
from classifier.prediction import SCORE_COLUMNS
from classifier.review.store import Database, Role
from classifier.review.web.texts import load_texts

FAULTS = {key.removeprefix("upload.faults."): text for key, text in load_texts("vi").items() if key.startswith("upload.faults.")}
ROWS = 'post_id,text\np1,đồ ngu 0912345678\np2,"=1+1, lạ"\np3,mai học gì\n'


@pytest.fixture
def pages(database: Database, tmp_path: Path, params: Params, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    with running(database, tmp_path, params, monkeypatch) as started:
        yield started


def workbook(rows: list[list[Any]]) -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    for row in book.active.iter_rows():
        for cell in row:
            cell.data_type = "s" if isinstance(cell.value, str) else cell.data_type
    book.save(file)
    return file.getvalue()


PLAIN = workbook([["text"], ["một"]])


def changed(added: dict[str, bytes] | None = None, change: Callable[[str, bytes], bytes] = lambda name, part: part) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(PLAIN)) as plain, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name in plain.namelist():
            target.writestr(name, change(name, plain.read(name)))
        for name, part in (added or {}).items():
            target.writestr(name, part)
    return file.getvalue()


def in_part(name: str, old: bytes, new: bytes) -> bytes:
    changed_file = changed(change=lambda part, content: content.replace(old, new) if part == name else content)
    assert changed_file != PLAIN
    return changed_file


def counted(database: Database, table: str) -> int:
    with database.reading() as connection:
        return connection.execute(sql(f"SELECT count(*) FROM {table}")).scalar_one()


def test_a_csv_comes_back_scored_and_safe_for_spreadsheets(pages: Pages) -> None:
    visitor = pages.visitor()
    address = visitor.scored(ROWS, "bài viết; lớp 9.csv")
    result = visitor.get(f"{address}/result")
    kind, name = result.headers["content-disposition"].split("; ", 1)
    assert (kind, unquote(name)) == ("attachment", "filename*=utf-8''bài viết_ lớp 9.scored.csv")
    frame = pd.read_csv(io.BytesIO(result.content), dtype=str, keep_default_na=False, encoding="utf-8-sig")
    assert list(frame.columns) == ["post_id", "text", *SCORE_COLUMNS]
    assert frame["text"].tolist() == ["đồ ngu 0912345678", "'=1+1, lạ", "mai học gì"]
    assert frame["decision"].tolist() == ["flag", "review", "clear"]
    page = visitor.get(address).text
    assert "Đã chấm xong" in page
    assert "3 bài" in page


def test_a_workbook_comes_back_with_its_types_and_no_formula(pages: Pages) -> None:
    visitor = pages.visitor()
    address = visitor.scored(workbook([["text", "n"], ["=1+1 ngu", -7], ["@ai", 2]]), "a.xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(visitor.get(f"{address}/result").content)).active
    assert [[cell.value for cell in row[:3]] for row in sheet.iter_rows()] == [
        ["text", "n", "decision"],
        ["'=1+1 ngu", -7, "flag"],
        ["'@ai", 2, "clear"],
    ]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "inlineStr", "n"}


def test_a_csv_keeps_the_delimiter_that_its_owners_spreadsheet_uses(pages: Pages) -> None:
    visitor = pages.visitor()
    lines = visitor.get(visitor.scored("id;text\n1;chào, bạn\n") + "/result").content.decode("utf-8-sig").splitlines()
    assert [line.split(";")[:3] for line in lines] == [["id", "text", "decision"], ["1", "chào, bạn", "clear"]]


def test_utf16_is_taken(pages: Pages) -> None:
    visitor = pages.visitor()
    assert "đẹp trời" in visitor.get(visitor.scored("text\nđẹp trời\n".encode("utf-16")) + "/result").content.decode()


def test_only_the_scored_file_stays_and_nobody_else_on_the_machine_can_read_it(pages: Pages) -> None:
    address = pages.visitor().scored(ROWS)
    assert pages.files() == [f"{address.rsplit('/', 1)[1]}.scored.csv"]
    folder = pages.project / "data" / "uploads"
    assert [path.stat().st_mode & 0o077 for path in (folder, *folder.iterdir())] == [0, 0]


def test_the_column_can_be_chosen_where_the_file_calls_it_otherwise(pages: Pages) -> None:
    visitor = pages.visitor()
    address = visitor.upload("mã,nội dung\n7,đồ ngu 0912345678\n").headers["location"]
    page = visitor.get(address).text
    assert "Bài đăng nằm ở cột nào?" in page
    assert "nội dung" in page
    assert "0912345678" not in page
    for wrong in ("", "2", "-1", "x", "99999999999"):
        assert visitor.post(f"{address}/column", column=wrong).status_code == 422
    assert visitor.post(f"{address}/column", column="1").status_code == 303
    visitor.wait(address)
    assert ",flag," in visitor.get(f"{address}/result").text


def test_posts_for_people_go_into_the_queue_masked_and_once(pages: Pages) -> None:
    visitor = pages.visitor()
    assert "2 bài mới" in visitor.get(visitor.scored(ROWS, queue="1")).text
    with pages.database.reading() as connection:
        texts = connection.execute(sql("SELECT text FROM items")).scalars().all()
    assert {text.strip() for text in texts} == {"đồ ngu maskphone", "=1+1, lạ"}
    assert "đã được đưa vào hàng đợi trước đây" in visitor.get(visitor.scored(ROWS, "lần hai.csv", queue="1")).text
    assert counted(pages.database, "items") == 2


def test_without_the_tick_nothing_goes_into_the_queue(pages: Pages) -> None:
    visitor = pages.visitor()
    assert "Không đưa bài nào vào hàng đợi" in visitor.get(visitor.scored(ROWS)).text
    assert counted(pages.database, "items") == 0


ENTITIES = b'<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><worksheet'
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # where the store hardly matters
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


@SQLITE
@pytest.mark.parametrize(
    ("name", "content", "status", "fault"),
    [
        ("", b"", 422, "no_file"),
        ("a.csv", b"", 422, "empty"),
        ("a.xlsx", b"", 422, "empty"),
        ("a.csv", b"text\n", 422, "no_rows"),
        ("a.exe", b"MZ" + bytes(99), 415, "ending"),
        ("a.xlsm", PLAIN, 415, "ending"),
        ("a", b"text\na\n", 415, "no_ending"),
        ("a.csv", b"MZ" + bytes(99), 415, "not_csv"),
        ("a.csv", PLAIN, 415, "not_csv"),
        ("a.csv", "text\nđẹp\n".encode("utf-16-le"), 415, "not_csv"),
        ("a.xlsx", b"MZ" + bytes(99), 415, "not_xlsx"),
        ("a.xlsx", PLAIN[:300], 415, "not_xlsx"),
        ("a.xlsx", in_part("[Content_Types].xml", b"spreadsheetml.sheet.main", b"wordprocessingml.document.main"), 415, "not_xlsx"),
        ("a.xlsx", in_part("[Content_Types].xml", b"/xl/workbook.xml", b"/xl/media/workbook.xml"), 415, "not_xlsx"),
        ("a.xlsx", OLE, 415, "locked"),
        ("a.xlsx", changed({"xl/vbaProject.bin": b"x"}), 415, "macros"),
        ("a.xlsx", changed({"xl/macrosheets/sheet1.xml": b"x"}), 415, "macros"),
        (
            "a.xlsx",
            in_part("[Content_Types].xml", b"openxmlformats-officedocument.spreadsheetml.sheet.main", b"ms-excel.sheet.macroEnabled.main"),
            415,
            "macros",
        ),
        ("a.xlsx", changed({"xl/media/image1.png": bytes(30_000_000)}), 413, "bomb"),
        ("a.xlsx", changed({"xl/styles2.xml": bytes(17_000_000)}), 413, "bomb"),
        ("a.xlsx", changed({f"xl/media/{n}": b"" for n in range(2001)}), 413, "bomb"),
        ("a.xlsx", in_part("xl/worksheets/sheet1.xml", b"<worksheet", ENTITIES), 422, "damaged"),
        ("a.xlsx", in_part("[Content_Types].xml", b"<Types", ENTITIES.replace(b"worksheet", b"Types")), 415, "not_xlsx"),
        ("a.csv", b"text\nm\xd2a h\xec\n", 422, "encoding"),
        ("a.csv", b'text\n"a\n', 422, "quotes"),
        ("a.csv", b"text,a\n1,2\n1\n", 422, "ragged"),
        ("a.csv", b"text,text\n1,2\n", 422, "repeated"),
        ("a.csv", b"text,,\n1,2,3\n", 422, "unnamed"),
        ("a.csv", b"text,decision\n1,2\n", 422, "scored"),
        ("a.csv", ",".join(f"c{n}" for n in range(300_000)).encode() + b"\n", 422, "columns"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_at_fault_is_refused_in_plain_words_and_leaves_nothing(pages: Pages, name: str, content: bytes, status: int, fault: str) -> None:
    answer = pages.visitor().upload(content, name)
    assert answer.status_code == status
    alert = answer.text.split('role="alert"', 1)[1].split(">", 1)[1].split("<", 1)[0]
    assert re.fullmatch(re.sub(r"\\{\w+\\}", "[^{}]+", re.escape(FAULTS[fault])), unescape(alert)), alert
    assert 'name="file"' in answer.text
    assert pages.files() == []
    assert counted(pages.database, "uploads") == 0


def test_what_is_too_large_is_refused_however_it_is_announced(
    database: Database, tmp_path: Path, params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(database, tmp_path, params, monkeypatch, upload_megabytes=0.05) as pages:
        visitor = pages.visitor()
        for content in (b"text\n" + b"a b c\n" * 10_000, b"text\n" + b"a b c\n" * 100_000):
            answer = visitor.upload(content)
            assert answer.status_code == 413
            assert "lớn quá 0.05 MB" in answer.text
        assert pages.files() == []


def test_a_fault_deep_in_a_workbook_is_told_on_its_page(pages: Pages) -> None:
    visitor = pages.visitor()
    address = visitor.scored(workbook([["text"], *[["mai học gì"]] * 700, ["a", "ngoài bảng"]]), "a.xlsx")
    assert "Hàng 702 có giá trị nằm ngoài" in visitor.get(address).text
    assert visitor.get(f"{address}/result").status_code == 404
    assert pages.files() == []


def test_an_upload_is_its_owners_alone(pages: Pages) -> None:
    owner, other, reviewer = pages.visitor(), pages.visitor(Role.ADMIN), pages.visitor(Role.REVIEWER)
    address = owner.scored(ROWS)
    for path in (address, f"{address}/result"):
        assert other.get(path).status_code == 404
        assert reviewer.get(path).status_code == 403
    assert "Không có tệp này" in other.get(address).text
    assert reviewer.upload(ROWS).status_code == 403


@SQLITE
@pytest.mark.parametrize("upload_id", ["x", "..%2F..%2Fparams.yaml", "0" * 32, "'; DROP TABLE uploads; --"])
def test_an_address_that_is_no_upload_leads_nowhere(pages: Pages, upload_id: str) -> None:
    assert pages.visitor().get(f"/upload/{upload_id}/result").status_code == 404


@SQLITE
@pytest.mark.parametrize("token", ["", "ü", "0" * 43])
def test_a_form_from_elsewhere_uploads_nothing(pages: Pages, token: str) -> None:
    visitor = pages.visitor()
    assert visitor.http.post("/upload", data={"csrf": token}, files={"file": ("a.csv", b"text\na\n")}).status_code == 403
    assert visitor.http.post("/upload", files={"file": ("a.csv", b"text\na\n")}).status_code == 403
    assert pages.files() == []


def test_a_malformed_form_is_refused(pages: Pages) -> None:
    visitor = pages.visitor()
    for kind in ("multipart/form-data; boundary=x", "multipart/form-data"):
        assert visitor.http.post("/upload", content=b"garbage", headers={"content-type": kind}).status_code == 400
    assert visitor.post("/upload", file="a.csv").status_code == 422


@SQLITE
@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>.csv", "../../params.csv", "C:\\a\\b.csv", "a\u202ecsv.exe.csv", "x" * 500 + ".csv", '"; x=".csv']
)
def test_a_file_name_means_nothing_to_page_disk_or_header(pages: Pages, name: str) -> None:
    visitor = pages.visitor()
    address = visitor.scored(ROWS, name)
    page = visitor.get("/upload").text
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert pages.files() == [f"{address.rsplit('/', 1)[1]}.scored.csv"]
    header = unquote(visitor.get(f"{address}/result").headers["content-disposition"])
    assert header.startswith("attachment; filename")
    assert ".scored.csv" in header
    assert not {"/", "\\", "\n", "\u202e"} & set(header)


def test_a_file_that_waited_when_the_server_stopped_has_failed(
    database: Database, tmp_path: Path, params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(database, tmp_path, params, monkeypatch) as pages:
        address = pages.visitor().upload("other\na\n").headers["location"]
        assert len(pages.files()) == 1
    with running(database, tmp_path, params, monkeypatch) as pages:
        assert pages.files() == []
        visitor = pages.visitor(name="ai_do")
        with database.writing() as connection:
            connection.execute(sql("UPDATE uploads SET user_id = (SELECT id FROM users WHERE name = 'ai_do')"))
        assert "Máy chủ khởi động lại khi đang chấm" in visitor.get(address).text


def test_files_go_when_their_time_is_over(database: Database, tmp_path: Path, params: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    hours = params.review.upload_hours
    with running(database, tmp_path, params, monkeypatch) as pages:
        pages.visitor().scored(ROWS)
    with running(database, tmp_path, params, monkeypatch) as pages:
        assert len(pages.files()) == 1
    with database.writing() as connection:
        connection.execute(sql(f"UPDATE uploads SET created_at = created_at - {hours * 3600}"))
    with running(database, tmp_path, params, monkeypatch) as pages:
        assert pages.files() == []
    assert counted(database, "uploads") == 0


def test_a_failure_of_the_program_is_told_and_no_post_reaches_the_log(
    pages: Pages, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(self: WordModerator, texts: list[str]) -> pd.DataFrame:
        raise ValueError(f"broke on {texts[0]}")

    monkeypatch.setattr(WordModerator, "score", fail)
    visitor = pages.visitor()
    with caplog.at_level(logging.DEBUG):
        assert "Chương trình gặp lỗi khi chấm tệp này" in visitor.get(visitor.scored("text\nchuyện riêng\n")).text
    assert "ValueError" in caplog.text
    assert "chuyện riêng" not in caplog.text
    monkeypatch.undo()


def test_the_page_counts_along_and_one_person_cannot_fill_the_line(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, score = threading.Semaphore(0), WordModerator.score

    def slowly(self: WordModerator, texts: list[str]) -> pd.DataFrame:
        go_on.acquire()
        return score(self, texts)

    monkeypatch.setattr(WordModerator, "score", slowly)
    visitor = pages.visitor()
    address = visitor.upload("text\n" + "mai học gì\n" * 300).headers["location"]
    go_on.release()
    while "Đã chấm 250 trên 300 bài" not in (page := visitor.get(address)).text:
        assert "refresh" in page.headers
    others = [visitor.upload(ROWS).status_code for _ in range(5)]
    assert others == [303, 303, 303, 303, 429]
    go_on.release(20)
    assert "300 bài" in visitor.wait(address).text


def test_the_pages_speak_the_users_language(pages: Pages) -> None:
    visitor = pages.visitor(language="en")
    assert "The file is empty" in visitor.upload(b"", "a.csv").text
    assert "3 posts" in visitor.get(visitor.scored(ROWS)).text
