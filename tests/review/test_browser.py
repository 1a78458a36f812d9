"""The review page in a real browser: what people do there by keyboard, on a phone, without JavaScript, and whether everybody can use it."""

import csv
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from live_server import PASSWORD, LiveServer, make_project, open_accounts, queue_posts
from sqlalchemy import text

from classifier.review.store import Answer, Database, Role, disputes, people, work

try:
    from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
except ImportError:
    sync_playwright = None  # type: ignore[assignment]

ROOT = Path(__file__).parents[2]
SCREENSHOTS = Path(os.environ.get("CLASSIFIER_SCREENSHOTS", ROOT / "build" / "screenshots"))
CHECKS = (Path(__file__).parent / "page_checks.js").read_text(encoding="utf-8")
PHONE, DESKTOP = {"width": 360, "height": 740}, {"width": 1280, "height": 800}
REASON = "gọi bạn cùng lớp là con vật"
FINE = Answer(frozenset(), "", 3, "")
LONG = "Kính gửi ban giám hiệu, phụ huynh lớp 7B xin trình bày việc thu quỹ đầu năm. " * 30
POSTS = [
    "Phụ huynh lớp 6A kể: cô chủ nhiệm đọc điểm từng em trước cả lớp rồi bảo “mấy đứa này dốt như bò”. Con tôi khóc suốt từ chiều, "
    "ai biết chuyện thì gọi maskphone giúp.",
    "<script>document.title = 'đổi'</script><img src=x onerror=\"document.title = 'đổi'\"> {{ 7 * 7 }}",
    LONG,
    "Căng tin bán cơm nguội mà tính ba mươi lăm nghìn một suất, mong nhà trường xem lại.",
]
PAGES = {
    Role.ADJUDICATOR: {"/disputes": 200, "/upload": 403},
    Role.ADMIN: {"/upload": 200, "/samples": 200, "/dashboard": 200, "/guidelines": 200, "/preferences": 200, "/api": 200, "/khong-co": 404},
}
"""By role: what they open, and the status that it has for them."""
_PATIENCE = 60_000
_NUMBERS = count(1)


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Debian's Chromium."""
    program = shutil.which("chromium")
    if sync_playwright is None or program is None:
        notice = "chromium or playwright is missing: the review page is not tested in a browser"
        if os.environ.get("CI_REQUIRES_BROWSER"):
            pytest.fail(f"{notice}, and CI_REQUIRES_BROWSER asks for it")
        pytest.skip(notice)
    expect.set_options(timeout=_PATIENCE)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path_factory.mktemp('store') / 'review.db'}")
    opened.upgrade()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def server(browser: "Browser", store: Database, small_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with LiveServer(make_project(tmp_path_factory.mktemp("served")), small_models, str(store)) as started:
        yield started


@pytest.fixture
def visit(browser: "Browser", server: LiveServer, store: Database) -> Iterator[Callable[..., "Page"]]:
    """Opens a window in which somebody of a role is logged in; nothing in it may complain."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def listen(page: "Page") -> None:
        def complain(message: Any) -> None:
            told_by_page = message.text.startswith("Failed to load resource") and message.location["url"] == page.url  # a page of an error
            if message.type in ("error", "warning") and not told_by_page:
                complaints.append(f"{page.url}: {message.text}")

        page.on("console", complain)
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))

    def open_window(role: Role | None = Role.REVIEWER, **options: Any) -> "Page":
        contexts.append(browser.new_context(base_url=server.url, locale="vi-VN", **({"viewport": DESKTOP} | options)))
        contexts[-1].set_default_timeout(_PATIENCE)
        contexts[-1].on("page", listen)
        page = contexts[-1].new_page()
        page.goto("/login")
        if role is not None:
            name = f"{role}{next(_NUMBERS)}"
            open_accounts(store, [name], role)
            page.get_by_label("Tên đăng nhập").fill(name)
            page.get_by_label("Mật khẩu").fill(PASSWORD)
            page.get_by_role("button", name="Đăng nhập").click()
            expect(page.locator("header.site")).to_be_visible()
        return page

    yield open_window
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def fill(store: Database) -> Iterator[Callable[..., None]]:
    """Queues posts for one person each, or more; what is left is decided by others in the end."""

    def add(*texts: str, needed: int = 1) -> None:
        queue_posts(store, texts, [needed] * len(texts))

    yield add
    _empty_queue(store)


def _empty_queue(store: Database) -> None:
    """Let others decide on all that is left, and between them."""
    with store.writing() as connection:
        connection.execute(text("UPDATE leases SET outcome = 'released' WHERE outcome IS NULL"))
        one, two, third = (people.add_user(connection, time.time(), f"khac{next(_NUMBERS)}", Role.ADJUDICATOR, "hash") for _ in range(3))
        for user in (one, two):
            while taken := work.next_item(connection, time.time(), user.id, 600.0, 0.0, 0.5):
                work.answer(connection, time.time(), user.id, taken.lease_id, FINE, informed=False)
        while dispute := disputes.next_dispute(connection, time.time(), third.id, 600.0):
            disputes.adjudicate(connection, time.time(), third.id, dispute.lease_id, FINE)


@pytest.fixture
def decided(store: Database) -> Callable[[str], list[tuple[Any, ...]]]:
    """Gives what somebody decided, in order: kind, categories, rationale."""

    def read(name: str) -> list[tuple[Any, ...]]:
        query = "SELECT kind, categories, rationale FROM decisions JOIN users ON users.id = user_id WHERE name = :name ORDER BY decisions.id"
        with store.reading() as connection:
            return [tuple(row) for row in connection.execute(text(query), {"name": name})]

    return read


def keep(page: "Page", name: str, full: bool = False) -> None:
    """Keep a picture of a page."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=full)


def faults(page: "Page", check: str) -> list[str]:
    return page.evaluate(f"({CHECKS}).{check}()")


def name_of(page: "Page") -> str:
    return page.locator("header a[href='/preferences']").inner_text()


def test_ten_posts_are_reviewed_by_keyboard_alone_and_one_is_taken_back(visit, store, server, fill, decided) -> None:
    fill(*[f"Bài số {number}: lớp mình học lúc mấy giờ vậy mọi người?" for number in range(1, 12)])
    open_accounts(store, ["mai"])
    page = visit(role=None)
    keys = page.keyboard
    expect(page.get_by_label("Tên đăng nhập")).to_be_focused()  # a browser gives the focus with the next picture that it draws
    for typed in ("mai", PASSWORD):
        keys.insert_text(typed)
        keys.press("Tab")
    keys.press("Enter")
    keep(page, "keyboard-queue")
    for number in range(1, 11):
        expect(page.get_by_role("article")).to_contain_text(f"Bài số {number}:")
        if number % 2:
            keys.press("0")
            keys.press("Enter")
        else:
            keys.press("1")
            keys.press("q")
            keys.press("Enter")
            expect(page.locator("[data-hint=rationale]")).to_be_visible()  # and the focus is where it is to be written
            keys.insert_text(REASON)
            if number == 2:
                keep(page, "keyboard-filled-in")
            keys.press("Control+Enter")
        expect(page.get_by_role("heading", name="Máy nghĩ gì")).to_be_visible()
        if number == 2:
            keep(page, "keyboard-suggestion")
            keys.press("2")  # not in view, so nothing is changed by it
            keys.press("c")
            expect(page.locator("input[name=category]:checked")).to_have_value("insult")
            keys.press("0")
            keep(page, "keyboard-change")
            keys.press("Enter")
        else:
            keys.press("Enter")
    expect(page.get_by_role("article")).to_contain_text("Bài số 11:")
    keys.press("u")
    expect(page.get_by_role("article")).to_contain_text("Bài số 10:")
    keys.press("0")
    keys.press("Enter")
    page.wait_for_url("**/answers/*")
    keys.press("Enter")
    expect(page.get_by_role("article")).to_contain_text("Bài số 11:")
    harmless, insult = ("answer", "", ""), ("answer", "insult", REASON)
    first = [harmless, insult, ("revision", "", REASON)]
    assert decided("mai") == [*first, *([harmless, insult] * 4), ("undo", "", ""), harmless]


def test_every_key_that_is_shown_does_what_it_says(visit, fill, decided) -> None:
    fill("Bài một", "Bài hai")
    page = visit()
    keys = page.keyboard
    keys.press("?")
    expect(page.get_by_role("dialog", name="Phím tắt")).to_be_visible()
    keep(page, "keyboard-help")
    keys.press("Escape")
    keys.press("h")
    expect(page.get_by_role("dialog", name="Hướng dẫn gắn nhãn").get_by_role("heading").first).to_be_visible()
    keep(page, "keyboard-guidelines")
    keys.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    for key in "1234":
        keys.press(key)
    assert page.locator("input[name=category]:checked").count() == 4
    keys.press("0")
    assert page.locator("input[name=category]:checked").count() == 0
    keys.press("p")
    assert page.evaluate("document.activeElement.id") == "slice"
    keys.press("Escape")
    keys.press("r")
    keys.insert_text("s0")  # letters in a field are letters
    keys.press("Escape")
    assert page.get_by_label("Lý do").input_value() == "s0"
    for key, confidence in zip("qwe", "123", strict=True):
        keys.press(key)
        assert page.locator("input[name=confidence]:checked").get_attribute("value") == confidence
    keys.press("s")
    expect(page.get_by_role("article")).to_have_text("Bài hai")
    assert decided(name_of(page)) == []


def test_a_closed_window_gives_the_post_to_the_next_reviewer(visit, fill) -> None:
    fill("Chỉ có một bài")
    first = visit()
    expect(first.get_by_role("article")).to_have_text("Chỉ có một bài")
    first.reload()
    expect(first.get_by_role("article")).to_have_text("Chỉ có một bài")
    second = visit()
    expect(second.get_by_role("heading", name="Hết bài rồi")).to_be_visible()
    first.close(run_before_unload=True)
    second.wait_for_timeout(500)
    second.keyboard.press("Enter")
    expect(second.get_by_role("article")).to_have_text("Chỉ có một bài")


def test_an_adjudicator_sees_both_answers_without_names_and_decides(visit, store, fill, decided) -> None:
    fill("Con bò cũng học giỏi hơn mày", needed=2)
    names = [f"duyet{next(_NUMBERS)}" for _ in range(2)]
    open_accounts(store, names)
    for name, given in zip(names, (Answer(frozenset({"insult"}), "", 3, REASON), Answer(frozenset(), "everyday", 1, "")), strict=True):
        with store.writing() as connection:
            user, _ = people.find_user(connection, name)
            taken = work.next_item(connection, time.time(), user.id, 600.0, 0.0, 0.5)
            work.answer(connection, time.time(), user.id, taken.lease_id, given, informed=False)
    page = visit(Role.ADJUDICATOR)
    page.get_by_role("link", name="Bài chưa thống nhất").press("Enter")
    expect(page.get_by_role("heading", name="Ý kiến 2")).to_be_visible()
    expect(page.get_by_text(REASON)).to_be_visible()
    assert not [name for name in names if name in page.content()]
    keep(page, "dispute")
    page.keyboard.press("1")
    page.keyboard.press("r")
    page.keyboard.insert_text("nói thẳng với một người")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Đã ghi quyết định.")).to_be_visible()
    assert decided(name_of(page)) == [("adjudication", "insult", "nói thẳng với một người")]
    with store.reading() as connection:
        assert connection.execute(text("SELECT state FROM items ORDER BY id DESC LIMIT 1")).scalar_one() == "settled"


def test_a_file_is_uploaded_watched_and_downloaded_scored(visit, tmp_path: Path, fill) -> None:
    rows = [("p1", "Đồ con bò, mày ngu lắm"), ("p2", "=HYPERLINK(1) mai học gì vậy"), ("p3", "Lịch thi tuần sau có chưa?")]
    source = tmp_path / "bài tuần này.csv"
    with source.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("post_id", "text"), *rows])
    page = visit(Role.MODERATOR)
    page.get_by_role("link", name="Chấm tệp").click()
    page.get_by_label("Tệp csv").set_input_files(source)
    keep(page, "upload")
    page.locator("main form button.primary").click()
    link = page.locator("a[download]")
    expect(link).to_be_visible()
    keep(page, "scored", full=True)
    with page.expect_download() as download:
        link.click()
    assert download.value.suggested_filename == "bài tuần này.scored.csv"
    with Path(download.value.path()).open(encoding="utf-8-sig", newline="") as stream:
        scored = list(csv.DictReader(stream))
    assert [row["post_id"] for row in scored] == ["p1", "p2", "p3"]
    assert {row["decision"] for row in scored} <= {"clear", "review", "flag"}
    assert all(0 <= float(row["p_insult"]) <= 1 for row in scored)
    assert scored[1]["text"] == "'=HYPERLINK(1) mai học gì vậy"


