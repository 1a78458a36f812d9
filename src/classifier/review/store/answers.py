"""Answers as they are written down, and what an item's answers make of it: open, settled or disputed."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from classifier.review.store import audit
from classifier.review.store.errors import InvalidAnswer
from classifier.review.store.leases import ITEM
from classifier.review.store.schema import decisions, items, leases
from classifier.taxonomy import CATEGORIES, SLICES

_WRITE = insert(decisions).returning(decisions.c.id)
_CURRENT = (
    select(decisions)
    .join_from(decisions, leases, leases.c.id == decisions.c.lease_id)
    .where(decisions.c.item_id == ITEM, leases.c.outcome == "answered", decisions.c.kind.in_(("answer", "revision")))
    .order_by(decisions.c.id)
)
_ADJUDICATED = select(decisions.c.id).where(decisions.c.item_id == ITEM, decisions.c.kind == "adjudication")
_SETTLE = update(items).where(items.c.id == ITEM)
_END_DISPUTE = update(leases).where(leases.c.item_id == ITEM, leases.c.adjudicates, leases.c.outcome.is_(None)).values(outcome="released")


@dataclass(frozen=True)
class Answer:
    """What somebody says about a post.

    Parameters
    ----------
    categories : frozenset of str
        The post's violations; empty for none.
    slice : str
        The protected slice that is the reason for no violation, or empty.
    confidence : int
        1 unsure, 2 rather sure, 3 sure.
    rationale : str
        Why; required with any category. Personal data masked.
    """

    categories: frozenset[str]
    slice: str
    confidence: int
    rationale: str


def check(answer: Answer) -> None:
    """Refuse an answer that can't be kept.

    Raises
    ------
    InvalidAnswer
        If it names an unknown category or slice, a slice beside a category, a confidence outside 1 to 3, or a category without a rationale.
    """
    if not answer.categories <= set(CATEGORIES):
        raise InvalidAnswer(f"unknown category; use {', '.join(CATEGORIES)}")
    if answer.slice and (answer.categories or answer.slice not in SLICES):
        raise InvalidAnswer("a slice is a reason for no violation, and one of " + ", ".join(SLICES))
    if answer.confidence not in (1, 2, 3):
        raise InvalidAnswer("confidence is 1, 2 or 3")
    if answer.categories and not answer.rationale.strip():
        raise InvalidAnswer("a violation needs a rationale")


def joined(categories: frozenset[str]) -> str:
    """Write a set of categories in one way, so that equal sets are equal texts."""
    return ";".join(category for category in CATEGORIES if category in categories)


def parted(text: str) -> frozenset[str]:
    """Read what `joined` wrote."""
    return frozenset(text.split(";")) - {""}


def storable(text: str) -> str:
    """Replace what PostgreSQL or UTF-8 can't hold: zero bytes and half surrogate pairs."""
    return text.replace("\0", " ").encode(errors="replace").decode()


def write(
    connection: Connection, now: float, lease: Row[Any], kind: str, answer: Answer | None, informed: bool, supersedes: int | None = None
) -> dict[str, Any]:
    """Append a decision (an undo has no answer) and give it as the database holds it, for `record` once all else is done."""
    content: dict[str, Any] = {"categories": "", "slice": "", "confidence": 0, "rationale": ""}
    if answer:
        rationale = storable(answer.rationale.strip())
        content = {"categories": joined(answer.categories), "slice": answer.slice, "confidence": answer.confidence, "rationale": rationale}
    about = {"item_id": lease.item_id, "user_id": lease.user_id, "lease_id": lease.id, "kind": kind, "supersedes": supersedes}
    row = about | content | {"informed": bool(informed), "at": float(now)}
    return row | {"id": connection.execute(_WRITE, row).scalar_one()}


def record(connection: Connection, now: float, decision: dict[str, Any]) -> int:
    """Enter a decision into the audit log and give its number."""
    audit.append(connection, now, decision["user_id"], "decided", f"decision:{decision['id']}", decision)
    return decision["id"]


def current(connection: Connection, item_id: int) -> list[Row[Any]]:
    """Give the decisions that count for an item, in the order of the first answers: of each reviewer the last one, unless undone."""
    return list({row.lease_id: row for row in connection.execute(_CURRENT, {"item": item_id})}.values())


def adjudicated(connection: Connection, item_id: int) -> bool:
    """Whether somebody has decided the dispute over an item."""
    return connection.execute(_ADJUDICATED, {"item": item_id}).first() is not None


def settle(connection: Connection, now: float, item: Row[Any]) -> None:
    """Let an item follow from its current answers; whoever has the dispute before them has to look again."""
    if item.state == "gold":
        return
    answers = current(connection, item.id)
    state = "open"
    if len(answers) >= item.needed:
        state = "settled" if len({row.categories for row in answers}) == 1 else "disputed"
    settled_at = now if state == "settled" else None
    connection.execute(_SETTLE, {"item": item.id, "answers": len(answers), "state": state, "settled_at": settled_at})
    if item.state == "disputed":
        connection.execute(_END_DISPUTE, {"item": item.id})
