"""The interface for programs: scores with a token, refuses in Vietnamese, and describes itself."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from web_client import Pages, running

from classifier.params import Params
from classifier.prediction import SCORE_COLUMNS
from classifier.review.store import Database, Role, people
from classifier.review.web.security import digest

TOKEN = "a-token-given-out"


@pytest.fixture
def pages(database: Database, tmp_path: Path, params: Params, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    with running(database, tmp_path, params, monkeypatch, api_posts=3) as started:
        yield started


@pytest.fixture
def program(pages: Pages) -> TestClient:
    """A program with a token."""
    with pages.database.writing() as connection:
        people.add_token(connection, 0.0, "program", digest(TOKEN))
    return TestClient(pages.app, headers={"authorization": f"Bearer {TOKEN}"})


def test_each_post_gets_its_scores_in_order(program: TestClient) -> None:
    scored = program.post("/api/score", json=["đồ ngu", "", "mai học gì"]).json()
    assert [tuple(post) for post in scored] == [SCORE_COLUMNS] * 3
    assert [post["decision"] for post in scored] == ["flag", "invalid", "clear"]
    assert (scored[0]["p_insult"], scored[1]["p_insult"]) == (0.95, None)
    assert program.post("/api/score", json=[]).json() == []


def test_a_lone_surrogate_comes_back_as_json(program: TestClient) -> None:
    answer = program.post("/api/score", content=r'["\ud800 ngu"]', headers={"content-type": "application/json"})
    assert answer.json()[0]["decision"] == "flag"


@pytest.mark.parametrize(
    ("content", "kind", "status", "words"),
    [
        ("{", "application/json", 422, "không phải JSON"),
        ("[" * 100_000, "application/json", 422, "không phải JSON"),
        (b'["\xe9"]', "application/json", 422, "không phải JSON"),
        ('{"text": "a"}', "application/json", 422, "mảng JSON gồm các chuỗi"),
        ('["a", 1]', "application/json", 422, "mảng JSON gồm các chuỗi"),
        ('["a", null]', "application/json", 422, "mảng JSON gồm các chuỗi"),
        ('["a"]', "text/plain", 415, "application/json"),
        ('["1", "2", "3", "4"]', "application/json", 413, "nhiều nhất là 3"),
        (json.dumps(["a" * 21_000_000]), "application/json", 413, "vượt quá giới hạn"),
    ],
    ids=range(9),
)
def test_what_cannot_be_scored_is_refused_in_vietnamese(program: TestClient, content: Any, kind: str, status: int, words: str) -> None:
    answer = program.post("/api/score", content=content, headers={"content-type": kind})
    assert answer.status_code == status
    assert words in answer.json()["error"]


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN])
def test_without_a_token_nothing_is_scored(pages: Pages, program: TestClient, header: str | None) -> None:
    stranger = TestClient(pages.app, headers={"authorization": header} if header is not None else {})
    answer = stranger.post("/api/score", json=["đồ ngu"])
    assert answer.status_code == 401
    assert "khóa truy cập" in answer.json()["error"]


def test_a_revoked_token_and_a_login_are_no_token(pages: Pages, program: TestClient) -> None:
    with pages.database.writing() as connection:
        people.revoke_token(connection, 1.0, "program")
    assert program.post("/api/score", json=["a"]).status_code == 401
    assert pages.visitor(Role.ADMIN).http.post("/api/score", json=["a"]).status_code == 401


def test_the_description_holds_for_what_is_answered(pages: Pages, program: TestClient) -> None:
    described = pages.visitor(Role.REVIEWER).get("/api/openapi.json").json()
    assert list(described["paths"]) == ["/api/score"]
    operation = described["paths"]["/api/score"]["post"]
    assert operation["requestBody"]["content"]["application/json"]["schema"]["maxItems"] == 3
    schema = described["components"]["schemas"]["ScoredPost"]
    post = program.post("/api/score", json=["lạ"]).json()[0]
    assert list(post) == schema["required"] == list(schema["properties"])
    kinds = {"string": str, "number": float, "null": type(None)}
    for name, value in post.items():
        kind = schema["properties"][name]["type"]
        assert isinstance(value, tuple(kinds[each] for each in ([kind] if isinstance(kind, str) else kind)))
        assert value in schema["properties"][name].get("enum", [value])


@pytest.mark.parametrize(("language", "words"), [("vi", "Chấm một danh sách bài"), ("en", "Score a list of posts")])
def test_the_description_can_be_read_as_a_page_without_scripts_from_elsewhere(pages: Pages, language: str, words: str) -> None:
    page = pages.visitor(Role.REVIEWER, language=language).get("/api").text
    assert words in page
    assert "p_false_info" in page
    assert "https://" not in page


def test_descriptions_are_for_people_who_logged_in(pages: Pages) -> None:
    stranger = TestClient(pages.app, follow_redirects=False)
    assert stranger.get("/api").status_code == 303
    assert stranger.get("/api/openapi.json").status_code == 401
    assert [stranger.get(path).status_code for path in ("/docs", "/redoc", "/openapi.json")] == [404, 404, 404]
