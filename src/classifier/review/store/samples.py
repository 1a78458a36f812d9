"""Browsing: items by category, decision, route, state and date, in order or shuffled."""

import random

import pandas as pd
from sqlalchemy import ColumnElement, Connection, false, func, or_, select

from classifier.review.store.schema import items
from classifier.taxonomy import CATEGORIES, Route

_HIDDEN = ("known", "digest")


def find_items(
    connection: Connection,
    category: str | None = None,
    decision: str | None = None,
    route: str | None = None,
    state: str | None = None,
    since: float | None = None,
    until: float | None = None,
    limit: int = 50,
    offset: int = 0,
    shuffle_seed: int | None = None,
) -> pd.DataFrame:
    """Find items; gold ones only where asked for.

    Parameters
    ----------
    connection : Connection
        Of `Database.reading`.
    category : str, optional
        Posts that the model does not route to `clear` for this category; with `route`, those with that route for it.
    decision : str, optional
        Of the model: `clear`, `review` or `flag`.
    route : str, optional
        Of the category, or of any.
    state : str, optional
        `open`, `disputed`, `settled` or `gold`.
    since, until : float, optional
        Unix seconds between which the post came into the queue, the second excluded.
    limit, offset : int
        Which part of the list.
    shuffle_seed : int, optional
        Order at random, the same for the same seed and filters; without it the newest first.

    Returns
    -------
    DataFrame
        A row an item: its columns in the store, without `known` and `digest`.
    """
    conditions = _conditions(category, decision, route, state, since, until)
    columns = [column for column in items.c if column.name not in _HIDDEN]
    newest = (items.c.created_at.desc(), items.c.rank.desc(), items.c.id.desc())
    if shuffle_seed is None:
        rows = connection.execute(select(*columns).where(*conditions).order_by(*newest).limit(limit).offset(offset)).all()
    else:
        found = list(connection.execute(select(items.c.id).where(*conditions).order_by(items.c.id)).scalars())
        random.Random(shuffle_seed).shuffle(found)
        place = {item_id: number for number, item_id in enumerate(found[offset : offset + limit])}
        rows = sorted(connection.execute(select(*columns).where(items.c.id.in_(place))).all(), key=lambda row: place[row.id])
    return pd.DataFrame(rows, columns=[column.name for column in columns])


def count_items(
    connection: Connection,
    category: str | None = None,
    decision: str | None = None,
    route: str | None = None,
    state: str | None = None,
    since: float | None = None,
    until: float | None = None,
) -> int:
    """Count what `find_items` would find without a limit."""
    conditions = _conditions(category, decision, route, state, since, until)
    return connection.execute(select(func.count()).select_from(items).where(*conditions)).scalar_one()


def _conditions(
    category: str | None, decision: str | None, route: str | None, state: str | None, since: float | None, until: float | None
) -> list[ColumnElement[bool]]:
    conditions = [items.c.state == state if state else items.c.state != "gold"]
    routes = [items.c[f"route_{name}"] for name in CATEGORIES if category in (None, name)]
    if route:
        conditions.append(or_(false(), *(column == route for column in routes)))
    elif category:
        conditions.append(or_(false(), *(column != Route.CLEAR.label for column in routes)))
    if decision:
        conditions.append(items.c.decision == decision)
    if since is not None:
        conditions.append(items.c.created_at >= since)
    if until is not None:
        conditions.append(items.c.created_at < until)
    return conditions
