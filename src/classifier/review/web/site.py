"""What every page needs: the store, settings, the model in use, words and templates."""

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from itsdangerous import Signer
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from classifier.errors import InputError
from classifier.params import Params
from classifier.prediction import Moderator
from classifier.registry import current_version
from classifier.review.store.database import Database
from classifier.review.store.people import Role, Session
from classifier.review.web.post_text import post_pieces
from classifier.review.web.shown_pages import ShownPages
from classifier.review.web.texts import DEFAULT_LANGUAGE, LANGUAGES, Translate, load_texts, translator
from classifier.taxonomy import CATEGORIES, SLICES

_FOLDER = Path(__file__).parent
STATIC_FOLDER = _FOLDER / "static"
LANGUAGE_COOKIE = "language"

REVIEWERS = frozenset({Role.REVIEWER, Role.ADJUDICATOR})
"""Who decides. Moderators and admins don't: they see what the model thinks of posts on which nobody has decided yet."""
MODERATORS = frozenset({Role.MODERATOR, Role.ADMIN})
LINKS: tuple[tuple[str, str, frozenset[Role]], ...] = (
    ("/", "nav.queue", REVIEWERS),
    ("/disputes", "nav.disputes", frozenset({Role.ADJUDICATOR})),
    ("/upload", "nav.upload", MODERATORS),
    ("/samples", "nav.samples", MODERATORS),
    ("/dashboard", "nav.dashboard", MODERATORS),
)
"""Navigation: path, key of its words, roles that see it."""


class Refused(Exception):
    """A request that can't be served; shown as a page in the user's language, or as JSON below /api.

    Parameters
    ----------
    status : int
        HTTP status.
    reason : str
        Key below `errors` of the words.
    kept : str
        What the user had written, shown so that it is not lost.
    **values
        Put into the words.
    """

    def __init__(self, status: int, reason: str, kept: str = "", **values: object) -> None:
        super().__init__(reason)
        self.status, self.reason, self.kept, self.values = status, reason, kept, values


class ModelInUse:
    """Gives the model in use, loaded once and again whenever another is promoted.

    Parameters
    ----------
    models : Path
        The folder models/.
    """

    def __init__(self, models: Path) -> None:
        self._models = models
        self._lock = threading.Lock()
        self._loaded: Moderator | None = None

    def __call__(self) -> Moderator:
        """Return the moderator.

        Raises
        ------
        Refused
            With status 503, if there is no model or it can't be loaded.
        """
        with self._lock:
            try:
                version = current_version(self._models)
                if self._loaded is None or self._loaded.version != version:
                    self._loaded = Moderator.load(self._models, version)
            except InputError:
                raise Refused(503, "no_model") from None
            return self._loaded


@cache
def _translators() -> dict[str, Translate]:
    return {language: translator(load_texts(language)) for language in LANGUAGES}


@cache
def _templates() -> Environment:
    """Compile all templates at once: no request waits for it, and a broken one shows at the start."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        cache_size=-1,
    )
    versions = {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in STATIC_FOLDER.iterdir()}
    environment.globals.update(static=partial(_static, versions), categories=CATEGORIES, slices=SLICES, post_pieces=post_pieces)
    for name in environment.list_templates():
        environment.get_template(name)
    return environment


def _static(versions: Mapping[str, str], name: str) -> str:
    """Address of a static file, which changes with its content, so that browsers may keep it for good."""
    return f"/static/{name}?v={versions[name]}"


@dataclass(frozen=True)
class Site:
    """Everything that the pages share.

    Attributes
    ----------
    database : Database
    params : Params
    project, models : Path
        Folder of params.yaml, and of the trained versions.
    signer : Signer
        Signs what goes into cookies.
    moderator : callable
        Gives the model in use.
    clock : callable
        Gives the present instant, in seconds since 1970.
    shown_pages : ShownPages
        Which page showed a handed-out post last.
    templates : jinja2.Environment
    translators : mapping of str to callable
        By language.
    """

    database: Database
    params: Params
    project: Path
    models: Path
    signer: Signer
    moderator: Callable[[], Moderator]
    clock: Callable[[], float] = time.time
    translators: Mapping[str, Translate] = field(default_factory=_translators)
    shown_pages: ShownPages = field(default_factory=ShownPages)
    templates: Environment = field(default_factory=_templates)

    def render(self, request: Request, name: str, /, status: int = 200, **context: Any) -> HTMLResponse:
        """Fill a template in.

        Besides `context` it sees `t` (words by key), `language`, `session` (None before the login), `links` (of the navigation), `path` and
        `here` (the path with its query), `csrf_token`, and the globals `static(name)`, `categories`, `slices`, `post_pieces`.

        Parameters
        ----------
        request : Request
        name : str
            File below templates/.
        status : int
        **context

        Returns
        -------
        HTMLResponse
        """
        session = session_in(request)
        language = language_of(request)
        page = self.templates.get_template(name).render(
            t=self.translators[language],
            language=language,
            session=session,
            csrf_token=session.csrf_token if session else "",
            links=[(path, key) for path, key, roles in LINKS if session and session.user.role in roles],
            path=request.url.path,
            here=_address(request),
            **context,
        )
        return HTMLResponse(page, status)

    def translate(self, request: Request) -> Translate:
        """Return `t(key, **values)` for the language of the request."""
        return self.translators[language_of(request)]


def _address(request: Request) -> str:
    """Return the page to come back to; what a form was sent to is none."""
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{request.url.path}{query}" if request.method == "GET" else "/"


def session_in(request: Request) -> Session | None:
    """Return the session that the request was found to belong to, or None."""
    return getattr(request.state, "session", None)


def site_of(request: Request) -> Site:
    """Return the site that serves the request."""
    site: Site = request.app.state.site
    return site


def language_of(request: Request) -> str:
    """Return the user's language; before the login, the one chosen there."""
    session = session_in(request)
    chosen = session.user.language if session else request.cookies.get(LANGUAGE_COOKIE)
    return chosen if chosen in LANGUAGES else DEFAULT_LANGUAGE
