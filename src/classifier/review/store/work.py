"""The reviewer's loop: take a post, answer, change one's mind, take an answer back, skip."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, exists, not_, or_, select, true, update

from classifier.review.store import answers
from classifier.review.store.answers import Answer
from classifier.review.store.errors import AlreadyDecided, LeaseLost, NothingToUndo
from classifier.review.store.leases import (
    ITEM,
    LEASE,
    PERSON,
    Handout,
    end,
    had,
    held,
    hold_item,
    hold_person,
    out,
    owned,
    running,
    seen_dispute,
)
from classifier.review.store.schema import decisions, items, leases

_ROOM = items.c.answers + out(adjudicates=False) < items.c.needed
_WANTED = and_(items.c.state == "open", not_(had("answered")), not_(seen_dispute()), _ROOM)
_FRESH = Handout(and_(_WANTED, not_(had("skipped"))))
_SKIPPED = Handout(and_(_WANTED, had("skipped")))
_GOLD = Handout(and_(items.c.state == "gold", not_(had("answered", "skipped"))))
_AGAIN = Handout(true())

_SHOWN = select(items.c.text, items.c.state).where(items.c.id == ITEM)
_PLACE = select(
    or_(items.c.state == "gold", and_(items.c.state == "open", _ROOM)).label("asked"),
    exists(select(decisions.c.id).where(decisions.c.item_id == items.c.id, decisions.c.user_id == PERSON)).label("answered"),
).where(items.c.id == ITEM)
_LAST = select(decisions).where(decisions.c.lease_id == LEASE).order_by(decisions.c.id.desc()).limit(1)
_STANDING = (
    select(leases)
    .join_from(leases, decisions, decisions.c.lease_id == leases.c.id)
    .where(decisions.c.user_id == PERSON, decisions.c.kind == "answer", leases.c.outcome == "answered")
    .order_by(decisions.c.id.desc())
    .limit(1)
)
_RELEASE = update(leases).where(leases.c.user_id == PERSON, leases.c.outcome.is_(None), not_(leases.c.adjudicates)).values(outcome="released")


@dataclass(frozen=True)
class Assignment:
    """A post that is handed out to somebody.

    Attributes
    ----------
    lease_id, item_id : int
    text : str
        The post, personal data masked.
    expires_at : float
        Unix seconds at which it goes back into the queue.
    gold : bool
        Whether its right answer is known; not to be shown before the answer.
    """

    lease_id: int
    item_id: int
    text: str
    expires_at: float
    gold: bool


def next_item(connection: Connection, now: float, user_id: int, seconds: float, gold_share: float, chance: float) -> Assignment | None:
    """Hand out the next post: the one that is handed out already, at times a gold one, else the first of the queue.

    Parameters
    ----------
    connection : Connection
        Of `Database.writing`.
    now : float
        Unix seconds.
    user_id : int
        Whose next post.
    seconds : float
        After so long it goes back into the queue.
    gold_share : float
        Share of the posts that are gold ones this person hasn't seen, as long as there are any.
    chance : float
        Random number in [0, 1) that decides on gold or not, and which.

    Returns
    -------
    Assignment or None
        None if nothing is left for this person.

    Raises
    ------
    LeaseLost
        If the account is closed.
    """
    hold_person(connection, user_id)
    lease = running(connection, now, user_id, adjudicates=False)
    if not lease and chance < gold_share:
        lease = _take_gold(connection, now, user_id, seconds, chance / gold_share)
    for handout in (_FRESH, _SKIPPED):
        lease = lease or handout.take_first(connection, now, user_id, seconds)
    return _assignment(connection, lease) if lease else None


def assignment(connection: Connection, now: float, user_id: int, lease_id: int) -> Assignment:
    """Give the post of a lease that is this person's and runs.

    Raises
    ------
    AlreadyDecided, LeaseLost
        If it was answered, or isn't handed out to this person any more.
    """
    return _assignment(connection, held(connection, now, user_id, lease_id, adjudicates=False))


def answer(connection: Connection, now: float, user_id: int, lease_id: int, given: Answer, informed: bool) -> int:
    """Keep somebody's answer.

    Parameters
    ----------
    connection, now, user_id
        As for `next_item`.
    lease_id : int
        Of the `Assignment`.
    given : Answer
        The answer.
    informed : bool
        Whether the model's suggestion was in view. Somebody who had answered the post before and taken it back has seen it anyhow.

    Returns
    -------
    int
        Number of the decision.

    Raises
    ------
    InvalidAnswer
        If the answer can't be kept.
    AlreadyDecided, LeaseLost
        If it was given before, or the post isn't handed out to this person any more.
    """
    answers.check(given)
    hold_person(connection, user_id)
    lease = held(connection, now, user_id, lease_id, adjudicates=False)
    item = hold_item(connection, lease.item_id)
    place = connection.execute(_PLACE, {"item": item.id, "person": user_id, "instant": now}).one()
    if not place.asked:
        raise LeaseLost("the time for the post ran out while the answer waited for its turn, and somebody else has it")
    decision = answers.write(connection, now, lease, "answer", given, informed or place.answered)
    end(connection, lease.id, "answered")
    answers.settle(connection, now, item)
    return answers.record(connection, now, decision)


def revise(connection: Connection, now: float, user_id: int, lease_id: int, given: Answer) -> int:
    """Keep a changed mind, once for an answer, after the model's suggestion was shown; the first answer stays on record.

    Parameters
    ----------
    connection, now, user_id
        As for `next_item`.
    lease_id : int
        Under which the answer was given.
    given : Answer
        The new answer.

    Returns
    -------
    int
        Number of the decision.

    Raises
    ------
    InvalidAnswer
        If the answer can't be kept.
    AlreadyDecided
        If it was changed before, or the item was adjudicated.
    LeaseLost
        If there is no answer of this person to change.
    """
    answers.check(given)
    hold_person(connection, user_id)
    lease = owned(connection, user_id, lease_id)
    if lease.outcome != "answered" or lease.adjudicates:
        raise LeaseLost("there is no answer to change")
    item = hold_item(connection, lease.item_id)
    last = _last(connection, lease.id)
    if last.kind != "answer" or answers.adjudicated(connection, item.id):
        raise AlreadyDecided("the answer was changed before, or the item was adjudicated")
    decision = answers.write(connection, now, lease, "revision", given, informed=True, supersedes=last.id)
    answers.settle(connection, now, item)
    return answers.record(connection, now, decision)


def undo(connection: Connection, now: float, user_id: int, seconds: float) -> Assignment:
    """Take back this person's last answer that still counts; its post is handed out to them again, what they had before them goes back.

    Raises
    ------
    NothingToUndo
        If there is none, or it was on an adjudicated or a gold item.
    LeaseLost
        If the account is closed.
    """
    hold_person(connection, user_id)
    lease = connection.execute(_STANDING, {"person": user_id}).one_or_none()
    item = hold_item(connection, lease.item_id) if lease else None
    if lease is None or item is None or item.state == "gold" or answers.adjudicated(connection, item.id):
        raise NothingToUndo("there is no answer that could be taken back")
    decision = answers.write(connection, now, lease, "undo", None, informed=True, supersedes=_last(connection, lease.id).id)
    end(connection, lease.id, "undone")
    connection.execute(_RELEASE, {"person": user_id})
    again = _AGAIN.take(connection, now, user_id, item.id, seconds)
    assert again is not None
    answers.settle(connection, now, item)
    answers.record(connection, now, decision)
    return _assignment(connection, again)


def skip(connection: Connection, now: float, user_id: int, lease_id: int) -> None:
    """Put a post aside, or a dispute: it comes to this person last.

    Raises
    ------
    LeaseLost
        If it isn't before this person.
    """
    _give_back(connection, user_id, lease_id, "skipped")


def release(connection: Connection, now: float, user_id: int, lease_id: int) -> None:
    """Put a post, or a dispute, back into the queue; it may come again at once.

    Raises
    ------
    LeaseLost
        If it isn't before this person.
    """
    _give_back(connection, user_id, lease_id, "released")


def _take_gold(connection: Connection, now: float, user_id: int, seconds: float, chance: float) -> Row[Any] | None:
    new = _GOLD.all(connection, now, user_id)
    return _GOLD.take(connection, now, user_id, new[int(chance * len(new))], seconds) if new else None


def _assignment(connection: Connection, lease: Row[Any]) -> Assignment:
    item = connection.execute(_SHOWN, {"item": lease.item_id}).one()
    return Assignment(lease.id, lease.item_id, item.text, lease.expires_at, item.state == "gold")


def _last(connection: Connection, lease_id: int) -> Row[Any]:
    return connection.execute(_LAST, {"lease": lease_id}).one()


def _give_back(connection: Connection, user_id: int, lease_id: int, outcome: str) -> None:
    hold_person(connection, user_id)
    lease = owned(connection, user_id, lease_id)
    if lease.outcome is not None:
        raise LeaseLost("the post was given back or answered before")
    end(connection, lease.id, outcome)
