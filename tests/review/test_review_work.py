"""The reviewer's loop: which post comes, what an answer does to it, and what can be taken back."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from classifier.review.store import (
    AlreadyDecided,
    Answer,
    Assignment,
    Database,
    InvalidAnswer,
    LeaseLost,
    NothingToUndo,
    StoreError,
    User,
    audit,
    batches,
    disputes,
    own_answers,
    people,
    work,
)

FINE = Answer(frozenset(), "complaint", 3, "")
INSULT = Answer(frozenset({"insult"}), "", 2, "gọi bạn là đồ ngu")
MINUTE = 60.0


class Reviewer:
    """One person at work; every step a transaction of its own."""

    def __init__(self, database: Database, user: User) -> None:
        self.database, self.id = database, user.id

    def __getattr__(self, name: str) -> Callable[..., object]:
        module = disputes if name in ("next_dispute", "adjudicate", "dispute") else work

        def step(now: float, *arguments: object) -> object:
            with self.database.writing() as connection:
                return getattr(module, name)(connection, now, self.id, *arguments)

        return step

    def next(self, now: float = 10.0, gold_share: float = 0.0, chance: float = 0.5) -> Assignment | None:
        return self.next_item(now, MINUTE, gold_share, chance)

    def decide(self, given: Answer, now: float = 10.0) -> Assignment:
        taken = self.next(now)
        self.answer(now, taken.lease_id, given, False)
        return taken


@pytest.fixture
def crew(database: Database, add_people: Callable[..., list[User]]) -> Callable[[int], list[Reviewer]]:
    return lambda number: [Reviewer(database, user) for user in add_people(number)]


@pytest.fixture
def state(database: Database) -> Callable[..., list[tuple[str, int]]]:
    """State and answers of all items, in the order in which they came; the audit log holds each time."""

    def read() -> list[tuple[str, int]]:
        with database.reading() as connection:
            assert audit.verify(connection).fault is None
            return [tuple(row) for row in connection.execute(text("SELECT state, answers FROM items ORDER BY id"))]

    return read


def test_the_most_urgent_post_comes_first_and_each_to_one_person(crew, queue, new_item) -> None:
    queue([new_item("sau", rank=1.0), new_item("trước", rank=2.0)])
    one, two, three = crew(3)
    assert (one.next().text, two.next().text, three.next()) == ("trước", "sau", None)


def test_asking_again_gives_the_same_post(crew, queue, new_item) -> None:
    queue([new_item("a"), new_item("b")])
    (one,) = crew(1)
    first = one.next(10.0)
    assert one.next(50.0) == one.assignment(69.0, first.lease_id) == first
    assert first.expires_at == 70.0


def test_a_post_that_needs_two_goes_to_two_at_once_and_never_twice_to_one(crew, queue, new_item) -> None:
    queue([new_item("a", needed=2)])
    one, two, three = crew(3)
    assert one.next().item_id == two.next().item_id
    assert three.next() is None
    one.answer(11.0, one.next().lease_id, FINE, False)
    assert one.next(12.0) is None
    assert three.next(12.0) is None  # the second look is under way
    assert three.next(200.0) is not None  # and was given up


def test_an_expired_lease_frees_the_post_and_refuses_the_late_answer(crew, queue, new_item, state) -> None:
    queue([new_item("a")])
    one, two = crew(2)
    late = one.next(10.0)
    assert two.next(69.9) is None
    taken = two.next(70.0)
    assert taken.item_id == late.item_id
    with pytest.raises(LeaseLost):
        one.answer(70.0, late.lease_id, FINE, False)
    with pytest.raises(LeaseLost):
        one.answer(69.9, late.lease_id, FINE, False)  # sent in time, but it waited for its turn for too long
    with pytest.raises(LeaseLost):
        one.assignment(70.0, late.lease_id)
    two.answer(71.0, taken.lease_id, FINE, False)
    assert state() == [("settled", 1)]


@pytest.mark.parametrize("lease_id", [0, -1, 2, 2**31, 10**30])
def test_anothers_or_an_unknown_lease_is_refused(crew, queue, new_item, state, lease_id: int) -> None:
    queue([new_item("a"), new_item("b")])
    one, two = crew(2)
    one.next(), two.next()
    for step in (
        lambda: one.answer(11.0, lease_id, FINE, False),
        lambda: one.revise(11.0, lease_id, FINE),
        lambda: one.skip(11.0, lease_id),
        lambda: one.release(11.0, lease_id),
        lambda: one.assignment(11.0, lease_id),
        lambda: one.adjudicate(11.0, lease_id, FINE),
        lambda: one.dispute(11.0, lease_id),
    ):
        with pytest.raises(LeaseLost):
            step()
    assert state() == [("open", 0)] * 2


def test_a_double_submit_counts_once(crew, queue, new_item, state, database) -> None:
    queue([new_item("a", needed=2)])
    (one,) = crew(1)
    taken = one.decide(FINE)
    for late in (11.0, 1000.0):
        with pytest.raises(AlreadyDecided):
            one.answer(late, taken.lease_id, INSULT, False)
    with pytest.raises(AlreadyDecided):
        one.assignment(11.0, taken.lease_id)
    assert state() == [("open", 1)]


@pytest.mark.parametrize(
    "given",
    [
        Answer(frozenset({"spam"}), "", 3, "x"),
        Answer(frozenset({"insult"}), "", 3, "  \n"),
        Answer(frozenset({"insult"}), "complaint", 3, "x"),
        Answer(frozenset(), "nothing", 3, ""),
        Answer(frozenset(), "", 0, ""),
        Answer(frozenset(), "", 4, ""),
    ],
)
def test_an_answer_that_breaks_the_rules_is_refused_and_the_post_stays(crew, queue, new_item, state, given: Answer) -> None:
    queue([new_item("a")])
    (one,) = crew(1)
    taken = one.next()
    with pytest.raises(InvalidAnswer):
        one.answer(11.0, taken.lease_id, given, False)
    assert one.next(12.0).lease_id == taken.lease_id
    assert state() == [("open", 0)]


def test_a_rationale_is_kept_whatever_is_in_it(crew, queue, new_item, state, database) -> None:
    queue([new_item("a\0b \ud800", needed=2)])
    (one,) = crew(1)
    one.decide(Answer(frozenset({"insult"}), "", 1, "'); DROP TABLE decisions; -- \0 \ud83d 𝄞 ễ"))
    with database.reading() as connection:
        assert connection.execute(text("SELECT rationale FROM decisions")).scalar_one() == "'); DROP TABLE decisions; --   ? 𝄞 ễ"
    assert state() == [("open", 1)]


def test_agreement_settles_and_difference_is_disputed(crew, queue, new_item, state) -> None:
    queue([new_item("a", needed=2), new_item("b", needed=2), new_item("c")])
    one, two = crew(2)
    for given in (FINE, INSULT, INSULT):
        one.decide(given)
    both = Answer(frozenset({"insult", "ethics"}), "", 1, "x")
    for given in (Answer(frozenset(), "", 1, "khác lý do"), both):
        two.decide(given)
    assert two.next() is None
    assert state() == [("settled", 2), ("disputed", 2), ("settled", 1)]


def test_skipped_posts_come_last_and_go_to_others_at_once(crew, queue, new_item) -> None:
    queue([new_item("a"), new_item("b")])
    one, two = crew(2)
    one.skip(10.0, one.next().lease_id)
    assert two.next().text == "a"
    two.release(11.0, two.next().lease_id)
    one.answer(12.0, one.next(11.5).lease_id, FINE, False)
    assert one.next(13.0).text == "a"


def test_a_post_given_back_comes_again(crew, queue, new_item) -> None:
    queue([new_item("a"), new_item("b")])
    (one,) = crew(1)
    taken = one.next()
    one.release(10.0, taken.lease_id)
    assert one.next().text == "a"
    for step in (one.release, one.skip):
        with pytest.raises(LeaseLost):
            step(11.0, taken.lease_id)
    with pytest.raises(LeaseLost):
        one.answer(11.0, taken.lease_id, FINE, False)


def test_a_changed_mind_replaces_the_answer_once(crew, queue, new_item, state) -> None:
    queue([new_item("a", needed=2)])
    one, two = crew(2)
    taken = one.decide(FINE)
    two.decide(INSULT)
    assert state() == [("disputed", 2)]
    one.revise(12.0, taken.lease_id, INSULT)
    assert state() == [("settled", 2)]
    with pytest.raises(AlreadyDecided):
        one.revise(13.0, taken.lease_id, FINE)
    assert state() == [("settled", 2)]


def test_a_changed_mind_can_bring_a_dispute_about(crew, queue, new_item, state) -> None:
    queue([new_item("a", needed=2)])
    one, two = crew(2)
    one.decide(FINE)
    taken = two.decide(FINE)
    two.revise(12.0, taken.lease_id, INSULT)
    assert state() == [("disputed", 2)]


def test_only_an_answer_that_stands_can_be_changed(crew, queue, new_item, state) -> None:
    queue([new_item("a", needed=2)])
    one, two = crew(2)
    taken = one.next()
    with pytest.raises(LeaseLost):
        one.revise(11.0, taken.lease_id, FINE)
    one.answer(11.0, taken.lease_id, FINE, False)
    with pytest.raises(LeaseLost):
        two.revise(12.0, taken.lease_id, INSULT)
    one.undo(12.0, MINUTE)
    with pytest.raises(LeaseLost):
        one.revise(13.0, taken.lease_id, INSULT)


def test_nothing_to_undo_for_a_newcomer(crew, queue, new_item) -> None:
    queue([new_item("a")])
    one, two = crew(2)
    two.decide(FINE)
    with pytest.raises(NothingToUndo):
        one.undo(12.0, MINUTE)


@pytest.mark.parametrize("revised", [False, True])
@pytest.mark.parametrize(("needed", "second", "before"), [(1, None, "settled"), (2, None, "open"), (2, FINE, "settled"), (2, INSULT, "disputed")])
def test_undo_reopens_the_post_for_the_same_person(crew, queue, new_item, state, needed, second, before, revised) -> None:
    queue([new_item("a", needed=needed), new_item("b")])
    one, two, three = crew(3)
    taken = one.decide(INSULT if revised else FINE)
    if revised:
        one.revise(10.0, taken.lease_id, FINE)
    if second:
        two.decide(second)
    assert state()[0][0] == before
    one.next(11.0)
    again = one.undo(12.0, MINUTE)
    left = 1 if second else 0
    assert state() == [("open", left), ("open", 0)]
    assert again.item_id == taken.item_id and again.lease_id != taken.lease_id
    assert one.next(13.0).lease_id == again.lease_id
    assert three.next(14.0).text == ("a" if needed == 2 and not second else "b")  # b was given back
    with pytest.raises(AlreadyDecided):
        one.answer(14.0, taken.lease_id, INSULT, False)
    one.answer(15.0, again.lease_id, second or FINE, False)
    assert state()[0] == ("settled" if needed == 1 or second else "open", left + 1)


def test_undo_again_takes_back_the_one_before(crew, queue, new_item, state) -> None:
    queue([new_item("a"), new_item("b")])
    (one,) = crew(1)
    one.decide(FINE), one.decide(FINE, 11.0)
    assert [one.undo(12.0, MINUTE).text, one.undo(13.0, MINUTE).text] == ["b", "a"]
    with pytest.raises(NothingToUndo):
        one.undo(14.0, MINUTE)
    assert state() == [("open", 0)] * 2


def test_undo_of_an_adjudicated_or_a_gold_item_is_refused(crew, queue, new_item, state, database) -> None:
    queue([new_item("a", needed=2)])
    one, two, three = crew(3)
    taken = one.decide(FINE)
    two.decide(INSULT)
    three.adjudicate(11.0, three.next_dispute(11.0, MINUTE).lease_id, FINE)
    for reviewer in (one, two):
        with pytest.raises(NothingToUndo):
            reviewer.undo(12.0, MINUTE)
    with pytest.raises(AlreadyDecided):
        one.revise(12.0, taken.lease_id, INSULT)
    with database.writing() as connection:
        batches.add_gold(connection, 12.0, [new_item("vàng")], [frozenset()])
    one.answer(14.0, one.next(13.0, gold_share=1.0).lease_id, FINE, False)
    with pytest.raises(NothingToUndo):
        one.undo(15.0, MINUTE)
    assert state() == [("settled", 2), ("gold", 0)]


@pytest.mark.parametrize("lease_id", [0, 10**30])
def test_an_answer_that_there_never_was_cannot_be_looked_at(crew, database, lease_id: int) -> None:
    (one,) = crew(1)
    with pytest.raises(StoreError), database.reading() as connection:
        own_answers.own_answer(connection, one.id, lease_id)


def test_whoever_answers_again_after_an_undo_had_seen_the_suggestion(crew, queue, new_item, database) -> None:
    queue([new_item("a", needed=2)])
    (one,) = crew(1)
    one.decide(FINE)
    one.answer(12.0, one.undo(11.0, MINUTE).lease_id, INSULT, False)
    with database.reading() as connection:
        told = connection.execute(text("SELECT kind, informed FROM decisions ORDER BY id")).all()
    assert [(kind, bool(informed)) for kind, informed in told] == [("answer", False), ("undo", True), ("answer", True)]


def test_gold_items_come_by_chance_once_to_everybody_and_never_settle(crew, queue, new_item, state, database) -> None:
    queue([new_item("a")])
    with database.writing() as connection:
        known = [frozenset({"insult"}), frozenset()]
        assert batches.add_gold(connection, 0.0, [new_item("vàng 1"), new_item("vàng 2")], known) == 2
    one, two = crew(2)
    assert not two.next(10.0, gold_share=0.5, chance=0.5).gold
    seen = [one.next(10.0, gold_share=0.5, chance=chance) for chance in (0.499,)]
    one.answer(10.0, seen[0].lease_id, FINE, False)
    seen.append(one.next(11.0, gold_share=0.5, chance=0.0))
    one.answer(11.0, seen[1].lease_id, FINE, False)
    assert [(taken.text, taken.gold) for taken in seen] == [("vàng 2", True), ("vàng 1", True)]
    assert one.next(12.0, gold_share=1.0, chance=0.0) is None  # the other has the only post
    two.release(12.0, two.next(12.0).lease_id)
    assert two.next(12.0, gold_share=1.0, chance=0.9).text == "vàng 2"
    assert state() == [("open", 0), ("gold", 0), ("gold", 0)]


def test_the_models_view_is_shown_after_ones_own_answer_only(crew, queue, new_item, database) -> None:
    queue([new_item("a", needed=2)])
    one, two = crew(2)
    taken = one.next()
    two.decide(FINE)

    def view(reviewer: Reviewer, item_id: int = taken.item_id) -> own_answers.ModelView:
        with database.reading() as connection:
            return own_answers.model_view(connection, reviewer.id, item_id)

    for item_id in (taken.item_id, 0, 99, 10**30):
        with pytest.raises(StoreError):
            view(one, item_id)
    assert view(two).decision == "review"
    assert view(two).probability["insult"] == 0.4
    assert (view(two).routes["ethics"], view(two).text, view(two).known) == ("review", "a", None)
    two.undo(12.0, MINUTE)
    with pytest.raises(StoreError):
        view(two)


def test_the_days_work_leaves_out_what_was_taken_back(crew, queue, new_item, database) -> None:
    queue([new_item(text) for text in "abcd"])
    (one,) = crew(1)
    for now in (10.0, 20.0, 30.0):
        taken = one.decide(FINE, now)
    one.revise(31.0, taken.lease_id, INSULT)
    one.decide(FINE, 40.0)
    one.undo(41.0, MINUTE)
    with database.reading() as connection:
        assert [own_answers.own_day(connection, one.id, since) for since in (0.0, 20.0, 31.0)] == [3, 2, 0]


def test_a_closed_account_gets_and_keeps_no_post(crew, queue, new_item, database) -> None:
    queue([new_item("a")])
    one, two = crew(2)
    taken = one.next()
    with database.writing() as connection:
        people.deactivate(connection, 11.0, one.id)
    assert two.next(12.0).item_id == taken.item_id
    for step in (lambda: one.next(12.0), lambda: one.answer(12.0, taken.lease_id, FINE, False), lambda: one.undo(12.0, MINUTE)):
        with pytest.raises(LeaseLost):
            step()
