"""Adjudication: somebody who answered neither way decides between two answers, shown without names."""

import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, exists, not_, select, update

from classifier.review.store import answers
from classifier.review.store.answers import Answer
from classifier.review.store.errors import LeaseLost
from classifier.review.store.leases import ITEM, PERSON, Handout, end, had, held, hold_item, hold_person, out, owned, running
from classifier.review.store.schema import decisions, items

_TOOK_PART = exists(select(decisions.c.id).where(decisions.c.item_id == items.c.id, decisions.c.user_id == PERSON))
_DECIDABLE = and_(items.c.state == "disputed", not_(_TOOK_PART), out(adjudicates=True) == 0)
_FRESH = Handout(and_(_DECIDABLE, not_(had("skipped"))), adjudicates=True)
_SKIPPED = Handout(and_(_DECIDABLE, had("skipped")), adjudicates=True)
_TEXT = select(items.c.text).where(items.c.id == ITEM)
_SETTLE = update(items).where(items.c.id == ITEM).values(state="settled")


@dataclass(frozen=True)
class Dispute:
    """A post on which people differ.

    Attributes
    ----------
    item_id, lease_id : int
    text : str
    answers : list of Answer
        Without names, in an order that says nothing and stays the same.
    """

    item_id: int
    lease_id: int
    text: str
    answers: list[Answer]


def next_dispute(connection: Connection, now: float, user_id: int, seconds: float) -> Dispute | None:
    """Hand out the next dispute: the one that is handed out already, else the first that this person has never answered.

    Parameters
    ----------
    connection, now, user_id, seconds
        As for `work.next_item`.

    Returns
    -------
    Dispute or None

    Raises
    ------
    LeaseLost
        If the account is closed.
    """
    hold_person(connection, user_id)
    lease = running(connection, now, user_id, adjudicates=True)
    for handout in (_FRESH, _SKIPPED):
        lease = lease or handout.take_first(connection, now, user_id, seconds)
    return _dispute(connection, lease) if lease else None


def dispute(connection: Connection, now: float, user_id: int, lease_id: int) -> Dispute:
    """Give the dispute of a lease that is this person's and runs.

    Raises
    ------
    AlreadyDecided, LeaseLost
        If it was decided, or isn't handed out to this person any more.
    """
    return _dispute(connection, held(connection, now, user_id, lease_id, adjudicates=True))


def adjudicate(connection: Connection, now: float, user_id: int, lease_id: int, given: Answer) -> int:
    """Settle a dispute for good.

    Parameters
    ----------
    connection, now, user_id
        As for `work.next_item`.
    lease_id : int
        Of the `Dispute`.
    given : Answer
        The final answer.

    Returns
    -------
    int
        Number of the decision.

    Raises
    ------
    InvalidAnswer
        If the answer can't be kept.
    AlreadyDecided, LeaseLost
        If it was given before, or the dispute isn't handed out to this person any more, such as when a reviewer took an answer back.
    """
    answers.check(given)
    hold_person(connection, user_id)
    item = hold_item(connection, owned(connection, user_id, lease_id).item_id)
    lease = held(connection, now, user_id, lease_id, adjudicates=True)
    if item.state != "disputed":
        raise LeaseLost("the reviewers no longer differ")
    decision = answers.write(connection, now, lease, "adjudication", given, informed=False)
    end(connection, lease.id, "answered")
    connection.execute(_SETTLE, {"item": item.id, "settled_at": now})
    return answers.record(connection, now, decision)


def _dispute(connection: Connection, lease: Row[Any]) -> Dispute:
    text = connection.execute(_TEXT, {"item": lease.item_id}).scalar_one()
    rows = sorted(answers.current(connection, lease.item_id), key=lambda row: hashlib.sha256(f"{row.lease_id}".encode()).digest())
    shown = [Answer(answers.parted(row.categories), row.slice, row.confidence, row.rationale) for row in rows]
    return Dispute(lease.item_id, lease.id, text, shown)
