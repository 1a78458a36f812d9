"""Batches into the queue: once, without asking for the same post twice."""

import pytest
from sqlalchemy import text

from classifier.review.store import Added, Database, audit, batches, records


@pytest.fixture
def add(database: Database):
    def run(items, digest: str = "b", now: float = 1.0, **values: object) -> Added:
        given = {"name": "x.csv", "model_version": "v1", "rows": 10, "summary": {"flag": 1, "đếm": [0.5]}}
        with database.writing() as connection:
            return batches.add_batch(connection, now, digest=digest, items=items, **(given | values))

    return run


def stored(database: Database, columns: str = "text, copies") -> list[tuple]:
    with database.reading() as connection:
        return [tuple(row) for row in connection.execute(text(f"SELECT {columns} FROM items ORDER BY id"))]


def test_the_same_batch_again_adds_nothing(add, new_item, database) -> None:
    items = [new_item("a"), new_item("b")]
    assert add(items) == Added(2, 0)
    assert add(items, now=2.0) == Added(0, 0)
    assert stored(database) == [("a", 1), ("b", 1)]
    with database.reading() as connection:
        assert batches.batch_known(connection, "b") and not batches.batch_known(connection, "c")
        assert audit.verify(connection).entries == 1
        batch = records.batches(connection).iloc[0]
    assert (batch["rows"], batch["summary"], batch["items"], batch["settled"]) == (10, {"flag": 1, "đếm": [0.5]}, 2, 0)


def test_a_post_that_is_there_already_only_gains_rows(add, new_item, database) -> None:
    first = new_item("a", copies=2, rows=[(1, "p1"), (2, "p2")])
    add([first])
    again = new_item("a, hơi khác", digest=first.digest, rows=[(1, "q1"), (5, "")], copies=2, rank=99.0)
    assert add([new_item("mới"), again], "c") == Added(1, 1)
    assert stored(database, "text, copies, rank") == [("a", 4, first.rank), ("mới", 1, stored(database, "rank")[1][0])]
    with database.reading() as connection:
        rows = connection.execute(text("SELECT batch_id, row, post_id FROM members WHERE item_id = 1 ORDER BY batch_id, row")).all()
    assert rows == [(1, 1, "p1"), (1, 2, "p2"), (2, 1, "q1"), (2, 5, "")]


def test_the_same_post_twice_in_one_batch_is_one_item(add, new_item, database) -> None:
    first = new_item("a")
    assert add([first, new_item("a", digest=first.digest)]) == Added(1, 1)
    assert stored(database) == [("a", 2)]


def test_many_posts_and_long_and_odd_names_go_in(add, new_item, database) -> None:
    items = [new_item(f"bài {number}", rows=[(number + 1, "p" * 300 + "\0")]) for number in range(1300)]
    assert add(items, name="tên\0" * 100) == Added(1300, 0)
    assert add([new_item("x", digest=item.digest, rows=item.rows) for item in items], "c") == Added(0, 1300)
    assert {copies for _, copies in stored(database)} == {2}


def test_a_batch_of_nothing_is_known_all_the_same(add, database) -> None:
    assert add([]) == Added(0, 0)
    with database.reading() as connection:
        assert batches.batch_known(connection, "b")


def test_a_gold_item_never_replaces_a_post_of_the_queue(add, new_item, database) -> None:
    queued = new_item("a")
    add([queued])
    gold = [new_item("khác", digest=queued.digest), new_item("vàng")]
    for expected in (1, 0):
        with database.writing() as connection:
            assert batches.add_gold(connection, 2.0, gold, [frozenset(), frozenset({"ethics", "insult"})]) == expected
    assert stored(database, "text, state, known") == [("a", "open", None), ("vàng", "gold", "insult;ethics")]
    assert add([new_item("vàng", digest=gold[1].digest)], "c") == Added(0, 1)
    with database.reading() as connection:
        open_now = batches.open_items(connection)
    assert list(open_now.columns[:3]) == ["id", "digest", "text"] and list(open_now["text"]) == ["a"]
    assert open_now["route_insult"].tolist() == ["review"]
