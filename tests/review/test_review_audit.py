"""The audit log: whatever is changed behind the program's back shows."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from classifier.review.store import Answer, Database, NewItem, User, audit, work

FINE = Answer(frozenset(), "", 3, "")


@pytest.fixture
def tampered(
    database: Database, add_people: Callable[..., list[User]], new_item: Callable[..., NewItem], queue: Callable[..., int]
) -> Callable[..., str]:
    """A store with three decisions; runs statements with the triggers gone and gives the fault that is found then."""
    (reviewer,) = add_people(1)
    queue([new_item(f"bài {number}") for number in range(3)])
    for now in (1.0, 2.0, 3.0):
        with database.writing() as connection:
            taken = work.next_item(connection, now, reviewer.id, 60.0, 0.0, 0.5)
            work.answer(connection, now, reviewer.id, taken.lease_id, FINE, informed=False)
    with database.writing() as connection:
        if database.is_sqlite:
            for trigger in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all():
                connection.execute(text(f"DROP TRIGGER {trigger}"))
        else:
            connection.execute(text("DROP FUNCTION refuse_change CASCADE"))

    def run(*statements: str, noted: str | None = None) -> str | None:
        with database.writing() as connection:
            for statement in statements:
                connection.execute(text(statement))
        with database.reading() as connection:
            return audit.verify(connection, noted).fault

    return run


def test_an_untouched_log_holds(tampered: Callable[..., str], database: Database) -> None:
    assert tampered() is None
    with database.reading() as connection:
        found = audit.verify(connection)
        last = connection.execute(text("SELECT max(id) FROM audit")).scalar_one()
    assert found.entries == last == 5  # an account, a batch, three decisions
    assert tampered(noted=found.head) is None


def test_an_empty_log_holds(database: Database) -> None:
    with database.reading() as connection:
        found = audit.verify(connection)
        assert (found.entries, found.fault) == (0, None)
        assert audit.verify(connection, noted=found.head).fault is None


@pytest.mark.parametrize(
    ("statements", "fault"),
    [
        (["UPDATE decisions SET categories = 'insult' WHERE id = 2"], "decision:2 was changed"),
        (["UPDATE decisions SET confidence = 1 WHERE id = 1"], "decision:1 was changed"),
        (["UPDATE decisions SET at = at + 0.001 WHERE id = 3"], "decision:3 was changed"),
        (["UPDATE decisions SET informed = NOT informed WHERE id = 3"], "decision:3 was changed"),
        (["DELETE FROM decisions WHERE id = 2"], "decision:2 is missing"),
        (["DELETE FROM decisions"], "decision:1 is missing"),
        (["UPDATE decisions SET id = 9 WHERE id = 2"], "decision:2 is missing"),
        (
            [
                "INSERT INTO decisions SELECT 9, item_id, user_id, lease_id, 'revision', 'insult', slice, confidence, 'x', informed, supersedes, at "
                "FROM decisions WHERE id = 2"
            ],
            "decision:9 has no entry",
        ),
        (["UPDATE audit SET at = at + 1 WHERE id = 4"], "entry 4 was changed"),
        (["UPDATE audit SET user_id = 7 WHERE id = 3"], "entry 3 was changed"),
        (["UPDATE audit SET action = 'seen' WHERE id = 1"], "entry 1 was changed"),
        (["UPDATE audit SET subject = 'decision:9' WHERE id = 5"], "entry 5 was changed"),
        (["UPDATE audit SET content = previous WHERE id = 5"], "entry 5 was changed"),
        (["DELETE FROM audit WHERE id = 1"], "entry 1 is missing"),
        (["DELETE FROM audit WHERE id = 4"], "entry 4 is missing"),
        (["DELETE FROM audit WHERE id = 4", "UPDATE audit SET id = 4 WHERE id = 5"], "entry 4 does not follow"),
        (["DELETE FROM audit WHERE id = 5"], "decision:3 has no entry"),
        (["DELETE FROM audit"], "decision:1 has no entry"),
        (["DELETE FROM audit WHERE id = 4", "DELETE FROM decisions WHERE id = 2"], "entry 4 is missing"),
    ],
)
def test_tampering_is_found(tampered: Callable[..., str], statements: list[str], fault: str) -> None:
    assert fault in tampered(*statements)


def test_a_log_cut_off_at_its_end_is_found_by_whoever_noted_its_head(tampered: Callable[..., str], database: Database) -> None:
    with database.reading() as connection:
        noted = audit.verify(connection).head
    cut = ["DELETE FROM audit WHERE id = 5", "DELETE FROM decisions WHERE id = 3"]
    assert "cut off" in tampered(*cut, noted=noted)


def test_a_log_forged_from_an_entry_on_is_found_by_whoever_noted_its_head(tampered: Callable[..., str], database: Database) -> None:
    with database.reading() as connection:
        noted = audit.verify(connection).head
    tampered("DELETE FROM decisions WHERE id = 3", "DELETE FROM audit WHERE id = 5")
    with database.writing() as connection:
        audit.append(connection, 9.0, None, "added", "gold", {})
    assert tampered() is None
    assert "cut off" in tampered(noted=noted)
