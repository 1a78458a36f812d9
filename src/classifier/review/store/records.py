"""What figures and exports are made from, as tables; nobody's name or number is in them, and gold items are left out."""

from datetime import timedelta, timezone

import pandas as pd
from sqlalchemy import Connection, Select, func, select

from classifier.review.store import schema
from classifier.review.store.schema import decisions, items, leases, members
from classifier.taxonomy import CATEGORIES

_VIETNAM = timezone(timedelta(hours=7))
_UNKNOWN = ("known", "answers", "rank", "state")


def current_answers(connection: Connection) -> pd.DataFrame:
    """Give the answers that count, one row for each reviewer of an item.

    Parameters
    ----------
    connection : Connection
        Of `Database.reading`.

    Returns
    -------
    DataFrame
        `item_id`; `reviewer` (1, 2 … in the order of answering, anew for each item); `categories` (joined by ``;``), `slice`, `confidence`,
        `rationale`, `informed`, `at` of the answer as it stands; `first` (categories) and `first_informed` of the answer before any change of mind:
        blind, unless `first_informed`, as it is where somebody took an answer back and answered again.
    """
    answered = leases.c.outcome == "answered", items.c.state != "gold", decisions.c.kind.in_(("answer", "revision"))
    kept = ("item_id", "lease_id", "categories", "slice", "confidence", "rationale", "informed", "at")
    query = select(*(decisions.c[name] for name in kept)).join_from(decisions, leases, leases.c.id == decisions.c.lease_id)
    query = query.join(items, items.c.id == decisions.c.item_id).where(*answered).order_by(decisions.c.item_id, decisions.c.id)
    by_reviewer = _frame(connection, query).groupby("lease_id", sort=False)
    standing = by_reviewer.last()
    standing["first"], standing["first_informed"] = by_reviewer["categories"].first(), by_reviewer["informed"].first().astype(bool)
    standing.insert(1, "reviewer", standing.groupby("item_id").cumcount() + 1)
    return standing.reset_index(drop=True)


def settled_items(connection: Connection) -> pd.DataFrame:
    """Give the items that are decided, with their final label.

    Parameters
    ----------
    connection : Connection
        Of `Database.reading`.

    Returns
    -------
    DataFrame
        `item_id` and the item's columns (`digest`, `text`, `model_version`, `decision`, `p_<category>`, `route_<category>`, `weight`, `copies`,
        `needed`, `created_at`, `settled_at`); of the final label `categories` (joined by ``;``), `slice` and `how` (`agreed`, `single` or
        `adjudicated`); `first`, `second`: the categories that the first and the second reviewer gave in the end, missing where there was none.
    """
    columns = [column for column in items.c if column.name not in ("id", *_UNKNOWN)]
    settled = _frame(connection, select(items.c.id.label("item_id"), *columns).where(items.c.state == "settled").order_by(items.c.id))
    given = current_answers(connection)
    final = decisions.c.item_id, decisions.c.categories, decisions.c.slice
    ruled = _frame(connection, select(*final).where(decisions.c.kind == "adjudication")).set_index("item_id")
    one = given[given["reviewer"] == 1].set_index("item_id")
    two = given[given["reviewer"] == 2].set_index("item_id")
    ids = settled["item_id"]
    settled["categories"] = ids.map(ruled["categories"]).astype(object).fillna(ids.map(one["categories"]))
    reason = ids.map(one["slice"]).astype(object).replace("", None).fillna(ids.map(two["slice"])).fillna("")
    settled["slice"] = ids.map(ruled["slice"]).astype(object).fillna(reason)
    settled["how"] = ids.map(lambda item: "adjudicated" if item in ruled.index else "agreed" if item in two.index else "single").astype(object)
    settled["first"], settled["second"] = ids.map(one["categories"]), ids.map(two["categories"])
    return settled


