"""Who is asking, and may they: sessions, CSRF tokens, login attempts, roles."""

import hashlib
import hmac
import os
import secrets
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from itsdangerous import BadSignature, Signer
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from classifier import params
from classifier.errors import InputError
from classifier.review.passwords import check_password
from classifier.review.store import people
from classifier.review.store.people import Role, Session, User
from classifier.review.web.site import Refused, Site, session_in, site_of

SESSION_COOKIE, LOGIN_COOKIE = "session", "login"
_SHORTEST_KEY = 32
_HOUR, _MINUTE = 3600, 60
_MOST_FIELDS = 50
_LONGEST_NAME = 64
_attempts = threading.Lock()


class LoginNeeded(Exception):
    """The request has no session, or one that has ended.

    Parameters
    ----------
    ended : bool
        Whether there was one.
    kept : str
        What the user had written.
    """

    def __init__(self, ended: bool, kept: str = "") -> None:
        super().__init__("login needed")
        self.ended, self.kept = ended, kept


def secret_key(project: Path) -> str:
    """Return the key that signs cookies: CLASSIFIER_SECRET_KEY, else the one in data/review.key, made at the first start.

    Raises
    ------
    InputError
        If the key is too short or the file can't be read or made.
    """
    path = project / "data" / "review.key"
    key = params.secret_key()
    try:
        key = key or _kept_key(path)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: the key of the review page can't be read or made ({error}); set CLASSIFIER_SECRET_KEY") from None
    if len(key) < _SHORTEST_KEY:
        raise InputError(f"the key of the review page has {len(key)} characters, which is guessable; use {_SHORTEST_KEY} random ones or more")
    return key


def _kept_key(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="utf-8").strip()
    key = secrets.token_urlsafe(_SHORTEST_KEY)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(key + "\n")
    return key


def signer(key: str) -> Signer:
    """Return what signs and checks cookies."""
    return Signer(key, salt="review", key_derivation="hmac", digest_method=hashlib.sha256)


def current(request: Request) -> Session:
    """Return the session of the request; every page behind the login depends on it.

    Raises
    ------
    LoginNeeded
        If there is none, or it has ended.
    """
    known = session_in(request)
    if known is not None:
        return known
    site = site_of(request)
    identifier = _unsigned(site, request.cookies.get(SESSION_COOKIE))
    if identifier is not None:
        with site.database.reading() as connection:
            session = people.session_of(connection, site.clock(), digest(identifier))
        if session is not None:
            request.state.session = session
            return session
    raise LoginNeeded(ended=SESSION_COOKIE in request.cookies)


async def _current(request: Request) -> Session:
    """Look the session up in a thread, since that reads the store, unless that was done: each thread costs a turn of waiting."""
    known = session_in(request)
    return await run_in_threadpool(current, request) if known is None else known


Current = Annotated[Session, Depends(_current)]


def allowed(*roles: Role) -> Callable[..., Awaitable[Session]]:
    """Return a dependency that gives the session to users of these roles and refuses all others."""

    async def check(session: Current) -> Session:
        if session.user.role not in roles:
            raise Refused(403, "role")
        return session

    return check


async def posted(request: Request) -> FormData:
    """Return the fields of a form, whoever sent it."""
    try:
        return await request.form(max_files=1, max_fields=_MOST_FIELDS)
    except (HTTPException, UnicodeDecodeError, ValueError):
        raise Refused(400, "form") from None


Posted = Annotated[FormData, Depends(posted)]


def form(request: Request, fields: Posted) -> FormData:
    """Return the fields of a form that was sent from one of our own pages in the same session; a dependency of every change.

    Where a page asks for the session too, it comes after this one, so that what was written is kept.

    Raises
    ------
    LoginNeeded, Refused
        If there is no session, or the CSRF token is missing or of another session.
    """
    try:
        session = current(request)
    except LoginNeeded as error:
        raise LoginNeeded(error.ended, kept=text(fields, "rationale")) from None
    if not hmac.compare_digest(text(fields, "csrf").encode(), session.csrf_token.encode()):
        raise Refused(403, "csrf", kept=text(fields, "rationale"))
    return fields


Form = Annotated[FormData, Depends(form)]