def test_the_language_is_switched_and_kept(visit, fill) -> None:
    fill("Bài để đọc")
    page = visit()
    page.get_by_role("button", name="English").press("Enter")
    expect(page.get_by_role("button", name="Submit")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "en"
    expect(page.get_by_role("article")).to_have_text("Bài để đọc")
    keep(page, "english")
    page.goto("/preferences")
    page.get_by_role("combobox").select_option("vi")
    page.locator("main form button.primary").click()
    expect(page.get_by_text("Đã lưu.")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "vi"


def test_a_post_is_reviewed_without_javascript(visit, fill, decided) -> None:
    fill("Bài một", "Bài hai")
    page = visit(java_script_enabled=False, viewport=PHONE)
    page.get_by_text("chửi, hạ nhục").click()
    keep(page, "no-javascript", full=True)
    page.get_by_role("button", name="Gửi").click()
    expect(page.get_by_role("alert")).to_contain_text("cần một câu lý do")
    assert page.locator("input[value=insult]").is_checked()
    page.get_by_label("Lý do").fill(REASON)
    page.get_by_role("button", name="Gửi").click()
    expect(page.get_by_role("heading", name="Máy nghĩ gì")).to_be_visible()
    page.get_by_role("button", name="Giữ nguyên").click()
    expect(page.get_by_role("article")).to_have_text("Bài hai")
    assert decided(name_of(page)) == [("answer", "insult", REASON)]


def test_a_post_stays_blurred_until_it_is_asked_for(visit, fill) -> None:
    fill("Lời lẽ nặng nề")
    page = visit(java_script_enabled=False)
    page.goto("/preferences")
    page.get_by_label("Làm mờ bài").check()
    page.locator("main form button.primary").click()
    page.goto("/")
    post = page.get_by_role("article")
    expect(post).to_have_css("filter", re.compile("blur"))
    keep(page, "blurred")
    page.get_by_text("Hiện bài", exact=True).click()
    expect(post).to_have_css("filter", "none")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_every_page_can_be_used_by_everybody(visit, server, fill, store, size: dict[str, int], scheme: str) -> None:
    """No sideways scrolling; everything named; focus seen, and in order; enough contrast."""
    fill(*POSTS, needed=2)
    reviewer = visit(viewport=size, color_scheme=scheme)
    check_page(reviewer, f"{size['width']}-{scheme}-queue")
    for number in range(len(POSTS)):
        reviewer.keyboard.press("0")
        if number == 0:
            check_page(reviewer, f"{size['width']}-{scheme}-filled-in")
        reviewer.keyboard.press("Enter")
        reviewer.wait_for_url("**/answers/*")
        check_page(reviewer, f"{size['width']}-{scheme}-suggestion-{number + 1}")
        reviewer.keyboard.press("Enter")
        reviewer.wait_for_url(re.compile(r"/\??$"))
    check_page(reviewer, f"{size['width']}-{scheme}-empty")
    assert "đổi" not in reviewer.title()
    with store.writing() as connection:
        user = people.add_user(connection, time.time(), f"hai{next(_NUMBERS)}", Role.REVIEWER, "hash")
        taken = work.next_item(connection, time.time(), user.id, 600.0, 0.0, 0.5)
        work.answer(connection, time.time(), user.id, taken.lease_id, Answer(frozenset({"insult", "ethics"}), "", 2, REASON), informed=False)
    for role, addresses in PAGES.items():
        page = visit(role, viewport=size, color_scheme=scheme)
        for address, status in addresses.items():
            assert page.goto(address).status == status, server.said()
            check_page(page, f"{size['width']}-{scheme}-{role}-{address.strip('/')}")
    page.get_by_role("button", name="Đăng xuất").first.click()
    expect(page.get_by_text("Đã đăng xuất.")).to_be_visible()
    check_page(page, f"{size['width']}-{scheme}-login")


def check_page(page: "Page", name: str) -> None:
    keep(page, name, full=True)
    for check in ("wide", "unnamed", "structure", "faint"):
        assert faults(page, check) == [], f"{page.url}: {check}"
    stops = page.evaluate(f"() => {{ const stops = ({CHECKS}).stops(); stops[0].focus(); return stops.length; }}")
    reached = [0]
    for _ in range(stops + 20):
        page.keyboard.press("Tab")
        focused = page.evaluate(f"({CHECKS}).focused()")
        if focused is None or focused["place"] == 0:
            break
        assert focused["seen"], f"{page.url}: the focus can't be seen on {focused['html']}"
        if focused["place"] not in (-1, reached[-1]):  # not a part that scrolls, which the browser adds, nor the next part of a date
            reached.append(focused["place"])
    assert reached == list(range(stops)), f"{page.url}: Tab goes {reached}"
    page.evaluate("document.activeElement.blur()")
