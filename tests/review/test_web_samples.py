"""The samples page: filters, the reproducible random order, and what is shown of a post."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import text as sql
from web_client import Pages, Visitor, running

from classifier.params import Params
from classifier.review.store import Answer, Database, NewItem, Role, User, work
from classifier.review.web.suggestions import Marked, Opinion, Suggestion
from classifier.taxonomy import CATEGORIES

CLEAR = dict.fromkeys(CATEGORIES, "clear")
NOON = datetime(2026, 3, 10, 5, tzinfo=UTC).timestamp()  # midday in Viet Nam
DAY = 86400


@pytest.fixture
def pages(database: Database, tmp_path: Path, params: Params, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    with running(database, tmp_path, params, monkeypatch) as started:
        yield started


@pytest.fixture
def fill(new_item: Callable[..., NewItem], queue: Callable[..., int]) -> Callable[[], None]:
    """Three posts of as many days."""

    def add() -> None:
        insult, lie = CLEAR | {"insult": "flag"}, CLEAR | {"false_info": "review"}
        queue([new_item("bài chửi", decision="flag", routes=insult, copies=3)], NOON)
        queue([new_item("tin đồn maskphone", decision="review", routes=lie)], NOON + DAY)
        queue([new_item("chuyện thường", decision="clear", routes=CLEAR)], NOON + 2 * DAY)

    return add


def shown(page: str) -> list[str]:
    found = re.findall(r'<article class="text[^>]*>(.*?)</article>', page, re.DOTALL)
    return [unescape(re.sub(r"<[^>]+>", "", article)) for article in found]


def found(visitor: Visitor, query: str) -> list[str]:
    answer = visitor.get(f"/samples?{query}")
    assert answer.status_code == 200, answer.text
    return shown(answer.text)


INSULT, LIE, CHAT = "bài chửi", "tin đồn số điện thoại", "chuyện thường"


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ("", [CHAT, LIE, INSULT]),
        ("category=insult", [INSULT]),
        ("decision=review", [LIE]),
        ("route=clear&category=insult", [CHAT, LIE]),
        ("state=settled", []),
        ("since=2026-03-11", [CHAT, LIE]),
        ("until=2026-03-11", [LIE, INSULT]),
        ("since=2026-03-11&until=2026-03-11", [LIE]),
        ("category=&decision=&since=&page=7", [CHAT, LIE, INSULT]),
    ],
)
def test_posts_are_found_by_what_the_model_said_state_and_day(pages: Pages, fill: Callable[[], None], query: str, texts: list[str]) -> None:
    fill()
    assert found(pages.visitor(), query) == texts


@pytest.mark.parametrize(
    "query",
    ["category=politics", "decision='; DROP TABLE items; --", "since=yesterday", "until=2026-02-30", "seed=x", "seed=-1", "page=9999999999999"],
)
def test_a_filter_that_cannot_be_is_refused(pages: Pages, query: str) -> None:
    answer = pages.visitor().get(f"/samples?{query}")
    assert answer.status_code == 422
    assert "Bộ lọc không hợp lệ" in answer.text


def test_extreme_days_are_no_fault(pages: Pages, fill: Callable[[], None]) -> None:
    fill()
    assert len(found(pages.visitor(), "since=0001-01-01&until=9999-12-31")) == 3


def test_a_random_sample_is_the_same_for_whoever_has_its_address(pages: Pages, new_item: Callable[..., NewItem], queue: Callable[..., int]) -> None:
    queue([new_item(f"bài {number}") for number in range(45)])
    one, other = pages.visitor(), pages.visitor(Role.ADMIN)
    whole = [found(one, f"seed=7&page={page}") for page in (1, 2, 3)]
    assert [len(page) for page in whole] == [20, 20, 5]
    assert sorted(text for page in whole for text in page) == sorted(f"bài {number}" for number in range(45))
    assert found(other, "seed=7") == whole[0]
    assert found(one, "seed=8") != whole[0]
    page = one.get("/samples?seed=7&page=2&category=insult").text
    assert {"/samples?category=insult&seed=7", "/samples?category=insult&seed=7&page=3"} <= set(re.findall(r'href="([^"]+)"', unescape(page)))


def test_a_decided_post_shows_what_people_said_and_names_nobody(
    pages: Pages, fill: Callable[[], None], add_people: Callable[..., list[User]]
) -> None:
    fill()
    (reviewer,) = add_people(1)
    with pages.database.writing() as connection:
        connection.execute(sql("UPDATE items SET state = 'gold' WHERE text <> 'bài chửi'"))
        post = work.next_item(connection, NOON, reviewer.id, 600, 0.0, 0.5)
        assert post is not None
        work.answer(connection, NOON, reviewer.id, post.lease_id, Answer(frozenset({"insult", "ethics"}), "", 3, "lý do riêng"), informed=False)
    page = pages.visitor().get("/samples?state=settled").text
    assert shown(page) == [INSULT]
    assert re.search(r"Người quyết định:</strong>\s*xúc phạm,\s*vi phạm đạo đức, quy chế", page)
    assert "đại diện cho 3 bài" in page
    assert reviewer.name not in page


def test_words_are_marked_where_asked_for(pages: Pages, fill: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    fill()
    opinion = Opinion("insult", 0.9, "flag", 3, [Marked("bài ", 0), Marked("chửi", 3)])
    monkeypatch.setattr("classifier.review.web.sample_pages.suggest", lambda *_: Suggestion([opinion], True, False))
    visitor = pages.visitor()
    page = visitor.get("/samples?category=insult").text
    assert "<mark" not in page
    link = unescape(re.findall(r'href="(/samples\?[^"]*explain=[^"]+)"', page)[0])
    assert '<mark class="for s3">chửi</mark>' in visitor.get(link.split("#")[0]).text
    assert "<mark" not in visitor.get("/samples?explain=x").text


def test_a_post_is_text_and_nothing_else(pages: Pages, new_item: Callable[..., NewItem], queue: Callable[..., int]) -> None:
    posts = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }} {% raise %}", "'; DROP TABLE items; --", "a" * 100_000]
    queue([new_item(post) for post in posts])
    page = pages.visitor().get("/samples").text
    assert sorted(shown(page)) == sorted(posts)
    assert "<script>alert" not in page
    assert "<img src=x" not in page


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.ADJUDICATOR])
def test_who_is_to_judge_blindly_does_not_see_the_models_view_here(pages: Pages, role: Role) -> None:
    assert pages.visitor(role).get("/samples").status_code == 403
