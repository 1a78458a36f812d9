"""Builds the review application: pages, static files, guards, and a clear page for everything that can go wrong."""

import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from classifier.params import Params
from classifier.review.store.database import Database
from classifier.review.store.errors import AlreadyDecided, LeaseLost, NothingToUndo, StoreError
from classifier.review.web import (
    api,
    dashboard_pages,
    dispute_pages,
    guidelines_page,
    login_pages,
    queue_pages,
    sample_pages,
    upload_pages,
)
from classifier.review.web.guards import HEADERS, NOT_KEPT, Guards
from classifier.review.web.security import LoginNeeded, secret_key, signed_in, signer
from classifier.review.web.site import STATIC_FOLDER, ModelInUse, Refused, Site, site_of
from classifier.review.web.texts import DEFAULT_LANGUAGE
from classifier.review.web.turns import few_threads

API = "/api"
_MEGABYTE = 1_000_000
_API_BYTES = 20 * _MEGABYTE
_FORM_AROUND_FILE = 100_000
_ROUTERS = (
    queue_pages.router,
    dispute_pages.router,
    login_pages.router,
    guidelines_page.router,
    upload_pages.router,
    sample_pages.router,
    dashboard_pages.router,
    api.router,
)
_STORE_REASONS: tuple[tuple[type[StoreError], str], ...] = (
    (LeaseLost, "lease_lost"),
    (AlreadyDecided, "already_decided"),
    (NothingToUndo, "nothing_to_undo"),
)
_HTTP_REASONS = {400: "form", 404: "not_found", 405: "method"}


def build_app(database: Database, models: Path, project: Path, params: Params, clock: Callable[[], float] = time.time) -> FastAPI:
    """Build the application; the model is loaded when it is first needed.

    Parameters
    ----------
    database : Database
        Up to date.
    models, project : Path
        Folder of the trained versions, and of params.yaml.
    params : Params
    clock : callable
        Gives the present instant, in seconds since 1970.

    Returns
    -------
    fastapi.FastAPI

    Raises
    ------
    InputError
        If the key that signs cookies can't be read or made.
    """
    site = Site(database, params, project, models, signer(secret_key(project)), ModelInUse(models), clock)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=few_threads)
    app.state.site = site
    upload = int(params.review.upload_megabytes * _MEGABYTE) + _FORM_AROUND_FILE
    app.add_middleware(Guards, limits={"/upload": upload, API: _API_BYTES})
    app.mount("/static", StaticFiles(directory=STATIC_FOLDER))
    for router in _ROUTERS:
        app.include_router(router(site))
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, handler)
    return app


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return _answer(request, error)


def _login_needed(request: Request, error: Exception) -> Response:
    """Lead to the login; what was sent without a session can't be kept in the store, so it is given back."""
    assert isinstance(error, LoginNeeded)
    if request.method != "GET" or _is_api(request):
        return _answer(request, Refused(401, "session_ended" if error.ended else "login", error.kept))
    onward = {"next": str(request.url.replace(scheme="", netloc=""))}
    return RedirectResponse(f"/login?{urlencode({'ended': '1', **onward} if error.ended else onward)}", 303)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = _answer(request, Refused(error.status_code, _HTTP_REASONS.get(error.status_code, "form")))
    answer.headers.update(error.headers or {})
    return answer


def _invalid(request: Request, error: Exception) -> Response:
    return _answer(request, Refused(422, "form"))


def _store_error(request: Request, error: Exception) -> Response:
    reason = next((reason for kind, reason in _STORE_REASONS if isinstance(error, kind)), "store")
    return _answer(request, Refused(409, reason))


def _database_error(request: Request, error: Exception) -> Response:
    return _answer(request, Refused(503, "database"))


def _fault(request: Request, error: Exception) -> Response:
    """Starlette sends this one from outside the guards, so it brings their headers along."""
    answer = _answer(request, Refused(500, "fault"))
    answer.headers.update({**HEADERS, "Cache-Control": NOT_KEPT})
    return answer


_HANDLERS: dict[type[Exception], Callable[[Request, Exception], Response]] = {
    Refused: _refused,
    LoginNeeded: _login_needed,
    HTTPException: _http_error,
    RequestValidationError: _invalid,
    StoreError: _store_error,
    DBAPIError: _database_error,
    Exception: _fault,
}


def _answer(request: Request, refused: Refused) -> Response:
    site = site_of(request)
    if _is_api(request):
        translate = site.translators[DEFAULT_LANGUAGE]
        return JSONResponse({"error": translate(f"errors.{refused.reason}.text", **refused.values)}, refused.status)
    if refused.status not in (401, 500, 503):
        signed_in(request)
    return site.render(request, "error.html", refused.status, reason=refused.reason, values=refused.values, kept=refused.kept)


def _is_api(request: Request) -> bool:
    return request.url.path.startswith(f"{API}/")
