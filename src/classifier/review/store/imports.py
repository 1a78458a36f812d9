"""Answers that people gave in another program: kept as if they had been given here, each under a lease of its own."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, func, not_, select, update

from classifier.review.store import answers, work
from classifier.review.store.answers import Answer
from classifier.review.store.errors import AlreadyDecided
from classifier.review.store.leases import LARGEST, Handout, hold_item, hold_person, running, seen_dispute
from classifier.review.store.schema import items, leases

_SECONDS = 60.0
"""Of a lease that ends with the answer."""
_PART = 1000
"""Items in one query: a statement holds so many values and not more."""
_UNDECIDED = Handout(and_(items.c.state == "open", not_(seen_dispute())))


@dataclass(frozen=True)
class Given:
    """An answer of somebody to an item.

    Parameters
    ----------
    item_id, user_id : int
    answer : Answer
    informed : bool
        Whether the model's suggestion was in view.
    """

    item_id: int
    user_id: int
    answer: Answer
    informed: bool


@dataclass(frozen=True)
class Taken:
    """What became of the answers.

    Attributes
    ----------
    added : int
        New answers.
    changed : int
        Other answers than these people gave before: a changed mind.
    known : int
        The same as these people gave before, or another one where nothing can be changed any more (changed once already, adjudicated).
    late : int
        To items that had been decided or were disputed before: not taken.
    """

    added: int
    changed: int
    known: int
    late: int


def find_texts(connection: Connection, item_ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Give text and state of the items that there are among these numbers, by number."""
    wanted = sorted({item_id for item_id in item_ids if 0 < item_id <= LARGEST})
    found: dict[int, tuple[str, str]] = {}
    for start in range(0, len(wanted), _PART):
        query = select(items.c.id, items.c.text, items.c.state).where(items.c.id.in_(wanted[start : start + _PART]))
        found |= {row.id: (row.text, row.state) for row in connection.execute(query)}
    return found


def add_answers(connection: Connection, now: float, given: Sequence[Given]) -> Taken:
    """Keep people's answers; those that are there already add nothing, so that the same ones can be given twice.

    An open item takes all of them, also where fewer people were to decide: two people who differ are a dispute, whatever was planned.

    Parameters
    ----------
    connection : Connection
        Of `Database.writing`; if anything is raised, nothing is to be kept.
    now : float
        Unix seconds.
    given : sequence of Given
        At most one for each person and item; items that exist and are not gold.

    Returns
    -------
    Taken

    Raises
    ------
    InvalidAnswer, LeaseLost
        If an answer can't be kept, or an account is closed.
    """
    by_item: dict[int, list[Given]] = {}
    for one in given:
        by_item.setdefault(one.item_id, []).append(one)
    for user_id in sorted({one.user_id for one in given}):
        hold_person(connection, user_id)
    # All are locked before the first is written, in the order of `batches.add_batch`: the audit log, which the first answer locks, comes last.
    held = [hold_item(connection, item_id) for item_id in _by_digest(connection, by_item)]
    counts: Counter[str] = Counter()
    for item in held:
        counts.update(_answer(connection, now, item, by_item[item.id]))
    return Taken(counts["added"], counts["changed"], counts["known"], counts["late"])


def _by_digest(connection: Connection, item_ids: Iterable[int]) -> list[int]:
    wanted, found = list(item_ids), []
    for start in range(0, len(wanted), _PART):
        query = select(items.c.digest, items.c.id).where(items.c.id.in_(wanted[start : start + _PART]))
        found += [(row.digest, row.id) for row in connection.execute(query)]
    return [item_id for _, item_id in sorted(found)]


def _answer(connection: Connection, now: float, item: Row[Any], given: list[Given]) -> list[str]:
    standing = {row.user_id: row for row in answers.current(connection, item.id)}
    new = [one for one in given if one.user_id not in standing]
    outcomes = ["late"] * len(new)
    if new and item.state == "open":
        _make_room(connection, now, item, len(standing), new)
        outcomes = [_add(connection, now, one) for one in new]
    return outcomes + [_change(connection, now, one, standing[one.user_id]) for one in given if one.user_id in standing]


def _make_room(connection: Connection, now: float, item: Row[Any], answered: int, new: list[Given]) -> None:
    """Ask for as many people as answer; those who have the post before them at this moment count."""
    lasting = leases.c.item_id == item.id, leases.c.outcome.is_(None), leases.c.expires_at > now, not_(leases.c.adjudicates)
    others = leases.c.user_id.not_in([one.user_id for one in new])
    out = connection.execute(select(func.count()).select_from(leases).where(*lasting, others)).scalar_one()
    needed = max(item.needed, answered + out + len(new))
    connection.execute(update(items).where(items.c.id == item.id).values(needed=needed))


def _add(connection: Connection, now: float, one: Given) -> str:
    lease = running(connection, now, one.user_id, adjudicates=False)
    if lease is None or lease.item_id != one.item_id:
        lease = _UNDECIDED.take(connection, now, one.user_id, one.item_id, _SECONDS)
    if lease is None:
        return "late"
    work.answer(connection, now, one.user_id, lease.id, one.answer, one.informed)
    return "added"


def _change(connection: Connection, now: float, one: Given, standing: Row[Any]) -> str:
    if (answers.joined(one.answer.categories), one.answer.slice) == (standing.categories, standing.slice):
        return "known"
    try:
        work.revise(connection, now, one.user_id, standing.lease_id, one.answer)
    except AlreadyDecided:
        return "known"
    return "changed"
