"""The dashboard: figures of an empty and of a used store, pictures, and nothing about persons."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from web_client import Pages, running

from classifier.distributions import CategoryDistributions, Distributions, write_reference
from classifier.params import Params
from classifier.review.store import Answer, Database, NewItem, Role, User, work
from classifier.taxonomy import CATEGORIES

PICTURES = ("ages", "decisions", "agreement", "against_people", "drift")
NOW = 1_773_000_000.0
CLEAR = dict.fromkeys(CATEGORIES, "clear")


@pytest.fixture
def pages(database: Database, tmp_path: Path, params: Params, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    with running(database, tmp_path, params, monkeypatch, clock=lambda: NOW) as started:
        yield started


@pytest.fixture
def used(
    pages: Pages, tmp_path: Path, new_item: Callable[..., NewItem], queue: Callable[..., int], add_people: Callable[..., list[User]]
) -> list[User]:
    """Three flagged posts that two people saw, differing on one; one clear post of fifty that one person found to be an insult; one that waits."""
    spread = np.linspace(0, 1, 500)
    category = CategoryDistributions(probability=spread.tolist(), size=500.0, routes={"clear": 1.0, "review": 0.0, "flag": 0.0})
    (tmp_path / "models" / "v1").mkdir(parents=True)
    write_reference(tmp_path / "models" / "v1", Distributions(unknown_words=None, categories=dict.fromkeys(CATEGORIES, category)))
    flagged = [new_item(f"đồ ngu {n}", decision="flag", routes=CLEAR | {"insult": "flag"}, needed=2, rank=10.0 - n) for n in range(3)]
    clear = new_item("bài lọt", decision="clear", routes=CLEAR, weight=50.0, rank=5.0)
    summary = {
        "rows": 400,
        "decisions": {"clear": 397, "flag": 3},
        "routes": {},
        "histograms": {c: np.histogram(spread[:100] if c == "insult" else spread, bins=20, range=(0, 1))[0].tolist() for c in CATEGORIES},
    }
    queue([*flagged, clear, new_item("bài đợi", rank=1.0)], NOW - 3 * 86400, rows=400, summary=summary)
    reviewers = add_people(2)
    for number, reviewer in enumerate(reviewers):
        for place in range(4 if number == 0 else 3):
            insulting = place != 2 or number == 0
            with pages.database.writing() as connection:
                post = work.next_item(connection, NOW - 100, reviewer.id, 60, 0.0, 0.5)
                assert post is not None
                answer = Answer(frozenset({"insult"} if insulting else ()), "", 3, "vì thế" if insulting else "")
                work.answer(connection, NOW - 90, reviewer.id, post.lease_id, answer, informed=False)
    return reviewers


def test_an_empty_store_has_a_dashboard_and_pictures(pages: Pages) -> None:
    visitor = pages.visitor()
    page = visitor.get("/dashboard")
    assert page.status_code == 200
    assert "Chưa ước tính được" in page.text
    for name in PICTURES:
        answer = visitor.get(f"/dashboard/{name}.png")
        assert answer.headers["content-type"] == "image/png"
        assert answer.content.startswith(b"\x89PNG")


def test_the_figures_are_those_of_the_store(pages: Pages, used: list[User]) -> None:
    page = " ".join(pages.visitor().get("/dashboard").text.split())
    assert '<span class="big">1</span> bài đợi quyết định<small>một nửa đã đợi quá 3,0 ngày' in page
    assert '<span class="big">1</span> bài đợi phân xử' in page
    assert '</th><td class="number">7</td></tr>' in page  # decisions of the day
    assert "<strong>66,7 %</strong>" in page  # two of three pairs agree on insults
    assert '<span class="big">100,0 %</span> số bài máy cho qua' in page
    assert '<span class="big">397</span> bài bị bỏ sót' in page
    row = page.split("Độ lệch so với lúc huấn luyện", 1)[1]
    assert row.count("drifted") == 1  # only insults came out otherwise than in training
    assert "v1" in page


def test_pictures_and_figures_are_of_one_moment_and_drawn_once(pages: Pages, used: list[User], monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = pages.visitor()
    first = visitor.get("/dashboard/agreement.png").content
    monkeypatch.setattr("classifier.review.figures.agreement", lambda *_: pytest.fail("computed again within seconds"))
    assert visitor.get("/dashboard").status_code == 200
    assert visitor.get("/dashboard/agreement.png").content == first


def test_no_person_is_named_or_told_apart(pages: Pages, used: list[User]) -> None:
    page = pages.visitor().get("/dashboard").text
    assert not [user.name for user in used if user.name in page]
    assert "đồ ngu" not in page


def test_the_dashboard_speaks_english_where_asked(pages: Pages, used: list[User]) -> None:
    page = pages.visitor(language="en").get("/dashboard").text
    assert "<strong>66.7 %</strong>" in page
    assert "posts to be adjudicated" in page


def test_a_picture_that_there_is_not_is_not_found(pages: Pages) -> None:
    assert pages.visitor().get("/dashboard/x.png").status_code == 404


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.ADJUDICATOR])
def test_the_dashboard_is_for_moderators(pages: Pages, role: Role) -> None:
    visitor = pages.visitor(role)
    assert [visitor.get(path).status_code for path in ("/dashboard", "/dashboard/ages.png")] == [403, 403]
