"""The pages of login, queue, disputes, preferences and guidelines, in both databases: what people do there, and all they may send wrongly."""

import re
from collections.abc import Callable, Iterator
from html import unescape
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text as sql
from web_client import PASSWORD, Pages, Visitor, running

from classifier.attribution import Attribution
from classifier.errors import InputError
from classifier.params import Params
from classifier.review.passwords import check_password, hash_password
from classifier.review.store import Database, NewItem, Role, batches
from classifier.review.web import site as site_module
from classifier.review.web.app import build_app
from classifier.review.web.guards import HEADERS
from classifier.review.web.post_text import post_pieces
from classifier.review.web.security import safe_path, secret_key
from classifier.review.web.suggestions import SortedBy, suggest
from classifier.review.web.texts import load_texts
from classifier.taxonomy import CATEGORIES, SLICES

WEB = Path(site_module.__file__).parent
SQL = "'; DROP TABLE decisions; --"
VIOLATION = {"category": "insult", "rationale": "gọi người là con vật", "confidence": "2"}
NOTHING = {"nothing": "1", "slice": "complaint"}


class Clock:
    """Stands still until it is moved on."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def start(database: Database, tmp_path: Path, params: Params, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Iterator[Callable[..., Pages]]:
    """Starts the application with some settings of the review changed; gold items come only where asked for."""
    opened = []

    def run(**review: Any) -> Pages:
        opened.append(running(database, tmp_path, params, monkeypatch, clock, **({"gold_share": 0.0} | review)))
        return opened[-1].__enter__()

    yield run
    for context in opened:
        context.__exit__(None, None, None)


@pytest.fixture
def pages(start: Callable[..., Pages]) -> Pages:
    return start()


@pytest.fixture
def fill(new_item: Callable[..., NewItem], queue: Callable[..., int]) -> Callable[..., None]:
    def add(*texts: str, **values: object) -> None:
        queue([new_item(text, **values) for text in texts])

    return add


@pytest.fixture
def rows(database: Database) -> Callable[[str], list[Any]]:
    def run(query: str) -> list[Any]:
        with database.reading() as connection:
            return [tuple(row) for row in connection.execute(sql(query))]

    return run


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, page
    return unescape(found[1])


def shown(page: str) -> str:
    """The post on a page, as people read it."""
    found = re.search(r'<article class="post.*?>(.*?)</article>', page, re.DOTALL)
    assert found, page
    return unescape(re.sub(r"<[^>]+>", "", found[1]))


def answer(visitor: Visitor, **fields: str) -> Any:
    """Take the next post and answer it."""
    return visitor.post("/answer", lease=hidden(visitor.get("/").text, "lease"), **fields)


def log_in(http: TestClient, name: str, password: str, **fields: str) -> Any:
    token = hidden(http.get("/login").text, "token")
    return http.post("/login", data={"token": token, "name": name, "password": password, "next": "/"} | fields)


@pytest.fixture
def stranger(pages: Pages) -> TestClient:
    return TestClient(pages.app, follow_redirects=False)


# Login and sessions


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(pages: Pages, stranger: TestClient) -> None:
    pages.visitor(Role.REVIEWER, name="mai")
    wrong, unknown = log_in(stranger, "mai", "không phải mật khẩu"), log_in(stranger, "ma1", "không phải mật khẩu")
    assert wrong.status_code == unknown.status_code == 401
    assert "Tên hoặc mật khẩu không đúng" in wrong.text
    assert re.sub('value="[^"]*"', "", wrong.text) == re.sub('value="[^"]*"', "", unknown.text)
    assert "session" not in stranger.cookies


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(pages: Pages, stranger: TestClient) -> None:
    pages.visitor(Role.REVIEWER, name="mai")
    cookie = next(value for value in log_in(stranger, "mai", PASSWORD).headers.get_list("set-cookie") if value.startswith("session="))
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip().lower() for part in cookie.split(";")}
    secure = TestClient(pages.app, base_url="https://testserver", follow_redirects=False)
    assert "; Secure" in next(value for value in log_in(secure, "mai", PASSWORD).headers.get_list("set-cookie") if value.startswith("session="))


def test_too_many_wrong_passwords_lock_that_name_for_a_while(pages: Pages, stranger: TestClient, params: Params, clock: Clock) -> None:
    pages.visitor(Role.REVIEWER, name="mai")
    pages.visitor(Role.REVIEWER, name="hoa")
    for _ in range(params.review.login_attempts):
        assert log_in(stranger, "mai", "sai").status_code == 401
    locked = log_in(stranger, "mai", PASSWORD)
    assert locked.status_code == 429 and "15 phút" in locked.text
    assert log_in(TestClient(pages.app, follow_redirects=False), "hoa", PASSWORD).status_code == 303
    clock.now += params.review.login_minutes * 60 + 1
    assert log_in(stranger, "mai", PASSWORD).status_code == 303


def test_a_right_password_starts_the_count_anew(pages: Pages, params: Params) -> None:
    pages.visitor(Role.REVIEWER, name="mai")
    for _ in range(3):
        http = TestClient(pages.app, follow_redirects=False)
        for _ in range(params.review.login_attempts - 1):
            assert log_in(http, "mai", "sai").status_code == 401
        assert log_in(http, "mai", PASSWORD).status_code == 303


def test_a_login_form_of_another_site_logs_nobody_in(pages: Pages, stranger: TestClient) -> None:
    pages.visitor(Role.REVIEWER, name="mai")
    other = hidden(TestClient(pages.app).get("/login").text, "token")
    for token in ("", "login.x", other):
        assert log_in(stranger, "mai", PASSWORD, token=token).status_code == 403
    assert "session" not in stranger.cookies


PATHS = ("/", "/answers/1", "/disputes", "/preferences", "/guidelines", "/upload", "/samples", "/dashboard", "/api", "/api/openapi.json")


def test_nothing_is_shown_without_a_session(stranger: TestClient) -> None:
    for path, cookie in product(PATHS, ("", "made-up", "made-up.signature")):
        stranger.cookies.set("session", cookie)
        refused = stranger.get(path)
        assert refused.status_code in (303, 401)
        assert refused.status_code == 401 or refused.headers["location"].startswith("/login")


def test_nothing_is_done_without_a_session(stranger: TestClient) -> None:
    for path in ("/answer", "/revise", "/skip", "/undo", "/release", "/disputes", "/preferences", "/logout"):
        refused = stranger.post(path, data={"lease": "1", **NOTHING})
        assert refused.status_code == 401 and "Cần đăng nhập" in refused.text


def test_static_files_need_no_session_and_may_be_kept(stranger: TestClient) -> None:
    for address in re.findall(r'/static/[^"]+', stranger.get("/login").text):
        served = stranger.get(address)
        assert served.status_code == 200 and "immutable" in served.headers["cache-control"]
    assert stranger.get("/static/../app.py").status_code == stranger.get("/static/%2e%2e/app.py").status_code == 404


def test_an_expired_session_gives_back_what_was_written(pages: Pages, fill: Callable[..., None], rows: Any, clock: Clock, params: Params) -> None:
    fill("bài một")
    mai = pages.visitor(Role.REVIEWER)
    fields = {"csrf": mai.csrf(), "lease": hidden(mai.get("/").text, "lease"), **VIOLATION}
    clock.now += params.review.session_hours * 3600 + 1
    refused = mai.http.post("/answer", data=fields)
    assert refused.status_code == 401
    assert "hết hạn" in refused.text and VIOLATION["rationale"] in refused.text
    assert rows("SELECT * FROM decisions") == []
    assert mai.get("/").headers["location"] == "/login?ended=1&next=%2F"


def test_after_logging_out_the_cookie_opens_nothing(pages: Pages) -> None:
    mai = pages.visitor(Role.REVIEWER)
    kept = mai.http.cookies["session"]
    assert mai.post("/logout").headers["location"] == "/login?left=1"
    mai.http.cookies.set("session", kept)
    assert mai.get("/preferences").status_code == 303


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/a\nb", ""])
def test_a_login_leads_nowhere_else(path: str) -> None:
    assert safe_path(path) == "/"


@pytest.mark.parametrize("path", ["/", "/samples?category=insult&page=2"])
def test_a_login_leads_back_to_the_page_asked_for(path: str) -> None:
    assert safe_path(path) == path


# Forms that can't be right


def test_a_missing_or_stale_csrf_token_changes_nothing(pages: Pages, fill: Callable[..., None], rows: Any) -> None:
    fill("bài một")
    mai, hoa = pages.visitor(Role.REVIEWER, name="mai"), pages.visitor(Role.REVIEWER, name="hoa")
    fields = {"lease": hidden(mai.get("/").text, "lease"), **VIOLATION}
    for token in ({}, {"csrf": ""}, {"csrf": "ế"}, {"csrf": hoa.csrf()}):
        refused = mai.http.post("/answer", data=fields | token)
        assert refused.status_code == 403 and "Trang đã cũ" in refused.text and VIOLATION["rationale"] in refused.text
    assert rows("SELECT * FROM decisions") == []


MALFORMED = [
    {"lease": ""},
    {"lease": "x"},
    {"lease": "-1"},
    {"lease": "²"},
    {"lease": "9" * 30},
    {"lease": SQL},
    {"category": "political"},
    {"category": SQL},
    {"slice": "insult"},
    {"slice": SQL},
    {"confidence": "0"},
    {"confidence": "4"},
    {"confidence": SQL},
]


def test_a_malformed_form_changes_nothing(pages: Pages, fill: Callable[..., None], rows: Any) -> None:
    fill("bài một")
    mai = pages.visitor(Role.REVIEWER)
    lease = hidden(mai.get("/").text, "lease")
    for wrong in MALFORMED:
        refused = mai.post("/answer", **({"lease": lease} | VIOLATION | wrong))
        assert refused.status_code == 422, wrong
        assert "Không hiểu điều vừa gửi" in refused.text and VIOLATION["rationale"] in refused.text, wrong
    assert rows("SELECT * FROM decisions") == []


BODIES = [
    (b"\xff\xfe%%%=&&&", "application/x-www-form-urlencoded", 403),
    (b"nonsense", "multipart/form-data; boundary=x", 400),
    (b"--x", "multipart/form-data", 400),
    (b"&".join(b"a=1" for _ in range(2000)), "application/x-www-form-urlencoded", 400),
    (b"a=" + b"1" * 1_100_000, "application/x-www-form-urlencoded", 413),
    (b'{"lease": 1}', "application/json", 403),
]


def test_a_body_that_is_no_form_gets_a_clear_answer(pages: Pages) -> None:
    mai = pages.visitor(Role.REVIEWER)
    for content, kind, status in BODIES:
        refused = mai.http.post("/answer", content=content, headers={"content-type": kind})
        assert refused.status_code == status, (content[:20], refused.status_code)
        assert "<h1>" in refused.text


UNFINISHED = [
    ({}, "Chưa chọn mục nào"),
    ({"rationale": "lý do trơ trọi"}, "Chưa chọn mục nào"),
    (VIOLATION | {"nothing": "1"}, "Chỉ giữ một bên"),
    ({"category": "insult"}, "cần một câu lý do"),
    ({"category": "insult", "rationale": " \r\n "}, "cần một câu lý do"),
    ({"nothing": "1", "rationale": "dài " * 600}, "dài quá 2000 ký tự"),
]


def test_an_unfinished_answer_comes_back_as_filled_in(pages: Pages, fill: Callable[..., None], rows: Any) -> None:
    fill("bài một")
    mai = pages.visitor(Role.REVIEWER)
    for fields, problem in UNFINISHED:
        page = answer(mai, **fields)
        assert page.status_code == 422 and problem in page.text and shown(page.text) == "bài một", problem
        assert fields.get("rationale", "").strip() in page.text
        assert ('value="insult" aria-keyshortcuts="1" checked' in page.text) == ("category" in fields)
    assert rows("SELECT * FROM decisions") == []
    assert mai.post("/answer", lease=hidden(page.text, "lease"), **VIOLATION).status_code == 303


def test_sql_in_every_field_stays_text(pages: Pages, fill: Callable[..., None], rows: Any) -> None:
    fill(SQL)
    stranger = TestClient(pages.app, follow_redirects=False)
    assert log_in(stranger, SQL, SQL).status_code == 401
    mai = pages.visitor(Role.REVIEWER)
    assert shown(mai.get("/").text) == SQL
    assert answer(mai, category="insult", rationale=SQL, slice="").status_code == 303
    assert rows("SELECT rationale FROM decisions") == [(SQL,)]
    for path in (f"/answers/{SQL}", f"/{SQL}"):
        assert mai.get(path).status_code in (404, 422)
    assert mai.get(f"/login?next={SQL}").status_code == 303


def test_signs_that_no_database_takes_do_no_harm(pages: Pages, fill: Callable[..., None], rows: Any) -> None:
    fill("bài một", "bài hai", "bài ba")
    mai = pages.visitor(Role.REVIEWER)
    for number, sign in enumerate(("\0", "\ud800", "\u202e"), 1):
        form = f"csrf={mai.csrf()}&lease={hidden(mai.get('/').text, 'lease')}&category=insult&rationale="
        written = "".join(f"%{byte:02x}" for byte in f"lý{sign}do".encode("utf-8", "surrogatepass"))
        assert mai.http.post("/answer", content=form + written, headers={"content-type": "application/x-www-form-urlencoded"}).status_code == 303
        assert len(rows("SELECT * FROM decisions")) == number


# Leases


def test_an_answer_after_the_lease_has_expired_is_refused_and_given_back(
    pages: Pages, fill: Callable[..., None], rows: Any, clock: Clock, params: Params
) -> None:
    fill("bài một")
    mai = pages.visitor(Role.REVIEWER)
    lease = hidden(mai.get("/").text, "lease")
    clock.now += params.review.lease_minutes * 60 + 1
    refused = mai.post("/answer", lease=lease, **VIOLATION)
    assert refused.status_code == 409 and "không còn được giữ" in refused.text and VIOLATION["rationale"] in refused.text
    assert rows("SELECT * FROM decisions") == []


def test_an_answer_on_the_lease_of_another_is_refused(pages: Pages, fill: Callable[..., None], rows: Any) -> None:
    fill("bài một")
    mai, hoa = pages.visitor(Role.REVIEWER, name="mai"), pages.visitor(Role.ADJUDICATOR, name="hoa")
    lease = hidden(mai.get("/").text, "lease")
    for path in ("/answer", "/revise", "/disputes"):
        assert hoa.post(path, lease=lease, **NOTHING).status_code == 409
    assert rows("SELECT * FROM decisions") == []
    hoa.post("/skip", lease=lease)
    assert mai.post("/answer", lease=lease, **NOTHING).status_code == 303


def test_a_double_submit_counts_once(pages: Pages, fill: Callable[..., None], rows: Any) -> None:
    fill("bài một")
    mai = pages.visitor(Role.REVIEWER)
    lease = hidden(mai.get("/").text, "lease")
    assert mai.post("/answer", lease=lease, **VIOLATION).status_code == 303
    second = mai.post("/answer", lease=lease, **NOTHING)
    assert second.status_code == 409 and "đã được ghi" in second.text
    assert rows("SELECT categories FROM decisions") == [("insult",)]


def test_two_people_never_have_the_same_post(pages: Pages, fill: Callable[..., None]) -> None:
    fill("bài một", "bài hai")
    mai, hoa = pages.visitor(Role.REVIEWER, name="mai"), pages.visitor(Role.REVIEWER, name="hoa")
    assert [shown(visitor.get("/").text) for visitor in (mai, hoa, mai)] == ["bài một", "bài hai", "bài một"]


def test_a_closed_page_frees_its_post_but_a_reloaded_one_does_not(pages: Pages, fill: Callable[..., None]) -> None:
    fill("bài một")
    mai, hoa = pages.visitor(Role.REVIEWER, name="mai"), pages.visitor(Role.REVIEWER, name="hoa")
    closed, reloaded = mai.get("/").text, mai.get("/").text
    lease = hidden(reloaded, "lease")
    marks = [re.search(r'data-mark="(\w+)"', page)[1] for page in (closed, reloaded)]
    assert mai.post("/release", lease=lease, mark=marks[0]).status_code == 204
    assert "Hết bài rồi" in hoa.get("/").text
    assert hoa.post("/release", lease=lease, mark=marks[1]).status_code == 204
    assert "Hết bài rồi" in hoa.get("/").text
    assert mai.post("/release", lease=lease, mark=marks[1]).status_code == 204
    assert shown(hoa.get("/").text) == "bài một"


def test_a_skipped_post_comes_last(pages: Pages, fill: Callable[..., None]) -> None:
    fill("bài một", "bài hai")
    mai = pages.visitor(Role.REVIEWER)
    assert mai.post("/skip", lease=hidden(mai.get("/").text, "lease"), next="/").headers["location"] == "/"
    assert shown(mai.get("/").text) == "bài hai"
    answer(mai, **NOTHING)
    assert shown(mai.get("/").text) == "bài một"


# The answer and what follows


def test_the_suggestion_is_hidden_until_the_answer(pages: Pages, fill: Callable[..., None], rows: Any) -> None:
    fill("bài một", probability=dict.fromkeys(CATEGORIES, 0.4321))
    mai = pages.visitor(Role.REVIEWER)
    assert "43 %" not in mai.get("/").text and mai.get("/answers/1").status_code == 404
    told = answer(mai, **VIOLATION)
    page = mai.get(told.headers["location"]).text
    assert "43 %" in page and "có thể" in page and VIOLATION["rationale"] in page and "khá chắc" in page
    assert rows("SELECT kind, categories, confidence, informed FROM decisions") == [("answer", "insult", 2, False)]
    assert pages.visitor(Role.REVIEWER, name="khac").get(told.headers["location"]).status_code == 404


def test_without_blinding_the_suggestion_stands_beside_the_post_and_the_answer_says_so(
    start: Callable[..., Pages], fill: Callable[..., None], rows: Any
) -> None:
    pages = start(blind=False)
    fill("bài một")
    mai = pages.visitor(Role.REVIEWER)
    assert "Máy nghĩ gì" in mai.get("/").text
    assert answer(mai, **NOTHING).headers["location"] == "/"
    assert [bool(informed) for (informed,) in rows("SELECT informed FROM decisions")] == [True]


def test_a_changed_mind_is_recorded_beside_the_first_answer(pages: Pages, fill: Callable[..., None], rows: Any) -> None:
    fill("bài một")
    mai = pages.visitor(Role.REVIEWER)
    address = answer(mai, **VIOLATION).headers["location"]
    lease = hidden(mai.get(address).text, "lease")
    unfinished = mai.post("/revise", lease=lease, category="ethics")
    assert unfinished.status_code == 422 and "cần một câu lý do" in unfinished.text and '<details class="change" open>' in unfinished.text
    assert mai.post("/revise", lease=lease, **NOTHING).headers["location"] == "/"
    assert rows("SELECT kind, categories, slice FROM decisions ORDER BY id") == [("answer", "insult", ""), ("revision", "", "complaint")]
    assert mai.post("/revise", lease=lease, **VIOLATION).status_code == 409
    assert "/revise" not in mai.get(address).text


def test_undo_is_a_decision_of_its_own_and_brings_the_post_back(pages: Pages, fill: Callable[..., None], rows: Any) -> None:
    fill("bài một", "bài hai")
    mai = pages.visitor(Role.REVIEWER)
    assert mai.post("/undo").status_code == 409
    answer(mai, **NOTHING)
    assert shown(mai.get("/").text) == "bài hai"
    assert mai.post("/undo").headers["location"] == "/"
    assert shown(mai.get("/").text) == "bài một"
    assert rows("SELECT kind FROM decisions ORDER BY id") == [("answer",), ("undo",)]


def test_personal_data_in_a_reason_is_masked(pages: Pages, fill: Callable[..., None], rows: Any) -> None:
    fill("bài một")
    mai = pages.visitor(Role.REVIEWER)
    address = answer(mai, category="unlawful", rationale="công khai số 0951 234 567 của người khác").headers["location"]
    assert rows("SELECT rationale FROM decisions") == [("công khai số maskphone của người khác",)]
    assert '<span class="masked">số điện thoại</span>' in mai.get(address).text


def test_a_slice_beside_a_violation_is_left_out(pages: Pages, fill: Callable[..., None], rows: Any) -> None:
    fill("bài một")
    assert answer(pages.visitor(Role.REVIEWER), **VIOLATION, slice="help").status_code == 303
    assert rows("SELECT slice FROM decisions") == [("",)]


@pytest.mark.parametrize(("fields", "feedback"), [(NOTHING, "Đúng như đáp án"), (VIOLATION, "Đáp án của bài này: không vi phạm")])
def test_a_gold_item_looks_like_any_other_until_it_is_answered(
    start: Callable[..., Pages], new_item: Callable[..., NewItem], database: Database, fields: dict[str, str], feedback: str
) -> None:
    pages = start(gold_share=1.0)
    with database.writing() as connection:
        batches.add_gold(connection, 0.0, [new_item("bài có đáp án")], [frozenset()])
    mai = pages.visitor(Role.REVIEWER)
    page = mai.get("/").text
    assert shown(page) == "bài có đáp án" and "gold" not in page and "đáp án." not in page
    told = mai.get(answer(mai, **fields).headers["location"]).text
    assert feedback in told and "/revise" not in told


def test_a_pause_is_proposed_once_after_so_many_answers(start: Callable[..., Pages], fill: Callable[..., None]) -> None:
    pages = start(pause_after=2)
    fill("một", "hai", "ba", "bốn", "năm")
    mai = pages.visitor(Role.REVIEWER)
    assert "còn 2 bài nữa" in mai.get("/").text
    for _ in range(2):
        answer(mai, **NOTHING)
    assert "Nghỉ một chút" in mai.get("/").text and "Nghỉ một chút" in mai.get("/").text
    assert shown(mai.get("/?paused=2").text) == "ba"
    assert shown(mai.get("/").text) == "ba"
    for _ in range(2):
        answer(mai, **NOTHING)
    assert "đã duyệt 4 bài" in mai.get("/").text


def test_the_day_is_counted_as_it_goes_in_viet_nam(pages: Pages, fill: Callable[..., None], clock: Clock) -> None:
    fill("một", "hai", "ba")
    clock.now = 1_800_000_000 // 86400 * 86400 + 17 * 3600 - 60.0  # a minute before midnight there
    mai = pages.visitor(Role.REVIEWER)
    answer(mai, **NOTHING)
    assert "Hôm nay: 1 bài" in mai.get("/").text
    clock.now += 120
    assert "Hôm nay: 0 bài" in mai.get("/").text


def test_an_empty_queue_says_so_kindly(pages: Pages) -> None:
    assert "Hết bài rồi" in pages.visitor(Role.REVIEWER).get("/").text


# Disputes


@pytest.fixture
def dispute(pages: Pages, fill: Callable[..., None]) -> None:
    fill("bài một", needed=2)
    answer(pages.visitor(Role.REVIEWER, "mai"), **VIOLATION)
    answer(pages.visitor(Role.ADJUDICATOR, "hoa"), **NOTHING)


@pytest.mark.usefixtures("dispute")
def test_an_adjudicator_sees_both_answers_without_names_and_decides(pages: Pages, rows: Any) -> None:
    lan = pages.visitor(Role.ADJUDICATOR, "lan")
    page = lan.get("/disputes").text
    assert shown(page) == "bài một" and VIOLATION["rationale"] in page and "khiếu nại, tố cáo" in page
    assert "Ý kiến 1" in page and "Ý kiến 2" in page and "mai" not in re.findall(r"\w+", page) and "hoa" not in re.findall(r"\w+", page)
    lease = hidden(page, "lease")
    assert lan.post("/disputes", lease=lease, category="insult").status_code == 422
    assert lan.post("/disputes", lease=lease, **VIOLATION).headers["location"] == "/disputes?done=1"
    assert lan.post("/disputes", lease=lease, **VIOLATION).status_code == 409
    assert rows("SELECT state FROM items") == [("settled",)]
    assert "Đã ghi quyết định" in lan.get("/disputes?done=1").text


@pytest.mark.usefixtures("dispute")
def test_nobody_adjudicates_their_own_answer(pages: Pages) -> None:
    hoa = Visitor(pages.app, "hoa")
    assert "Không còn bài nào chưa thống nhất" in hoa.get("/disputes").text


@pytest.mark.usefixtures("dispute")
def test_a_reviewer_neither_sees_nor_settles_disputes(pages: Pages, rows: Any) -> None:
    mai = Visitor(pages.app, "mai")
    refused = mai.get("/disputes")
    assert refused.status_code == 403 and "Không có quyền" in refused.text
    assert mai.post("/disputes", lease="1", **VIOLATION).status_code == 403
    assert rows("SELECT state FROM items") == [("disputed",)]


MODERATORS = (Role.MODERATOR, Role.ADMIN)  # they see suggestions for posts still to be decided, so they don't decide
LINKS = {"/": (Role.REVIEWER, Role.ADJUDICATOR), "/disputes": (Role.ADJUDICATOR,)} | dict.fromkeys(("/upload", "/samples", "/dashboard"), MODERATORS)


@pytest.mark.parametrize("role", Role)
def test_the_navigation_shows_what_a_role_may_use(pages: Pages, role: Role) -> None:
    visitor = pages.visitor(role)
    page = visitor.get("/preferences").text
    for path, roles in LINKS.items():
        may = role in roles
        assert (f'<li><a href="{path}"' in page) == may, path
        assert visitor.get(path).status_code == (200 if may else 303 if path == "/" else 403)


@pytest.mark.parametrize("role", MODERATORS)
def test_who_sees_suggestions_decides_nothing(pages: Pages, role: Role) -> None:
    assert pages.visitor(role).post("/answer", lease="1", **VIOLATION).status_code == 403


# What is shown


def test_a_script_in_a_post_is_shown_as_text(pages: Pages, fill: Callable[..., None]) -> None:
    post = "<script>alert(1)</script><img src=x onerror=alert(1)> </textarea>\"' {{ 7 * 7 }}"
    fill(post)
    mai = pages.visitor(Role.REVIEWER)
    before = mai.get("/")
    after = mai.get(answer(mai, category="insult", rationale=post).headers["location"])
    for page in (before, after):
        assert shown(page.text) == post and "<script>alert" not in page.text and "<img src=x" not in page.text
        assert "script-src 'self'" in page.headers["content-security-policy"] and "unsafe" not in page.headers["content-security-policy"]
        assert not re.search(r"<[^>]+\s(style|on\w+)=", page.text)


def test_a_post_of_100_000_characters_is_shown_whole(pages: Pages, fill: Callable[..., None]) -> None:
    post = "chữ " * 24_999 + "hết!"
    fill(post)
    mai = pages.visitor(Role.REVIEWER)
    assert shown(mai.get("/").text) == post
    assert shown(mai.get(answer(mai, **NOTHING).headers["location"]).text) == post


def test_control_and_direction_marks_are_left_out_and_lines_kept() -> None:
    assert post_pieces("một\u202eđảo\r\n\r\nhai\x07") == [("mộtđảo\n\nhai", False)]


def test_every_answer_carries_the_guards_headers(pages: Pages, stranger: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    mai = pages.visitor(Role.REVIEWER)
    monkeypatch.setattr(site_module.Site, "translate", lambda *_: 1 / 0)
    broken = TestClient(pages.app, raise_server_exceptions=False, cookies=mai.http.cookies).get("/api")
    assert broken.status_code == 500 and "Chương trình gặp lỗi" in broken.text
    for answered in (broken, stranger.get("/"), stranger.get("/nowhere"), stranger.get("/login"), mai.get("/")):
        assert {name: answered.headers.get(name) for name in HEADERS} == HEADERS
        assert answered.headers["cache-control"] == "no-store"


def test_a_wrong_address_gets_a_page(pages: Pages, stranger: TestClient) -> None:
    for http, (method, path, status) in product(
        (pages.visitor(Role.REVIEWER).http, stranger), (("GET", "/nowhere", 404), ("GET", "/answer", 405), ("PUT", "/", 405), ("GET", "/docs", 404))
    ):
        refused = http.request(method, path)
        assert refused.status_code == status and "<h1>Không" in refused.text


def test_the_language_can_be_switched_before_and_after_the_login(pages: Pages, stranger: TestClient) -> None:
    mai = pages.visitor(Role.REVIEWER, name="mai")
    assert mai.post("/language", language="en", next="/preferences").headers["location"] == "/preferences"
    assert "Preferences" in mai.get("/preferences").text
    assert mai.post("/language", language="xx").status_code == 422
    assert mai.http.post("/language", data={"language": "vi"}).status_code == 403
    token = hidden(stranger.get("/login").text, "token")
    assert stranger.post("/language", data={"language": "en"}).status_code == 403
    stranger.post("/language", data={"language": "en", "token": token})
    assert "User name" in stranger.get("/login").text


def test_posts_are_blurred_where_somebody_wants_that(pages: Pages, fill: Callable[..., None]) -> None:
    fill("bài một")
    mai = pages.visitor(Role.REVIEWER)
    assert "blurred" not in mai.get("/").text
    assert mai.post("/preferences", language="vi", blurred="1").status_code == 303
    assert 'class="post blurred"' in mai.get("/").text
    mai.post("/preferences", language="vi")
    assert "blurred" not in mai.get("/").text


def test_the_guidelines_are_shown_with_anchors_and_without_html_of_their_own(pages: Pages) -> None:
    mai = pages.visitor(Role.REVIEWER)
    assert "Không tìm thấy" in mai.get("/guidelines").text
    path = pages.project / "docs" / "huong-dan-gan-nhan.md"
    path.parent.mkdir()
    path.write_text("# Tên\n\n[đến](#1-gắn-nhãn)\n\n## 1. Gắn nhãn?\n\n| a | b |\n|---|---|\n| <b>x</b> | y |\n", encoding="utf-8")
    page = mai.get("/guidelines").text
    assert '<h2 id="1-gắn-nhãn">' in page and "<td>&lt;b&gt;x&lt;/b&gt;</td>" in page


def test_every_key_is_shown_and_announced(pages: Pages, fill: Callable[..., None]) -> None:
    fill("bài một")
    page = pages.visitor(Role.REVIEWER).get("/").text
    for key in "1 2 3 4 0 P Q W E R Enter S U H ?".split():
        assert f'aria-keyshortcuts="{key}"' in page and f"<kbd>{key}</kbd>" in page


def test_every_field_has_a_label(pages: Pages, fill: Callable[..., None]) -> None:
    fill("bài một")
    mai = pages.visitor(Role.REVIEWER)
    for path in ("/", "/preferences"):
        page = mai.get(path).text
        for field in re.findall(r'<(?:input|select|textarea) [^>]*id="([^"]+)"', page):
            assert f'for="{field}"' in page or re.search(rf'<label[^>]*>\s*<input [^>]*id="{field}"', page), field


# Words


def test_both_languages_have_the_same_words() -> None:
    vietnamese, english = load_texts("vi"), load_texts("en")
    assert vietnamese.keys() == english.keys()
    for key in vietnamese:
        assert set(re.findall(r"{\w+}", vietnamese[key])) == set(re.findall(r"{\w+}", english[key])), key


def test_every_word_that_a_page_asks_for_is_there() -> None:
    words = load_texts("vi")
    for path in (WEB / "templates").glob("*.html"):
        for key in re.findall(r"""\bt\(["']([\w.]+)["'][,)]""", path.read_text(encoding="utf-8")):
            assert key in words, f"{path.name}: {key}"
    assert {f"names.{name}" for name in (*CATEGORIES, *SLICES, "clear", "review", "flag")} <= words.keys()
    assert {f"problems.{name}" for name in ("nothing", "both", "rationale", "too_long")} <= words.keys()


# The model's suggestion


class TwoWords:
    """A model to which `bò` speaks for an insult and `thương` against."""

    version = "two words"

    def attribution(self, text: str) -> Attribution:
        words = text.split()
        weights = np.array([[{"bò": 2.0, "thương": -0.5}.get(word, 0.1), 0, 0, 0] for word in words])
        starts = [text.index(word) for word in words]
        return Attribution(words, weights, [(start, start + len(word)) for start, word in zip(starts, words, strict=True)])

    def score(self, texts: list[str]) -> pd.DataFrame:
        scored = {f"p_{category}": 0.02 for category in CATEGORIES} | {f"route_{category}": "clear" for category in CATEGORIES}
        return pd.DataFrame([scored | {"p_insult": 0.9, "route_insult": "flag"}] * len(texts))


def test_words_are_marked_by_how_much_they_speak_for_or_against() -> None:
    first = suggest(TwoWords(), "đồ con bò mà thương").opinions[0]  # type: ignore[arg-type]
    assert (first.category, first.route, first.likelihood) == ("insult", "flag", 4)
    assert [(piece.text, piece.strength) for piece in first.marked if piece.strength] == [("bò", 3), ("thương", -1)]
    assert "".join(piece.text for piece in first.marked) == "đồ con bò mà thương"


def test_the_probabilities_are_those_the_post_was_sorted_by() -> None:
    sorted_by = SortedBy("an earlier model", dict.fromkeys(CATEGORIES, 0.3), dict.fromkeys(CATEGORIES, "review"))
    told = suggest(TwoWords(), "con bò", sorted_by)  # type: ignore[arg-type]
    assert {opinion.probability for opinion in told.opinions} == {0.3} and told.explained and told.other_model
    assert not suggest(TwoWords(), "con bò", sorted_by._replace(version=TwoWords.version)).other_model  # type: ignore[arg-type]
    assert not suggest(None, "con bò", sorted_by).explained


def test_no_words_are_marked_for_what_is_all_but_ruled_out() -> None:
    sorted_by = SortedBy(TwoWords.version, dict.fromkeys(CATEGORIES, 0.02), dict.fromkeys(CATEGORIES, "clear"))
    told = suggest(TwoWords(), "con bò", sorted_by)  # type: ignore[arg-type]
    assert told.explained and not any(opinion.marked for opinion in told.opinions)


# Keys and passwords


def test_the_key_of_the_cookies_is_made_once_and_only_ours_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLASSIFIER_SECRET_KEY", raising=False)
    made = secret_key(tmp_path)
    assert len(made) >= 32 and secret_key(tmp_path) == made
    assert (tmp_path / "data" / "review.key").stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("CLASSIFIER_SECRET_KEY", "x" * 32)
    assert secret_key(tmp_path) == "x" * 32
    monkeypatch.setenv("CLASSIFIER_SECRET_KEY", "short")
    with pytest.raises(InputError, match="5 characters"):
        secret_key(tmp_path)


def test_a_session_of_another_key_opens_nothing(pages: Pages, database: Database, params: Params, tmp_path: Path) -> None:
    mai = pages.visitor(Role.REVIEWER)
    (tmp_path / "other" / "data").mkdir(parents=True)
    other = TestClient(build_app(database, tmp_path, tmp_path / "other", params), follow_redirects=False, cookies=mai.http.cookies)
    assert other.get("/").headers["location"].startswith("/login?ended=1")


def test_passwords_hold_in_whatever_form_the_keyboard_sends_them() -> None:
    stored = hash_password("mật khẩu đủ dài")
    assert stored.startswith("$argon2id$") and "mật" not in stored
    assert check_password("m\u00e2\u0323t kh\u00e2\u0309u đu\u0309 da\u0300i", stored)
    assert not check_password("mật khẩu đủ dà", stored)
    assert not check_password("mật khẩu đủ dài", None) and not check_password("mật khẩu đủ dài", "no hash")
    assert not check_password("x" * 1_000_000, stored)


@pytest.mark.parametrize("password", ["", "ngắn quá", "x" * 257])
def test_a_password_too_short_or_too_long_is_refused(password: str) -> None:
    with pytest.raises(InputError, match=f"has {len(password)} characters"):
        hash_password(password)
