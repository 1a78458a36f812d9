"""Tables for figures and exports, and browsing."""

from datetime import date

import pandas as pd
import pytest

from classifier.review.store import Answer, Database, batches, disputes, records, samples, work
from classifier.taxonomy import CATEGORIES

FINE = Answer(frozenset(), "complaint", 3, "góp ý")
INSULT = Answer(frozenset({"insult"}), "", 2, "chửi")
BOTH = Answer(frozenset({"ethics", "insult"}), "", 1, "chửi, nhân viên")


@pytest.fixture
def history(database: Database, add_people, new_item, queue) -> Database:
    """Six posts of two batches: agreed, single, adjudicated, changed, taken back and untouched; and a gold one."""
    one, two, judge = add_people(3)
    names = {"agreed": 2, "single": 1, "adjudicated": 2, "changed": 2, "again": 2, "open": 1}
    items = {name: new_item(name, needed=needed, rank=float(-number), weight=number + 1.0) for number, (name, needed) in enumerate(names.items())}
    queue(list(items.values()))
    queue([new_item("x", digest=items["single"].digest), new_item("y", digest=items["open"].digest)], now=5.0)
    with database.writing() as connection:
        batches.add_gold(connection, 0.0, [new_item("gold")], [frozenset()])

        def decide(user, given: Answer, now: float, gold: float = 0.0) -> int:
            taken = work.next_item(connection, now, user.id, 60.0, gold, 0.0)
            work.answer(connection, now, user.id, taken.lease_id, given, informed=False)
            return taken.lease_id

        decide(one, INSULT, 1.0, gold=1.0)
        for now, given in enumerate((FINE, INSULT, FINE, FINE, INSULT)):
            lease = decide(one, given, 10.0 + now)
            if now == 3:
                work.revise(connection, 13.5, one.id, lease, INSULT)
        again = work.undo(connection, 15.0, one.id, 60.0)
        work.answer(connection, 16.0, one.id, again.lease_id, BOTH, informed=False)
        for now, given in enumerate((Answer(frozenset(), "", 1, ""), BOTH, INSULT, INSULT)):
            decide(two, given, 86400.0 * 2 + now)
        dispute = disputes.next_dispute(connection, 86400.0 * 2 + 9, judge.id, 60.0)
        disputes.adjudicate(connection, 86400.0 * 2 + 10, judge.id, dispute.lease_id, Answer(frozenset({"ethics"}), "", 3, "x"))
    return database


def test_current_answers_tell_first_from_final_and_name_nobody(history: Database) -> None:
    with history.reading() as connection:
        given = records.current_answers(connection)
    assert not {"user_id", "lease_id"} & set(given.columns)
    rows = list(given[["item_id", "reviewer", "categories", "informed", "first", "first_informed"]].itertuples(index=False, name=None))
    assert rows == [
        (1, 1, "", False, "", False),
        (1, 2, "", False, "", False),
        (2, 1, "insult", False, "insult", False),
        (3, 1, "", False, "", False),
        (3, 2, "insult;ethics", False, "insult;ethics", False),
        (4, 1, "insult", True, "", False),
        (4, 2, "insult", False, "insult", False),
        (5, 1, "insult;ethics", True, "insult;ethics", True),
        (5, 2, "insult", False, "insult", False),
    ]


def test_settled_items_carry_the_final_label(history: Database) -> None:
    with history.reading() as connection:
        settled = records.settled_items(connection)
    kept = settled[["item_id", "categories", "slice", "how", "first", "second", "weight", "copies"]].astype(object)
    assert list(kept.where(kept.notna(), None).itertuples(index=False, name=None)) == [
        (1, "", "complaint", "agreed", "", "", 1.0, 1),
        (2, "insult", "", "single", "insult", None, 2.0, 2),
        (3, "ethics", "", "adjudicated", "", "insult;ethics", 3.0, 1),
        (4, "insult", "", "agreed", "insult", "insult", 4.0, 1),
    ]
    assert {"digest", "text", "decision", "settled_at", *(f"p_{category}" for category in CATEGORIES)} <= set(settled.columns)


def test_the_queue_shows_what_waits_and_for_how_long(history: Database, add_people) -> None:
    (other,) = add_people(1)
    with history.writing() as connection:
        work.next_item(connection, 200000.0, other.id, 60.0, 0.0, 0.5)
    with history.reading() as connection:
        waiting = records.queue_state(connection, 200010.0)
    assert list(waiting[["item_id", "state", "age", "needed", "answers", "leased"]].itertuples(index=False, name=None)) == [
        (5, "disputed", 200010.0, 2, 2, 0),
        (6, "open", 200010.0, 1, 0, 1),
    ]


