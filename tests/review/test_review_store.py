"""The store itself: one schema in both databases, decisions and audit log that only grow, transactions that hold."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, inspect, text
from sqlalchemy.exc import DBAPIError

from classifier.errors import InputError
from classifier.review.store import Answer, Database, NewItem, User, work
from classifier.review.store.schema import APPEND_ONLY, metadata

FINE = Answer(frozenset(), "", 3, "")


@pytest.fixture
def decided(database: Database, add_people: Callable[..., list[User]], new_item: Callable[..., NewItem], queue: Callable[..., int]) -> Database:
    """A store with one decision, and so with entries in its audit log."""
    (reviewer,) = add_people(1)
    queue([new_item("một bài")])
    with database.writing() as connection:
        taken = work.next_item(connection, 1.0, reviewer.id, 60.0, 0.0, 0.5)
        work.answer(connection, 2.0, reviewer.id, taken.lease_id, FINE, informed=False)
    return database


def test_migrations_make_the_schema_that_the_code_uses(database: Database) -> None:
    with database.writing() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        for table in metadata.tables.values():  # alembic does not compare these
            expected = {constraint.name for constraint in table.constraints if isinstance(constraint, CheckConstraint)}
            assert {check["name"] for check in inspect(connection).get_check_constraints(table.name)} == expected
            assert inspect(connection).get_pk_constraint(table.name)["constrained_columns"] == [column.name for column in table.primary_key]


def test_upgrading_again_changes_nothing(decided: Database) -> None:
    decided.upgrade()
    with decided.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM decisions")).scalar_one() == 1


def test_several_programs_may_set_up_the_same_store_at_once(database_url: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}" if database_url.startswith("sqlite") else database_url
    program = f"from classifier.review.store import Database; Database({url!r}).upgrade()"
    running = [subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE) for _ in range(3)]
    assert [(process.communicate()[1], process.returncode) for process in running] == [(b"", 0)] * 3


def test_a_store_of_a_newer_program_is_refused(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(InputError, match="newer program"):
        database.upgrade()


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_the_database_refuses_to_change_what_is_only_ever_added_to(decided: Database, table: str) -> None:
    changes = [f"UPDATE {table} SET at = at + 1", f"UPDATE {table} SET at = at", f"DELETE FROM {table}", f"DELETE FROM {table} WHERE id = 1"]
    changes.append(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}" if decided.is_sqlite else f"TRUNCATE {table} CASCADE")
    for change in changes:
        with pytest.raises(DBAPIError, match=f"{table}: rows are only ever added"), decided.writing() as connection:
            connection.execute(text(change))
    with decided.reading() as connection:
        assert connection.execute(text("SELECT at FROM decisions")).scalars().all() == [2.0]


def test_a_second_decision_of_a_kind_for_one_lease_is_refused_by_the_database(decided: Database) -> None:
    columns = "item_id, user_id, lease_id, kind, categories, slice, confidence, rationale, informed, at"
    with pytest.raises(DBAPIError), decided.writing() as connection:
        connection.execute(text(f"INSERT INTO decisions ({columns}) SELECT {columns} FROM decisions"))


def test_what_a_failing_block_wrote_is_dropped(decided: Database) -> None:
    with pytest.raises(ZeroDivisionError), decided.writing() as connection:
        connection.execute(text("UPDATE items SET state = 'disputed'"))
        raise ZeroDivisionError
    with decided.reading() as connection:
        assert connection.execute(text("SELECT state FROM items")).scalar_one() == "settled"


def test_a_reader_sees_one_state_while_others_write(decided: Database) -> None:
    count = text("SELECT count(*) FROM login_failures")
    with decided.reading() as reader:
        before = reader.execute(count).scalar_one()
        with decided.writing() as writer:
            writer.execute(text("INSERT INTO login_failures (name, at) VALUES ('a', 1.0)"))
        assert reader.execute(count).scalar_one() == before
    with decided.reading() as reader:
        assert reader.execute(count).scalar_one() == before + 1


@pytest.mark.parametrize("url", ["mysql://a@b/c", "no address", "", "sqlite://", "sqlite+nothing:///x", "postgresql://a:secret@b:port/c"])
def test_an_address_that_is_none_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(InputError, match="review store") as refusal:
        Database(url)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("url", ["postgresql://someone:secret@127.0.0.1:1/none", "sqlite:////proc/none/review.db", "sqlite:////proc/version"])
def test_a_store_that_cannot_be_reached_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(InputError, match="can't be opened") as refusal:
        Database(url).upgrade()
    assert "secret" not in str(refusal.value)
