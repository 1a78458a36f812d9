"""Fixtures of the review tests: an empty store in SQLite and in a throw-away PostgreSQL, and small ways to fill it."""

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path

import pytest
from cluster import execute, programs, running_cluster
from live_server import train_small

from classifier.params import Params
from classifier.review.store import Database, NewItem, Role, User, batches, people
from classifier.taxonomy import CATEGORIES

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Address of a running cluster, without a database's name, that ends with the tests; it holds the migrated database `template`."""
    if programs() is None:
        if os.environ.get("CI_REQUIRES_POSTGRES"):
            pytest.fail("PostgreSQL's programs (initdb, pg_ctl) are missing, and CI_REQUIRES_POSTGRES asks for these tests")
        pytest.skip("PostgreSQL's programs (initdb, pg_ctl) are missing: the review store is tested over SQLite only")
    with running_cluster() as address:
        execute(address, "CREATE DATABASE template")
        _migrated(f"{address}/template").close()
        yield address


@pytest.fixture(scope="session")
def small_models(params: Params, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of models with a real one in use, trained on a small part of the seed corpus."""
    prediction = params.prediction.model_copy(update={"processes": 1})
    return train_small(params.model_copy(update={"prediction": prediction}), tmp_path_factory.mktemp("small"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of an empty, migrated store of this test's own."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'review.db'}"
        _migrated(url).close()
        yield url
        return
    address, name = request.getfixturevalue("postgresql"), f"test{next(_NUMBERS)}"
    execute(address, f"CREATE DATABASE {name} TEMPLATE template")
    yield f"{address}/{name}"
    execute(address, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty review store."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def add_people(database: Database) -> Callable[..., list[User]]:
    """Opens so many accounts of a role."""

    def add(number: int, role: Role = Role.REVIEWER) -> list[User]:
        with database.writing() as connection:
            return [people.add_user(connection, 0.0, f"{role}{next(_NUMBERS)}", role, "hash") for _ in range(number)]

    return add


@pytest.fixture
def new_item() -> Callable[..., NewItem]:
    """Makes an item for the queue; every value but the text has a default."""

    def make(text: str, **values: object) -> NewItem:
        number = next(_NUMBERS)
        given = {
            "digest": f"{number:064d}",
            "text": text,
            "model_version": "v1",
            "decision": "review",
            "probability": dict.fromkeys(CATEGORIES, 0.4),
            "routes": dict.fromkeys(CATEGORIES, "review"),
            "weight": 1.0,
            "copies": 1,
            "needed": 1,
            "rank": float(-number),
            "rows": [(number, f"p{number}")],
        }
        return NewItem(**(given | values))

    return make


@pytest.fixture
def queue(database: Database) -> Callable[..., int]:
    """Puts items into the queue as one batch and gives its number, counted from 1."""
    queued = count(1)

    def add(items: Sequence[NewItem], now: float = 0.0, **values: object) -> int:
        number = next(queued)
        given = {"name": f"batch {number}", "digest": f"{number:064d}", "model_version": "v1", "rows": len(items), "summary": {"rows": len(items)}}
        with database.writing() as connection:
            batches.add_batch(connection, now, items=items, **(given | values))
        return number

    return add


def _migrated(url: str) -> Database:
    database = Database(url)
    database.upgrade()
    return database