def text(fields: FormData, name: str) -> str:
    """Return a field as text, without NUL and lone surrogates, which no database takes; empty where it is not there."""
    value = fields.get(name)
    return value.encode("utf-8", "ignore").decode().replace("\0", "") if isinstance(value, str) else ""


def number(fields: FormData, name: str) -> int:
    """Return a field as a whole number that fits the store.

    Raises
    ------
    Refused
        With status 422, if it is none.
    """
    value = text(fields, name)
    if not (value.isascii() and value.isdigit() and len(value) <= 10 and int(value) < 2**31):
        raise Refused(422, "form", kept=text(fields, "rationale"))
    return int(value)


def digest(secret: str) -> str:
    """Return what the store keeps of a session's identifier or a token: enough to know it again, useless to a thief."""
    return hashlib.sha256(secret.encode()).hexdigest()


def log_in(site: Site, name: str, password: str) -> User | None:
    """Check a name and a password.

    The attempt is counted before the password is looked at, so that many at once can't outrun the limit, and forgotten if it was right.

    Returns
    -------
    User or None

    Raises
    ------
    Refused
        With status 429, if there were too many wrong passwords for this name lately.
    """
    name, settings, now = name.strip()[:_LONGEST_NAME], site.params.review, site.clock()
    with _attempts, site.database.writing() as connection:
        if people.recent_failures(connection, name, now - settings.login_minutes * _MINUTE) >= settings.login_attempts:
            raise Refused(429, "attempts", minutes=f"{settings.login_minutes:g}")
        people.record_failure(connection, now, name)
        found = people.find_user(connection, name)
    user, stored = found or (None, None)
    if not check_password(password, stored) or user is None:
        return None
    with site.database.writing() as connection:
        people.forget_failures(connection, name)
    return user


def start_session(site: Site, request: Request, response: Response, user: User) -> None:
    """Open a session and put its signed identifier into a cookie."""
    identifier, seconds = secrets.token_urlsafe(32), site.params.review.session_hours * _HOUR
    with site.database.writing() as connection:
        people.open_session(connection, site.clock(), user.id, digest(identifier), secrets.token_urlsafe(32), seconds)
    set_cookie(request, response, SESSION_COOKIE, site.signer.sign(identifier).decode(), int(seconds))


def end_session(site: Site, request: Request, response: Response) -> None:
    """Close the session of the request."""
    identifier = _unsigned(site, request.cookies.get(SESSION_COOKIE))
    if identifier is not None:
        with site.database.writing() as connection:
            people.end_session(connection, digest(identifier))
    request.state.session = None
    response.delete_cookie(SESSION_COOKIE, path="/")


def login_token(site: Site, request: Request) -> tuple[str, str]:
    """Return the random value for the login cookie and its signature for the form: nobody else's page can log a user in."""
    value = request.cookies.get(LOGIN_COOKIE) or secrets.token_urlsafe(32)
    return value, site.signer.sign(f"login.{value}").decode()


def login_token_holds(site: Site, request: Request, token: str) -> bool:
    """Say whether a login form was made for the browser that sends it."""
    value = request.cookies.get(LOGIN_COOKIE, "")
    return bool(value) and hmac.compare_digest((_unsigned(site, token) or "").encode(), f"login.{value}".encode())


def set_cookie(request: Request, response: Response, name: str, value: str, seconds: int | None = None) -> None:
    """Set a cookie that no script reads, no other site sends, and that goes over https alone where https is used."""
    settings: dict[str, Any] = {"httponly": True, "samesite": "strict", "secure": request.url.scheme == "https", "path": "/"}
    response.set_cookie(name, value, max_age=seconds, **settings)


def safe_path(path: str) -> str:
    """Return a path of this site to go on to, `/` where it might lead elsewhere."""
    plain = path.isprintable() and path.isascii() and path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if plain else "/"


def _unsigned(site: Site, value: str | None) -> str | None:
    try:
        return site.signer.unsign(value or "").decode()
    except (BadSignature, UnicodeDecodeError):
        return None


def signed_in(request: Request) -> Session | None:
    """Return the session of the request if there is one; for pages that everybody may see."""
    try:
        return current(request)
    except LoginNeeded:
        return None
