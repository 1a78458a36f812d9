"""Adjudication: to whom a dispute goes, what they see, and that it is final."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from classifier.review.store import AlreadyDecided, Answer, Database, Dispute, LeaseLost, NewItem, User, disputes, own_answers, work

FINE = Answer(frozenset(), "complaint", 3, "góp ý")
INSULT = Answer(frozenset({"insult"}), "", 2, "chửi người khác")
MINUTE = 60.0


@pytest.fixture
def dispute(database: Database, new_item: Callable[..., NewItem], queue: Callable[..., int]) -> Callable[..., None]:
    """Lets two people differ on a new post, which the second may answer before the first."""

    def differ(one: User, two: User, text: str = "bài", now: float = 10.0) -> None:
        queue([new_item(text, needed=2)])
        with database.writing() as connection:
            for user, given in ((one, FINE), (two, INSULT)):
                taken = work.next_item(connection, now, user.id, MINUTE, 0.0, 0.5)
                assert taken.text == text
                work.answer(connection, now, user.id, taken.lease_id, given, informed=False)

    return differ


@pytest.fixture
def ask(database: Database) -> Callable[..., Dispute | None]:
    def step(user: User, now: float = 20.0) -> Dispute | None:
        with database.writing() as connection:
            return disputes.next_dispute(connection, now, user.id, MINUTE)

    return step


def adjudicate(database: Database, user: User, lease_id: int, given: Answer = FINE, now: float = 21.0) -> int:
    with database.writing() as connection:
        return disputes.adjudicate(connection, now, user.id, lease_id, given)


def test_a_dispute_goes_to_one_person_who_took_no_part(database, add_people, dispute, ask) -> None:
    one, two, three, four = add_people(4)
    dispute(one, two)
    assert ask(one) is None and ask(two) is None
    shown = ask(three)
    assert ask(four) is None
    assert ask(three).lease_id == shown.lease_id
    assert ask(four, 80.0).item_id == shown.item_id  # its time was over
    with pytest.raises(LeaseLost):
        adjudicate(database, three, shown.lease_id, now=81.0)


def test_whoever_answered_and_took_it_back_does_not_adjudicate(database, add_people, new_item, queue, dispute, ask) -> None:
    one, two, three = add_people(3)
    queue([new_item("bài", needed=2)])
    with database.writing() as connection:
        taken = work.next_item(connection, 1.0, three.id, MINUTE, 0.0, 0.5)
        work.answer(connection, 1.0, three.id, taken.lease_id, FINE, informed=False)
        work.release(connection, 2.0, three.id, work.undo(connection, 2.0, three.id, MINUTE).lease_id)
        for user, given in ((one, FINE), (two, INSULT)):
            taken = work.next_item(connection, 3.0, user.id, MINUTE, 0.0, 0.5)
            work.answer(connection, 3.0, user.id, taken.lease_id, given, informed=False)
    assert ask(three) is None


def test_both_answers_are_shown_without_names_in_an_order_that_stays(database, add_people, dispute, ask) -> None:
    one, two, three = add_people(3)
    orders = set()
    for number in range(12):
        dispute(one, two, f"bài {number}")
        shown = ask(three)
        assert shown.text == f"bài {number}"
        assert sorted(shown.answers, key=lambda given: given.confidence) == [INSULT, FINE]
        with database.reading() as connection:
            assert disputes.dispute(connection, 21.0, three.id, shown.lease_id) == shown
        orders.add(shown.answers[0])
        adjudicate(database, three, shown.lease_id)
    assert orders == {FINE, INSULT}


def test_an_adjudication_is_final_and_counts_once(database, add_people, dispute, ask) -> None:
    one, two, three = add_people(3)
    dispute(one, two)
    shown = ask(three)
    adjudicate(database, three, shown.lease_id, INSULT)
    with pytest.raises(AlreadyDecided):
        adjudicate(database, three, shown.lease_id, FINE)
    assert ask(three) is None
    with database.reading() as connection:
        assert connection.execute(text("SELECT state, settled_at FROM items")).one() == ("settled", 21.0)
        assert connection.execute(text("SELECT categories FROM decisions WHERE kind = 'adjudication'")).scalars().all() == ["insult"]
        assert own_answers.own_day(connection, three.id, 0.0) == 1


def test_an_adjudication_that_waited_too_long_for_its_turn_comes_too_late(database, add_people, dispute, ask) -> None:
    one, two, three, four = add_people(4)
    dispute(one, two)
    late, shown = ask(three, 20.0), ask(four, 80.0)
    adjudicate(database, four, shown.lease_id, INSULT, now=81.0)
    with pytest.raises(LeaseLost):
        adjudicate(database, three, late.lease_id, FINE, now=79.9)


def test_a_dispute_that_a_reviewer_ends_is_taken_from_the_adjudicator(database, add_people, dispute, ask) -> None:
    one, two, three = add_people(3)
    dispute(one, two)
    shown = ask(three)
    with database.writing() as connection:
        again = work.undo(connection, 21.0, two.id, MINUTE)
    with pytest.raises(LeaseLost):
        adjudicate(database, three, shown.lease_id)
    assert ask(three) is None
    with database.writing() as connection:
        work.release(connection, 22.0, two.id, again.lease_id)
        assert work.next_item(connection, 23.0, three.id, MINUTE, 0.0, 0.5) is None  # three has read both answers


def test_a_review_lease_adjudicates_nothing_and_the_other_way_round(database, add_people, new_item, queue, dispute, ask) -> None:
    one, two, three = add_people(3)
    dispute(one, two)
    queue([new_item("khác")])
    shown = ask(three)
    with database.writing() as connection:
        taken = work.next_item(connection, 20.0, three.id, MINUTE, 0.0, 0.5)
    assert taken.text == "khác"
    with pytest.raises(LeaseLost):
        adjudicate(database, three, taken.lease_id)
    with pytest.raises(LeaseLost), database.writing() as connection:
        work.answer(connection, 21.0, three.id, shown.lease_id, FINE, informed=False)
    adjudicate(database, three, shown.lease_id)


def test_a_skipped_dispute_comes_last(database, add_people, dispute, ask) -> None:
    one, two, three, four = add_people(4)
    dispute(one, two, "đầu")
    dispute(one, two, "sau")
    shown = ask(three)
    with database.writing() as connection:
        work.skip(connection, 20.0, three.id, shown.lease_id)
    assert ask(four).text == shown.text == "đầu"
    assert ask(three).text == "sau"
