"""Uploaded files: progress, whose they are, and what a stopped server leaves."""

import pytest

from classifier.review.store import Database, User, uploads


@pytest.fixture
def call(database: Database):
    def run(name: str, *arguments: object) -> object:
        with database.writing() as connection:
            return getattr(uploads, name)(connection, *arguments)

    return run


def test_an_upload_goes_its_way(call, add_people) -> None:
    (owner,) = add_people(1)
    call("add_upload", 1.0, owner.id, "u1", "bài đăng.xlsx", True)
    assert call("upload_of", owner.id, "u1") == uploads.Upload("u1", owner.id, "bài đăng.xlsx", "waiting", 0, "", True, 1.0)
    call("advance", "u1", 500)
    assert (call("upload_of", owner.id, "u1").state, call("upload_of", owner.id, "u1").done) == ("running", 500)
    call("finish", "u1", "failed", "hỏng")
    assert (call("upload_of", owner.id, "u1").state, call("upload_of", owner.id, "u1").message) == ("failed", "hỏng")


def test_nobody_sees_anothers_upload(call, add_people) -> None:
    one, two = add_people(2)
    for now, upload_id in ((1.0, "a"), (2.0, "b")):
        call("add_upload", now, one.id, upload_id, "x.csv", False)
    assert call("upload_of", two.id, "a") is None
    assert call("upload_of", one.id, "a\0") is None
    assert [upload.id for upload in call("uploads_of", one.id)] == ["b", "a"]
    assert call("uploads_of", two.id) == []


def test_old_uploads_are_forgotten_unless_they_are_being_scored(call, add_people) -> None:
    owner: User = add_people(1)[0]
    for now, upload_id, state in ((1.0, "old", "done"), (1.0, "slow", None), (9.0, "new", "failed")):
        call("add_upload", now, owner.id, upload_id, "x.csv", False)
        if state:
            call("finish", upload_id, state)
    assert call("expire", 5.0) == ["old"]
    assert {upload.id for upload in call("uploads_of", owner.id)} == {"slow", "new"}


def test_what_a_stopped_server_left_has_failed(call, add_people) -> None:
    (owner,) = add_people(1)
    for upload_id in ("waiting", "running", "done"):
        call("add_upload", 1.0, owner.id, upload_id, "x" * 300, False)
    call("advance", "running", 5)
    call("finish", "done", "done")
    assert call("fail_running", "máy chủ dừng") == 2
    assert {upload.id: upload.state for upload in call("uploads_of", owner.id)} == {"waiting": "failed", "running": "failed", "done": "done"}
