"""What somebody answered themselves: to look at again beside the model's view, to change, and to count."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Float, bindparam, func, select

from classifier.review.store import answers
from classifier.review.store.answers import Answer
from classifier.review.store.errors import StoreError
from classifier.review.store.leases import ITEM, LARGEST, PERSON
from classifier.review.store.schema import decisions, items, leases
from classifier.taxonomy import CATEGORIES

_ANSWERED = select(items).join_from(items, leases).where(items.c.id == ITEM, leases.c.user_id == PERSON, leases.c.outcome == "answered")
_OWN_DAY = (
    select(func.count())
    .select_from(decisions.join(leases, leases.c.id == decisions.c.lease_id))
    .where(decisions.c.user_id == PERSON, decisions.c.at >= bindparam("since", type_=Float))
    .where(decisions.c.kind.in_(("answer", "adjudication")), leases.c.outcome == "answered")
)


@dataclass(frozen=True)
class ModelView:
    """What the model says about a post, to be shown after the answer.

    Attributes
    ----------
    version : str
        Of the model.
    probability, routes : mapping
        By category; a route is `clear`, `review` or `flag`.
    decision : str
        The severest route.
    text : str
    known : frozenset of str or None
        The right categories, of a gold item only.
    """

    version: str
    probability: Mapping[str, float]
    routes: Mapping[str, str]
    decision: str
    text: str
    known: frozenset[str] | None


@dataclass(frozen=True)
class OwnAnswer:
    """An answer that counts, by the person who asks.

    Attributes
    ----------
    lease_id, item_id : int
    answer : Answer
        As it stands.
    changeable : bool
        Whether it may be changed still: once, unless somebody adjudicated the item.
    informed : bool
        Whether the model's suggestion was in view when it was first given.
    """

    lease_id: int
    item_id: int
    answer: Answer
    changeable: bool
    informed: bool


def own_answer(connection: Connection, user_id: int, lease_id: int) -> OwnAnswer:
    """Give the answer of a lease.

    Parameters
    ----------
    connection : Connection
    user_id : int
        Who asks.
    lease_id : int
        Under which it was given.

    Returns
    -------
    OwnAnswer

    Raises
    ------
    StoreError
        If this person gave none under this lease, or took it back.
    """
    given = (
        select(decisions)
        .join_from(decisions, leases, leases.c.id == decisions.c.lease_id)
        .where(leases.c.id == lease_id, leases.c.user_id == user_id, leases.c.outcome == "answered")
        .where(decisions.c.kind.in_(("answer", "revision")))
        .order_by(decisions.c.id)
    )
    rows = connection.execute(given).all() if 0 < lease_id <= LARGEST else []
    if not rows:
        raise StoreError("there is no such answer of this person")
    first, last = rows[0], rows[-1]
    answer = Answer(answers.parted(last.categories), last.slice, last.confidence, last.rationale)
    changeable = len(rows) == 1 and not answers.adjudicated(connection, last.item_id)
    return OwnAnswer(lease_id, last.item_id, answer, changeable, first.informed)


def own_day(connection: Connection, user_id: int, since: float) -> int:
    """Count somebody's answers and adjudications since an instant, those taken back left out."""
    return connection.execute(_OWN_DAY, {"person": user_id, "since": since}).scalar_one()


def model_view(connection: Connection, user_id: int, item_id: int) -> ModelView:
    """Show what the model says to somebody who has answered.

    Raises
    ------
    StoreError
        If this person has no current answer on the item: the suggestion is not shown before.
    """
    row = connection.execute(_ANSWERED, {"person": user_id, "item": item_id}).first() if 0 < item_id <= LARGEST else None
    if row is None:
        raise StoreError("the model's view of a post is shown after the answer")
    values = row._mapping
    return ModelView(
        row.model_version,
        {category: values[f"p_{category}"] for category in CATEGORIES},
        {category: values[f"route_{category}"] for category in CATEGORIES},
        row.decision,
        row.text,
        None if row.known is None else answers.parted(row.known),
    )
