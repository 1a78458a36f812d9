"""Who has which post before them: rows are locked in one order (person, item, audit log), so that nobody waits in a circle.

Statements are built once, with these parameters: `person`, `instant`, `item`, `lease`.
"""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Float, Integer, Row, bindparam, exists, func, insert, literal, or_, select, update

from classifier.review.store.errors import AlreadyDecided, LeaseLost
from classifier.review.store.schema import decisions, items, leases, users

PERSON = bindparam("person", type_=Integer)
INSTANT = bindparam("instant", type_=Float)
ITEM = bindparam("item", type_=Integer)
LEASE = bindparam("lease", type_=Integer)
LARGEST = 2**31 - 1
"""Of a number in the store."""

_IN_QUEUE = items.c.rank.desc(), items.c.id.desc()
_MINE = leases.c.user_id == PERSON, leases.c.outcome.is_(None), leases.c.expires_at > INSTANT
_DECIDED = exists(select(decisions.c.id).where(decisions.c.lease_id == leases.c.id)).label("decided")

_HOLD_PERSON = select(users.c.id).where(users.c.id == PERSON, users.c.active).with_for_update(key_share=True)
_HOLD_ITEM = select(items).where(items.c.id == ITEM).with_for_update(key_share=True)
_OWNED = select(leases, _DECIDED).where(leases.c.id == LEASE, leases.c.user_id == PERSON)
_RUNNING = {kind: select(leases).where(*_MINE, leases.c.adjudicates.is_(kind)).order_by(leases.c.id.desc()).limit(1) for kind in (False, True)}
_END = update(leases).where(leases.c.id == LEASE)


def hold_person(connection: Connection, user_id: int) -> None:
    """Let one request of a person at a time go on: two tabs don't get two posts.

    Raises
    ------
    LeaseLost
        If there is no such active account.
    """
    if connection.execute(_HOLD_PERSON, {"person": user_id}).first() is None:
        raise LeaseLost("this account is closed")


def hold_item(connection: Connection, item_id: int) -> Row[Any]:
    """Lock an item until the transaction ends."""
    return connection.execute(_HOLD_ITEM, {"item": item_id}).one()


def running(connection: Connection, now: float, user_id: int, adjudicates: bool) -> Row[Any] | None:
    """Give the lease that somebody holds."""
    return connection.execute(_RUNNING[adjudicates], {"person": user_id, "instant": now}).one_or_none()


def owned(connection: Connection, user_id: int, lease_id: int) -> Row[Any]:
    """Give a lease of this person, in whatever state, and whether there is a decision under it (`decided`).

    Raises
    ------
    LeaseLost
        If there is none of this number.
    """
    row = connection.execute(_OWNED, {"person": user_id, "lease": lease_id}).one_or_none() if 0 < lease_id <= LARGEST else None
    if row is None:
        raise LeaseLost("the post isn't handed out to this person")
    return row


def held(connection: Connection, now: float, user_id: int, lease_id: int, adjudicates: bool) -> Row[Any]:
    """Give a lease that has to be this person's and to run still.

    Raises
    ------
    AlreadyDecided
        If its decision was given before.
    LeaseLost
        If it is another's, was given back or has expired.
    """
    lease = owned(connection, user_id, lease_id)
    if lease.adjudicates != adjudicates:
        raise LeaseLost("the post isn't handed out to this person")
    if lease.decided:
        raise AlreadyDecided("the decision was given before")
    if lease.outcome is not None or lease.expires_at <= now:
        raise LeaseLost("the post was given back, or the time for it is over")
    return lease


def end(connection: Connection, lease_id: int, outcome: str) -> None:
    """Write down how a lease ended."""
    connection.execute(_END, {"lease": lease_id, "outcome": outcome})


def had(*outcomes: str) -> ColumnElement[bool]:
    """Condition on an item: a lease of the person on it ended in one of these ways."""
    ended = or_(*(leases.c.outcome == outcome for outcome in outcomes))  # an IN would be written out anew each time
    return exists(select(leases.c.id).where(leases.c.item_id == items.c.id, leases.c.user_id == PERSON, ended))


def seen_dispute() -> ColumnElement[bool]:
    """Condition on an item: the person has had its answers before them."""
    return exists(select(leases.c.id).where(leases.c.item_id == items.c.id, leases.c.user_id == PERSON, leases.c.adjudicates))


def out(adjudicates: bool) -> ColumnElement[int]:
    """Number, for an item, of other people who have it before them."""
    others = leases.c.user_id != PERSON, leases.c.outcome.is_(None), leases.c.expires_at > INSTANT, leases.c.adjudicates.is_(adjudicates)
    return select(func.count()).select_from(leases).where(leases.c.item_id == items.c.id, *others).scalar_subquery()


class Handout:
    """Hands out the items that a condition on them, the person and the instant allows.

    Parameters
    ----------
    allowed : ColumnElement of bool
        Condition.
    adjudicates : bool, optional
        Whether with their answers, to decide between them.
    """

    def __init__(self, allowed: ColumnElement[bool], adjudicates: bool = False) -> None:
        self._first = select(items.c.id).where(allowed).order_by(*_IN_QUEUE).limit(1)
        self._all = select(items.c.id).where(allowed).order_by(items.c.id)
        values = items.c.id, PERSON, literal(adjudicates), INSTANT, bindparam("expiry", type_=Float)
        columns = ["item_id", "user_id", "adjudicates", "taken_at", "expires_at"]
        self._take = insert(leases).from_select(columns, select(*values).where(items.c.id == ITEM, allowed)).returning(*leases.c)

    def all(self, connection: Connection, now: float, user_id: int) -> list[int]:
        """Give the items that the condition allows."""
        return list(connection.execute(self._all, {"person": user_id, "instant": now}).scalars())

    def take(self, connection: Connection, now: float, user_id: int, item_id: int, seconds: float) -> Row[Any] | None:
        """Hand out an item if the condition holds, as the database stands now and not when the item was found."""
        values = {"person": user_id, "instant": float(now), "item": item_id, "expiry": float(now + seconds)}
        return connection.execute(self._take, values).one_or_none()

    def take_first(self, connection: Connection, now: float, user_id: int, seconds: float) -> Row[Any] | None:
        """Hand out the first item of the queue.

        On PostgreSQL the first that nobody else has locked; if there is none, wait for those, since an item may be meant for two. Somebody may take
        an item between the search and the lock, so `take` looks again; an item that it refuses is unlocked before the next try.
        """
        about = {"person": user_id, "instant": now}
        if connection.dialect.name == "sqlite":
            item_id = connection.execute(self._first, about).scalar_one_or_none()  # one writer at a time: nobody comes in between
            return None if item_id is None else self.take(connection, now, user_id, item_id, seconds)
        tried: list[int] = []
        for search in (self._first.with_for_update(skip_locked=True, key_share=True, of=items), self._first):
            while True:
                with connection.begin_nested() as attempt:
                    item_id = connection.execute(search.where(items.c.id.not_in(tried)) if tried else search, about).scalar_one_or_none()
                    if item_id is None:
                        break
                    hold_item(connection, item_id)
                    lease = self.take(connection, now, user_id, item_id, seconds)
                    if lease:
                        return lease
                    attempt.rollback()
                tried.append(item_id)
        return None
