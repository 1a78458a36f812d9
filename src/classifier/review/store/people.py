"""Accounts, their sessions and failed logins, and the tokens of programs."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from classifier.errors import InputError
from classifier.review.store import audit
from classifier.review.store.schema import leases, login_failures, sessions, tokens, users

_LONGEST = 64
_NAME = re.compile(rf"[\w.@-]{{1,{_LONGEST}}}")
LANGUAGES = ("vi", "en")


class Role(StrEnum):
    """What an account may do; each role may also do what those before it may, the web pages say where."""

    REVIEWER = "reviewer"
    ADJUDICATOR = "adjudicator"
    MODERATOR = "moderator"
    ADMIN = "admin"


@dataclass(frozen=True)
class User:
    """An account that may log in."""

    id: int
    name: str
    role: Role
    language: str
    blurred: bool


@dataclass(frozen=True)
class Session:
    """A login that hasn't ended."""

    user: User
    csrf_token: str
    expires_at: float


def add_user(connection: Connection, now: float, name: str, role: Role, password_hash: str) -> User:
    """Open an account.

    Raises
    ------
    InputError
        If the name is taken or isn't letters, digits and ``. _ - @``, or the role is unknown.
    """
    name = _normal(name)
    if not _NAME.fullmatch(name):
        raise InputError(f"user name {name[:_LONGEST]!r}: 1 to {_LONGEST} letters, digits or . _ - @")
    if role not in tuple(Role):
        raise InputError(f"role {str(role)[:_LONGEST]!r} is unknown; use one of {', '.join(Role)}")
    if connection.execute(select(users.c.id).where(users.c.name == name)).first():
        raise InputError(f"user name {name!r} is taken; choose another")
    row = connection.execute(
        insert(users)
        .values(name=name, role=str(role), password_hash=password_hash, language=LANGUAGES[0], blurred=False, active=True, created_at=now)
        .returning(*users.c)
    ).one()
    audit.append(connection, now, None, "added", f"user:{row.id}", {"name": name, "role": str(role)})
    return _user(row)


def find_user(connection: Connection, name: str) -> tuple[User, str] | None:
    """Give the active account of a name, and the hash of its password."""
    row = connection.execute(select(users).where(users.c.name == _normal(name), users.c.active)).one_or_none()
    return (_user(row), row.password_hash) if row else None


def list_users(connection: Connection) -> list[User]:
    """Give the active accounts, by name."""
    return [_user(row) for row in connection.execute(select(users).where(users.c.active).order_by(users.c.name))]


def deactivate(connection: Connection, now: float, user_id: int) -> None:
    """Close an account: it can't log in, its sessions end and its posts go back into the queue. Its decisions stay."""
    connection.execute(update(users).where(users.c.id == user_id).values(active=False))
    connection.execute(delete(sessions).where(sessions.c.user_id == user_id))
    connection.execute(update(leases).where(leases.c.user_id == user_id, leases.c.outcome.is_(None)).values(outcome="released"))
    audit.append(connection, now, None, "deactivated", f"user:{user_id}", {})


def set_password(connection: Connection, now: float, user_id: int, password_hash: str) -> None:
    """Change a password; whoever is logged in with the old one no longer is."""
    connection.execute(update(users).where(users.c.id == user_id).values(password_hash=password_hash))
    connection.execute(delete(sessions).where(sessions.c.user_id == user_id))
    audit.append(connection, now, None, "password", f"user:{user_id}", {})


def set_preferences(connection: Connection, user_id: int, language: str, blurred: bool) -> None:
    """Keep how the page looks for somebody.

    Raises
    ------
    InputError
        If the page doesn't speak the language.
    """
    if language not in LANGUAGES:
        raise InputError(f"language {language[:_LONGEST]!r} is unknown; use one of {', '.join(LANGUAGES)}")
    connection.execute(update(users).where(users.c.id == user_id).values(language=language, blurred=blurred))


def open_session(connection: Connection, now: float, user_id: int, digest: str, csrf_token: str, seconds: float) -> None:
    """Begin a session, known by the digest of what the cookie holds; sessions that have expired are forgotten."""
    connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
    connection.execute(insert(sessions).values(digest=digest, user_id=user_id, csrf_token=csrf_token, created_at=now, expires_at=now + seconds))


def session_of(connection: Connection, now: float, digest: str) -> Session | None:
    """Give the session of a cookie, if it has not ended and the account is active."""
    row = connection.execute(
        select(users, sessions.c.csrf_token, sessions.c.expires_at)
        .join_from(sessions, users)
        .where(sessions.c.digest == digest, sessions.c.expires_at > now, users.c.active)
    ).one_or_none()
    return Session(_user(row), row.csrf_token, row.expires_at) if row else None


def end_session(connection: Connection, digest: str) -> None:
    """Log out."""
    connection.execute(delete(sessions).where(sessions.c.digest == digest))


def recent_failures(connection: Connection, name: str, since: float) -> int:
    """Count the wrong passwords for a name, whether or not there is such an account."""
    matches = login_failures.c.name == _normal(name)[:_LONGEST], login_failures.c.at > since
    return connection.execute(select(func.count()).select_from(login_failures).where(*matches)).scalar_one()


def record_failure(connection: Connection, now: float, name: str) -> None:
    """Keep that a wrong password was given for a name."""
    connection.execute(insert(login_failures).values(name=_normal(name)[:_LONGEST], at=now))


def forget_failures(connection: Connection, name: str) -> None:
    """Start counting anew after a right password."""
    connection.execute(delete(login_failures).where(login_failures.c.name == _normal(name)[:_LONGEST]))


def add_token(connection: Connection, now: float, label: str, digest: str) -> None:
    """Let in a program that holds the token of this digest.

    Raises
    ------
    InputError
        If the label is taken (also by a revoked token) or isn't letters, digits and ``. _ - @``.
    """
    label = _normal(label)
    if not _NAME.fullmatch(label):
        raise InputError(f"token label {label[:_LONGEST]!r}: 1 to {_LONGEST} letters, digits or . _ - @")
    if connection.execute(select(tokens.c.label).where(tokens.c.label == label)).first():
        raise InputError(f"token label {label!r} is taken; choose another")
    connection.execute(insert(tokens).values(digest=digest, label=label, created_at=now))
    audit.append(connection, now, None, "added", f"token:{digest[:12]}", {"label": label, "digest": digest})


def token_known(connection: Connection, digest: str) -> bool:
    """Whether a token of this digest was given out and not revoked."""
    known = select(tokens.c.label).where(tokens.c.digest == digest, tokens.c.revoked_at.is_(None))
    return connection.execute(known).first() is not None


def revoke_token(connection: Connection, now: float, label: str) -> None:
    """Let a token in no more.

    Raises
    ------
    InputError
        If no token that still holds has this label.
    """
    holding = update(tokens).where(tokens.c.label == _normal(label), tokens.c.revoked_at.is_(None))
    digest = connection.execute(holding.values(revoked_at=now).returning(tokens.c.digest)).scalar_one_or_none()
    if digest is None:
        raise InputError(f"token {label[:_LONGEST]!r}: there is none, or it was revoked before")
    audit.append(connection, now, None, "revoked", f"token:{digest[:12]}", {"label": label, "digest": digest})


def _normal(name: str) -> str:
    """One spelling of a name however it was typed; a zero byte, which PostgreSQL refuses, becomes a sign that no name has."""
    return unicodedata.normalize("NFC", name).replace("\0", "\N{REPLACEMENT CHARACTER}")


def _user(row: Row[Any]) -> User:
    return User(row.id, row.name, Role(row.role), row.language, row.blurred)
