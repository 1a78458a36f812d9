"""Files that moderators uploaded: how far their scoring has come."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from classifier.review.store.answers import storable
from classifier.review.store.schema import uploads

_LONGEST_NAME = 255


@dataclass(frozen=True)
class Upload:
    """A file that is scored in the background.

    Attributes
    ----------
    id : str
    user_id : int
    name : str
        As the moderator's computer calls it.
    state : str
        `waiting`, `running`, `done` or `failed`.
    done : int
        Rows scored so far.
    message : str
        What went wrong, or what came out.
    queued : bool
        Whether its uncertain posts go into the queue.
    created_at : float
        Unix seconds.
    """

    id: str
    user_id: int
    name: str
    state: str
    done: int
    message: str
    queued: bool
    created_at: float


def add_upload(connection: Connection, now: float, user_id: int, upload_id: str, name: str, queued: bool) -> None:
    """Keep that a file waits for scoring."""
    values = {"id": upload_id, "user_id": user_id, "name": storable(name)[:_LONGEST_NAME], "queued": queued, "created_at": now}
    connection.execute(insert(uploads).values(**values, state="waiting", done=0, message=""))


def advance(connection: Connection, upload_id: str, done: int) -> None:
    """Keep how many rows are scored."""
    connection.execute(update(uploads).where(uploads.c.id == upload_id).values(state="running", done=done))


def finish(connection: Connection, upload_id: str, state: str, message: str = "") -> None:
    """Keep that a file is `done` or has `failed`."""
    connection.execute(update(uploads).where(uploads.c.id == upload_id).values(state=state, message=storable(message)))


def upload_of(connection: Connection, user_id: int, upload_id: str) -> Upload | None:
    """Give an upload of this person; another's isn't there for them."""
    query = select(uploads).where(uploads.c.id == storable(upload_id), uploads.c.user_id == user_id)
    row = connection.execute(query).one_or_none()
    return _upload(row) if row else None


def uploads_of(connection: Connection, user_id: int) -> list[Upload]:
    """Give a person's uploads, newest first."""
    rows = connection.execute(select(uploads).where(uploads.c.user_id == user_id).order_by(uploads.c.created_at.desc(), uploads.c.id))
    return [_upload(row) for row in rows]


def expire(connection: Connection, before: float) -> list[str]:
    """Forget uploads of before an instant, unless they are being scored, and give their numbers so that the files can go, too."""
    old = uploads.c.created_at < before, uploads.c.state.in_(("done", "failed"))
    return list(connection.execute(delete(uploads).where(*old).returning(uploads.c.id)).scalars())


def fail_running(connection: Connection, message: str) -> int:
    """Say of the uploads that a stopped server left behind that they failed; give their number."""
    left = uploads.c.state.in_(("waiting", "running"))
    return connection.execute(update(uploads).where(left).values(state="failed", message=storable(message))).rowcount


def _upload(row: Row[Any]) -> Upload:
    return Upload(**row._mapping)
