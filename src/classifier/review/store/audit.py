"""The audit log: each entry's hash covers the entry before it, so that no past entry can be changed, removed or slipped in unseen."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select

from classifier.review.store.schema import audit, decisions

_NONE_BEFORE = "0" * 64
_WAIT = select(func.pg_advisory_xact_lock(2018))
_LAST = select(audit.c.id, audit.c.hash).order_by(audit.c.id.desc()).limit(1)
_ADD = insert(audit)


@dataclass(frozen=True)
class Verified:
    """What a walk over the audit log found.

    Attributes
    ----------
    entries : int
        Entries that hold, from the first on.
    head : str
        Hash of the last of them. Whoever notes it elsewhere can tell later whether the log was cut off at its end.
    fault : str or None
        The first thing that does not hold.
    """

    entries: int
    head: str
    fault: str | None


def append(connection: Connection, now: float, user_id: int | None, action: str, subject: str, content: Mapping[str, Any]) -> None:
    """Add an entry; call it last in a transaction, since everybody else's entries wait until it ends.

    Parameters
    ----------
    connection : Connection
        Of `Database.writing`.
    now : float
        Unix seconds.
    user_id : int or None
        Who did it; none for the command line.
    action, subject : str
        What was done, and to what, such as `decided` and `decision:7`.
    content : mapping
        What was written. Only its digest is kept.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_WAIT)
    last = connection.execute(_LAST).one_or_none()
    entry = {
        "id": last.id + 1 if last else 1,
        "at": float(now),
        "user_id": user_id,
        "action": action,
        "subject": subject,
        "content": _digest(dict(content)),
        "previous": last.hash if last else _NONE_BEFORE,
    }
    connection.execute(_ADD, entry | {"hash": _digest(entry)})


def verify(connection: Connection, noted: str | None = None) -> Verified:
    """Walk the log from its first entry, and hold every decision against the entry that was made with it.

    Parameters
    ----------
    connection : Connection
        Of `Database.reading`.
    noted : str, optional
        Head of an earlier walk: it has to be in the log still.

    Returns
    -------
    Verified
    """
    stored = {f"decision:{row['id']}": _digest(dict(row)) for row in connection.execute(select(decisions)).mappings()}
    head, entries, seen = _NONE_BEFORE, 0, set()
    noted = None if noted == _NONE_BEFORE else noted
    for row in connection.execute(select(audit).order_by(audit.c.id)).mappings():
        fault = _broken_link(row, entries + 1, head) or _broken_decision(row, stored)
        if fault:
            return Verified(entries, head, fault)
        head, entries = row["hash"], entries + 1
        seen.add(head)
    if stored:
        return Verified(entries, head, f"{min(stored, key=_number)} has no entry in the audit log")
    if noted is not None and noted not in seen:
        return Verified(entries, head, f"entry {noted} is gone: the log was cut off at its end")
    return Verified(entries, head, None)


def _broken_link(row: RowMapping, number: int, previous: str) -> str | None:
    if row["id"] != number:
        return f"entry {number} is missing"
    if row["previous"] != previous:
        return f"entry {number} does not follow the one before it"
    if row["hash"] != _digest({name: value for name, value in row.items() if name != "hash"}):
        return f"entry {number} was changed"
    return None


def _broken_decision(row: RowMapping, stored: dict[str, str]) -> str | None:
    """Take the decision of this entry, if it is about one, off the stored ones."""
    if not row["subject"].startswith("decision:"):
        return None
    digest = stored.pop(row["subject"], None)
    if digest is None:
        return f"{row['subject']} is missing, or has two entries (entry {row['id']})"
    return None if digest == row["content"] else f"{row['subject']} was changed (entry {row['id']})"


def _number(subject: str) -> int:
    return int(subject.rpartition(":")[2])


def _digest(content: Any) -> str:
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
