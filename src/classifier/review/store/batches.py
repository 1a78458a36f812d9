"""Posts into the queue: scored batches, what is open already, and gold items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import Connection, bindparam, func, insert, select, update

from classifier.review.store import audit
from classifier.review.store.answers import joined, storable
from classifier.review.store.schema import batches, items, members
from classifier.taxonomy import CATEGORIES

_LOCK = 2019
_LONGEST_NAME = 255
_PART = 500
"""Digests in one query."""


@dataclass(frozen=True)
class NewItem:
    """A post for the queue, with the rows of the batch that it stands for.

    Parameters
    ----------
    digest : str
        Of the normal form; the digest of an item that is in the store already adds the rows to that item.
    text : str
        Personal data masked.
    model_version, decision : str
        The model, and its decision.
    probability, routes : mapping
        By category.
    weight : float
        Of sampling: how many such posts of the batch this one stands for.
    copies : int
        Rows that its decision serves.
    needed : int
        People who are to decide.
    rank : float
        Of the queue: the larger the earlier.
    rows : list of (int, str)
        Row in the batch, from 1, and `post_id`.
    """

    digest: str
    text: str
    model_version: str
    decision: str
    probability: Mapping[str, float]
    routes: Mapping[str, str]
    weight: float
    copies: int
    needed: int
    rank: float
    rows: list[tuple[int, str]]


@dataclass(frozen=True)
class Added:
    """Items that were new, and items that were there and only gained rows."""

    items: int
    joined: int


def batch_known(connection: Connection, digest: str) -> bool:
    """Whether a batch of this digest is in the store."""
    return connection.execute(select(batches.c.id).where(batches.c.digest == digest)).first() is not None


def open_items(connection: Connection) -> pd.DataFrame:
    """Give the items that still wait for an answer: `id`, `digest`, `text`, `route_<category>`."""
    columns = [items.c.id, items.c.digest, items.c.text, *(items.c[f"route_{category}"] for category in CATEGORIES)]
    rows = connection.execute(select(*columns).where(items.c.state == "open").order_by(items.c.id)).all()
    return pd.DataFrame(rows, columns=[column.name for column in columns])


def add_batch(
    connection: Connection,
    now: float,
    name: str,
    digest: str,
    model_version: str,
    rows: int,
    summary: Mapping[str, Any],
    items: Sequence[NewItem],
    user_id: int | None = None,
) -> Added:
    """Put a scored batch into the queue; a batch that is there already changes nothing.

    Parameters
    ----------
    connection : Connection
        Of `Database.writing`.
    now : float
        Unix seconds.
    name : str
        Of the file, for people.
    digest : str
        Of the batch: its texts in order and the model's version.
    model_version : str
        The model that scored it.
    rows : int
        Of the whole batch, queued or not.
    summary : mapping
        Counts and histograms, kept as JSON.
    items : sequence of NewItem
        What of it people are to see. One whose digest is there already joins that item.
    user_id : int, optional
        Who uploaded it; none for the command line.

    Returns
    -------
    Added
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))  # one batch at a time, lest two add the same item
    if batch_known(connection, digest):
        return Added(0, 0)
    values = {"digest": digest, "name": storable(name)[:_LONGEST_NAME], "model_version": model_version, "rows": rows}
    batch_id = connection.execute(insert(batches).values(**values, summary=dict(summary), created_at=now).returning(batches.c.id)).scalar_one()
    present = _find(connection, [item.digest for item in items])
    items = sorted(items, key=lambda item: item.digest)  # whoever locks several items does it in this order
    new = list({item.digest: item for item in reversed(items) if item.digest not in present}.values())[::-1]
    _add(connection, now, new)
    ids = present | _find(connection, [item.digest for item in new])
    first = {id(item) for item in new}
    _join(connection, [(ids[item.digest], len(item.rows)) for item in items if id(item) not in first])
    _add_members(connection, batch_id, [(ids[item.digest], row, post_id) for item in items for row, post_id in item.rows])
    audit.append(connection, now, user_id, "added", f"batch:{batch_id}", values)
    return Added(len(new), len(items) - len(new))


def add_gold(connection: Connection, now: float, new: Sequence[NewItem], known: Sequence[frozenset[str]], user_id: int | None = None) -> int:
    """Add items whose right categories are known; one that is in the store already, gold or not, stays as it is.

    Parameters
    ----------
    connection, now
        As for `add_batch`.
    new : sequence of NewItem
        Their `rows`, `weight`, `copies`, `needed` and `rank` count for nothing.
    known : sequence of frozenset of str
        The right categories of each.
    user_id : int, optional
        Who adds them.

    Returns
    -------
    int
        How many were added.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    present = _find(connection, [item.digest for item in new])
    right = {item.digest: joined(categories) for item, categories in zip(new, known, strict=True)}
    fresh = list({item.digest: item for item in new if item.digest not in present}.values())
    _add(connection, now, fresh, right)
    if fresh:
        audit.append(connection, now, user_id, "added", "gold", {"digests": [item.digest for item in fresh]})
    return len(fresh)


def _find(connection: Connection, digests: Sequence[str]) -> dict[str, int]:
    """Give the numbers of the items of these digests that are in the store."""
    found: dict[str, int] = {}
    for start in range(0, len(digests), _PART):
        query = select(items.c.digest, items.c.id).where(items.c.digest.in_(digests[start : start + _PART]))
        found |= {row.digest: row.id for row in connection.execute(query)}
    return found


def _add(connection: Connection, now: float, new: Sequence[NewItem], known: Mapping[str, str] | None = None) -> None:
    """Add items, as gold ones where the right categories are given by digest."""
    values = [
        {
            **{name: getattr(item, name) for name in ("digest", "model_version", "decision", "weight", "copies", "needed", "rank")},
            **{f"p_{category}": float(item.probability[category]) for category in CATEGORIES},
            **{f"route_{category}": item.routes[category] for category in CATEGORIES},
            "text": storable(item.text),
            "answers": 0,
            "state": "open" if known is None else "gold",
            "known": None if known is None else known[item.digest],
            "created_at": now,
        }
        for item in new
    ]
    if values:
        connection.execute(insert(items), values)


def _join(connection: Connection, more: Sequence[tuple[int, int]]) -> None:
    """Let items stand for so many more rows each."""
    statement = update(items).where(items.c.id == bindparam("item")).values(copies=items.c.copies + bindparam("more"))
    if more:
        connection.execute(statement, [{"item": item_id, "more": number} for item_id, number in more])


def _add_members(connection: Connection, batch_id: int, rows: Sequence[tuple[int, int, str]]) -> None:
    if rows:
        values = [{"batch_id": batch_id, "item_id": item_id, "row": row, "post_id": storable(post_id)} for item_id, row, post_id in rows]
        connection.execute(insert(members), values)