def test_days_are_counted_as_in_vietnam_without_what_was_taken_back(history: Database) -> None:
    with history.reading() as connection:
        days = records.decisions_by_day(connection)
    assert list(days.itertuples(index=False, name=None)) == [(date(1970, 1, 1), 5), (date(1970, 1, 3), 5)]


def test_the_model_is_held_against_people_by_batch_and_category(history: Database) -> None:
    with history.reading() as connection:
        held = records.overrides(connection)
        seen = records.batches(connection)
    assert list(seen[["batch_id", "items", "settled"]].itertuples(index=False, name=None)) == [(1, 6, 4), (2, 2, 1)]
    assert held.groupby("batch_id")["item_id"].unique().map(list).to_dict() == {1: [1, 2, 3, 4], 2: [2]}
    assert held[(held["batch_id"] == 1) & held["label"]][["item_id", "category"]].to_numpy().tolist() == [
        [2, "insult"],
        [3, "ethics"],
        [4, "insult"],
    ]
    assert set(held["route"]) == {"review"} and held["label"].dtype == bool


def test_tables_of_an_empty_store_are_empty_and_have_their_columns(database: Database) -> None:
    with database.reading() as connection:
        tables = {
            "current_answers": records.current_answers(connection),
            "settled_items": records.settled_items(connection),
            "queue_state": records.queue_state(connection, 1.0),
            "decisions_by_day": records.decisions_by_day(connection),
            "batches": records.batches(connection),
            "overrides": records.overrides(connection),
            "find_items": samples.find_items(connection, shuffle_seed=1),
        }
    assert {name: len(table) for name, table in tables.items()} == dict.fromkeys(tables, 0)
    assert all(len(table.columns) >= 2 for table in tables.values())


@pytest.fixture
def shelf(database: Database, new_item, queue) -> Database:
    """Thirty posts, a day apart in threes; insult flagged in the first ten, reviewed in the next ten."""
    for number in range(30):
        route = "flag" if number < 10 else "review" if number < 20 else "clear"
        routes = dict.fromkeys(CATEGORIES, "clear") | {"insult": route, "ethics": "review" if number == 0 else "clear"}
        queue([new_item(f"bài {number}", routes=routes, decision=route)], now=86400.0 * (number // 3))
    with database.writing() as connection:
        batches.add_gold(connection, 0.0, [new_item("gold")], [frozenset()])
    return database


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, range(30)),
        ({"category": "insult"}, range(20)),
        ({"category": "insult", "route": "review"}, range(10, 20)),
        ({"category": "ethics"}, [0]),
        ({"category": "ethics", "route": "flag"}, []),
        ({"route": "flag"}, range(10)),
        ({"route": "review"}, [0, *range(10, 20)]),
        ({"decision": "clear"}, range(20, 30)),
        ({"since": 86400.0, "until": 86400.0 * 3}, range(3, 9)),
        ({"state": "settled"}, []),
        ({"category": "spam"}, []),
        ({"decision": "'; DROP TABLE items; --"}, []),
    ],
)
def test_posts_are_found_by_what_is_asked_for(shelf: Database, filters: dict, expected) -> None:
    with shelf.reading() as connection:
        found = samples.find_items(connection, **filters)
        assert sorted(found["text"]) == sorted(f"bài {number}" for number in expected)
        assert samples.count_items(connection, **filters) == len(expected)
    assert not {"known", "digest"} & set(found.columns)


def test_gold_is_found_where_it_is_asked_for_only(shelf: Database) -> None:
    with shelf.reading() as connection:
        assert samples.find_items(connection, state="gold")["text"].tolist() == ["gold"]


@pytest.mark.parametrize("seed", [None, 3])
def test_pages_hold_every_post_once(shelf: Database, seed: int | None) -> None:
    with shelf.reading() as connection:
        pages = [samples.find_items(connection, limit=7, offset=start, shuffle_seed=seed) for start in range(0, 35, 7)]
    texts = pd.concat(pages)["text"]
    assert texts.nunique() == len(texts) == 30


def test_the_newest_come_first_and_a_seed_shuffles_the_same_way_each_time(shelf: Database) -> None:
    def order(seed: int | None) -> list[str]:
        with shelf.reading() as connection:
            return samples.find_items(connection, shuffle_seed=seed)["text"].tolist()

    assert set(order(None)[:3]) == {"bài 27", "bài 28", "bài 29"}
    assert order(1) == order(1) != order(2)
