"""Reviewers at once on a real server that is killed meanwhile: everything is decided as planned, and nothing acknowledged is lost."""

from pathlib import Path

from live_server import LiveServer, make_project, open_accounts, queue_posts
from reviewers import Noted, Reviewer, check_decided, kill_now_and_then, work_at_once

from classifier.review.store import Database

PEOPLE, KILLS = 8, 2
NEEDED = [1 + (number % 3 == 0) for number in range(60)]


def test_a_server_that_is_killed_twice_loses_and_doubles_nothing(database: Database, database_url: str, small_models: Path, tmp_path: Path) -> None:
    names = [f"nguoi{number}" for number in range(PEOPLE)]
    open_accounts(database, names)
    queue_posts(database, [f"Bài số {number}: lớp mình học lúc mấy giờ?" for number in range(len(NEEDED))], NEEDED, gold=["Bài có đáp án"])
    noted = Noted()
    with LiveServer(make_project(tmp_path / "served"), small_models, database_url) as server:
        reviewers = [Reviewer(server.url, name, noted) for name in names]
        for reviewer in reviewers:
            reviewer.log_in()
        work_at_once(reviewers, noted, lambda: kill_now_and_then(server, database, noted, sum(NEEDED), KILLS))
    checked = check_decided(database, noted)
    assert checked["decided"] == sum(NEEDED) <= len(noted.acknowledged)
    assert noted.broken  # it was killed while people worked