def queue_state(connection: Connection, now: float) -> pd.DataFrame:
    """Give what waits: a row for each open or disputed item.

    Parameters
    ----------
    connection : Connection
        Of `Database.reading`.
    now : float
        Unix seconds.

    Returns
    -------
    DataFrame
        `item_id`, `state`, `decision` (of the model), `created_at`, `age` (seconds), `needed`, `answers` and `leased` (people who have it before
        them).
    """
    running = leases.c.item_id == items.c.id, leases.c.outcome.is_(None), leases.c.expires_at > now
    leased = select(func.count()).select_from(leases).where(*running).scalar_subquery().label("leased")
    kept = (items.c.state, items.c.decision, items.c.created_at, items.c.needed, items.c.answers)
    query = select(items.c.id.label("item_id"), *kept, leased).where(items.c.state.in_(("open", "disputed"))).order_by(items.c.id)
    waiting = _frame(connection, query)
    waiting.insert(4, "age", now - waiting["created_at"].astype(float))
    return waiting


def decisions_by_day(connection: Connection) -> pd.DataFrame:
    """Count the decisions of each day (in Vietnam) that had any: `day` (date) and `decisions`, answers and adjudications that weren't taken back."""
    counted = decisions.c.kind.in_(("answer", "adjudication")), leases.c.outcome == "answered", items.c.state != "gold"
    query = select(decisions.c.at).join_from(decisions, leases, leases.c.id == decisions.c.lease_id)
    at = _frame(connection, query.join(items, items.c.id == decisions.c.item_id).where(*counted))["at"].astype(float)
    day = pd.to_datetime(at, unit="s", utc=True).dt.tz_convert(_VIETNAM).dt.date.rename("day")
    return day.groupby(day).size().rename("decisions").reset_index()


def batches(connection: Connection) -> pd.DataFrame:
    """Give the batches, oldest first.

    Returns
    -------
    DataFrame
        `batch_id`, `digest`, `name`, `model_version`, `rows`, `summary` (dict), `created_at`, `items` and how many of these are `settled`.
    """
    own = schema.batches.c
    part = select(func.count(members.c.item_id.distinct())).join_from(members, items).where(members.c.batch_id == own.id)
    counts = part.scalar_subquery().label("items"), part.where(items.c.state == "settled").scalar_subquery().label("settled")
    kept = (own.digest, own.name, own.model_version, own.rows, own.summary, own.created_at)
    return _frame(connection, select(own.id.label("batch_id"), *kept, *counts).order_by(own.id))


def overrides(connection: Connection) -> pd.DataFrame:
    """Hold the model against people: a row for each batch, settled item and category.

    Parameters
    ----------
    connection : Connection
        Of `Database.reading`.

    Returns
    -------
    DataFrame
        `batch_id`, `item_id`, `model_version`, `category`, `probability`, `route`, `label` (whether people put the post into the category), `weight`,
        `copies` (rows of this batch). An item of several batches has rows for each.
    """
    settled = settled_items(connection).drop(columns="copies")
    counted = select(members.c.batch_id, members.c.item_id, func.count().label("copies")).group_by(members.c.batch_id, members.c.item_id)
    part = _frame(connection, counted.order_by(members.c.batch_id, members.c.item_id)).merge(settled, on="item_id")
    by_category = [
        part[["batch_id", "item_id", "model_version"]].assign(
            category=category,
            probability=part[f"p_{category}"],
            route=part[f"route_{category}"],
            label=part["categories"].map(lambda joined, category=category: category in joined.split(";")).astype(bool),
            weight=part["weight"],
            copies=part["copies"],
        )
        for category in CATEGORIES
    ]
    return pd.concat(by_category).sort_values(["batch_id", "item_id"], kind="stable").reset_index(drop=True)


def _frame(connection: Connection, query: Select) -> pd.DataFrame:
    result = connection.execute(query)
    return pd.DataFrame(result.all(), columns=list(result.keys()))
