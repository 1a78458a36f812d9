"""Many people at once: every post is decided as often as planned, by different people, and nobody waits long."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier

import pytest
from sqlalchemy import text

from classifier.review.store import AlreadyDecided, Answer, Database, LeaseLost, NothingToUndo, User, audit, disputes, work

FINE = Answer(frozenset(), "", 3, "")
INSULT = Answer(frozenset({"insult"}), "", 2, "x")
PEOPLE = 12
LEASE = 30.0


@pytest.fixture
def at_once(add_people: Callable[..., list[User]]) -> Callable[..., list[object]]:
    """Runs a function for several people in a thread each, all starting at the same moment, and gives what came of each."""

    def run(step: Callable[[User], object], people: list[User] | None = None) -> list[object]:
        people = people or add_people(PEOPLE)
        start = Barrier(len(people))

        def begin(user: User) -> object:
            start.wait()
            return step(user)

        with ThreadPoolExecutor(len(people)) as pool:
            return list(pool.map(begin, people))

    return run


def test_posts_asked_for_at_once_go_to_as_many_people_as_planned(database, at_once, new_item, queue) -> None:
    needed = [1, 2, 1, 2, 2, 1]
    queue([new_item(f"bài {number}", needed=people) for number, people in enumerate(needed)])

    def ask(user: User) -> int | None:
        with database.writing() as connection:
            taken = work.next_item(connection, 1.0, user.id, 60.0, 0.0, 0.5)
            return taken.item_id if taken else None

    given = Counter(at_once(ask))
    assert given.pop(None) == PEOPLE - sum(needed)
    assert [given[item] for item in sorted(given)] == needed


def test_everything_is_decided_as_often_as_planned_and_nothing_twice_by_one_person(database, at_once, new_item, queue) -> None:
    queue([new_item(f"bài {number}", needed=1 + number % 2, rank=float(number % 5)) for number in range(40)])
    running = text(
        "SELECT answers + (SELECT count(*) FROM leases WHERE item_id = :item AND outcome IS NULL AND expires_at > :now) FROM items WHERE id = :item"
    )
    standing = text(
        "SELECT decisions.item_id, decisions.user_id FROM decisions JOIN leases ON leases.id = lease_id "
        "WHERE kind = 'answer' AND outcome = 'answered'"
    )
    with database.reading() as connection:
        needed = {row.id: row.needed for row in connection.execute(text("SELECT id, needed FROM items"))}

    clock = count()  # one second for each look at it: leases run out while others work

    def work_through(user: User) -> int:
        """Answer what comes, skip some, let some expire, take some back, until nothing came for as long as a lease runs."""
        chance = random.Random(user.id)
        answered, idle = 0, 0
        while idle < 2 * LEASE:
            now = float(next(clock))
            with database.writing() as connection:
                taken = work.next_item(connection, now, user.id, LEASE, 0.0, 0.5)
                if taken and taken.expires_at == now + LEASE:  # just handed out
                    held = connection.execute(running, {"item": taken.item_id, "now": now}).scalar_one()
                    assert held <= needed[taken.item_id]
            step = chance.random()
            idle = 0 if taken else idle + 1
            try:
                with database.writing() as connection:
                    if taken and step < 0.75:
                        work.answer(connection, float(next(clock)), user.id, taken.lease_id, INSULT if step < 0.1 else FINE, informed=False)
                        answered += 1
                    elif taken and step < 0.8:
                        work.skip(connection, float(next(clock)), user.id, taken.lease_id)
                    elif step > 0.95 and not idle:
                        work.undo(connection, float(next(clock)), user.id, LEASE)
                        answered -= 1
            except (LeaseLost, NothingToUndo):
                continue
        return answered

    answered = sum(at_once(work_through))
    with database.reading() as connection:
        assert audit.verify(connection).fault is None
        items = connection.execute(text("SELECT id, needed, answers, state FROM items")).all()
        pairs = [tuple(row) for row in connection.execute(standing)]
    decided = Counter(item for item, _ in pairs)
    assert len(set(pairs)) == len(pairs) == answered == sum(needed.values())
    assert all(decided[row.id] == row.answers == row.needed and row.state in ("settled", "disputed") for row in items)


def test_several_programs_may_work_on_one_store(database_url, database, at_once, new_item, queue) -> None:
    queue([new_item(f"bài {number}", needed=2) for number in range(40)])

    def work_through(user: User) -> int:
        own, answered = Database(database_url), 0
        while True:
            with own.writing() as connection:
                taken = work.next_item(connection, 1.0, user.id, LEASE, 0.0, 0.5)
            if taken is None:
                own.close()
                return answered
            with own.writing() as connection:
                work.answer(connection, 2.0, user.id, taken.lease_id, FINE, informed=False)
            answered += 1

    answered = sum(at_once(work_through))
    with database.reading() as connection:
        assert audit.verify(connection).fault is None
        assert connection.execute(text("SELECT sum(answers), min(answers), max(answers) FROM items")).one() == (answered, 2, 2)
        assert answered == 80


@pytest.mark.parametrize("tries", [6])
def test_one_person_in_many_tabs_gets_one_post_and_decides_once(database, at_once, add_people, new_item, queue, tries: int) -> None:
    queue([new_item(f"bài {number}", needed=2) for number in range(tries)])
    (user,) = add_people(1)

    def ask(user: User) -> int:
        with database.writing() as connection:
            return work.next_item(connection, 1.0, user.id, 60.0, 0.0, 0.5).lease_id

    (lease_id,) = set(at_once(ask, [user] * tries))

    def submit(user: User) -> str:
        try:
            with database.writing() as connection:
                work.answer(connection, 2.0, user.id, lease_id, FINE, informed=False)
            return "kept"
        except AlreadyDecided:
            return "twice"

    assert Counter(at_once(submit, [user] * tries)) == {"kept": 1, "twice": tries - 1}

    def undo(user: User) -> str:
        try:
            with database.writing() as connection:
                work.undo(connection, 3.0, user.id, 60.0)
            return "undone"
        except NothingToUndo:
            return "nothing"

    assert Counter(at_once(undo, [user] * tries)) == {"undone": 1, "nothing": tries - 1}
    with database.reading() as connection:
        assert connection.execute(text("SELECT max(answers) FROM items")).scalar_one() == 0
        assert audit.verify(connection).fault is None


def test_two_who_answer_at_once_and_take_back_at_once_leave_the_item_right(database, at_once, add_people, new_item, queue) -> None:
    two = add_people(2)
    for number in range(15):
        queue([new_item(f"bài {number}", needed=2)])

        def decide(user: User) -> None:
            with database.writing() as connection:
                taken = work.next_item(connection, 1.0, user.id, 60.0, 0.0, 0.5)
            with database.writing() as connection:
                work.answer(connection, 2.0, user.id, taken.lease_id, FINE if user == two[0] else INSULT, informed=False)

        def undo(user: User) -> None:
            with database.writing() as connection:
                work.undo(connection, 3.0, user.id, 60.0)

        for step, expected in ((decide, ("disputed", 2)), (undo, ("open", 0)), (decide, ("disputed", 2))):
            at_once(step, two)
            with database.reading() as connection:
                assert connection.execute(text("SELECT state, answers FROM items ORDER BY id DESC LIMIT 1")).one() == expected


def test_a_dispute_is_adjudicated_or_withdrawn_but_never_both(database, at_once, add_people, new_item, queue) -> None:
    one, two, *judges = add_people(6)
    for number in range(10):
        queue([new_item(f"bài {number}", needed=2, rank=1000.0 + number)])
        with database.writing() as connection:
            for user, given in ((one, FINE), (two, INSULT)):
                taken = work.next_item(connection, 1.0, user.id, 60.0, 0.0, 0.5)
                work.answer(connection, 1.0, user.id, taken.lease_id, given, informed=False)

        def step(user: User) -> str:
            try:
                with database.writing() as connection:
                    if user == two:
                        work.undo(connection, 2.0, user.id, 60.0)
                        return "withdrawn"
                    shown = disputes.next_dispute(connection, 2.0, user.id, 60.0)
                if shown is None:
                    return "none"
                with database.writing() as connection:
                    disputes.adjudicate(connection, 2.0, user.id, shown.lease_id, FINE)
                return "adjudicated"
            except (LeaseLost, NothingToUndo, AlreadyDecided):
                return "late"

        done = Counter(at_once(step, [two, *judges]))
        assert done["withdrawn"] + done["adjudicated"] == 1
        with database.writing() as connection:
            assert connection.execute(text("SELECT state FROM items ORDER BY id DESC LIMIT 1")).scalar_one() == (
                "open" if done["withdrawn"] else "settled"
            )
            if done["withdrawn"]:
                work.answer(connection, 3.0, two.id, work.next_item(connection, 3.0, two.id, 60.0, 0.0, 0.5).lease_id, FINE, informed=False)
    with database.reading() as connection:
        assert audit.verify(connection).fault is None
