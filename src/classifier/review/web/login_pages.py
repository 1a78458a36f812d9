"""Login, logout and the user's own preferences."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from classifier.review.store import people
from classifier.review.web import security
from classifier.review.web.security import Current, Form, Posted, text
from classifier.review.web.site import LANGUAGE_COOKIE, Refused, Site
from classifier.review.web.texts import LANGUAGES


def router(site: Site) -> APIRouter:
    """Return the pages of login, logout and preferences."""
    pages = APIRouter()

    def login_page(request: Request, onward: str, status: int = 200, note: str = "", name: str = "") -> Response:
        value, token = security.login_token(site, request)
        page = site.render(request, "login.html", status, onward=onward, note=note, name=name, token=token)
        security.set_cookie(request, page, security.LOGIN_COOKIE, value)
        return page

    @pages.get("/login")
    def login(request: Request, onward: Annotated[str, Query(alias="next")] = "/", ended: str = "", left: str = "") -> Response:
        if security.signed_in(request):
            return RedirectResponse(security.safe_path(onward), 303)
        return login_page(request, security.safe_path(onward), note="ended" if ended else "left" if left else "")

    @pages.post("/login")
    def log_in(request: Request, fields: Posted) -> Response:
        onward, name = security.safe_path(text(fields, "next")), text(fields, "name")
        if not security.login_token_holds(site, request, text(fields, "token")):
            return login_page(request, onward, 403, "stale", name)
        user = security.log_in(site, name, text(fields, "password"))
        if user is None:
            return login_page(request, onward, 401, "wrong", name)
        answer = RedirectResponse(onward, 303)
        security.start_session(site, request, answer, user)
        answer.delete_cookie(security.LOGIN_COOKIE, path="/")
        return answer

    @pages.post("/logout")
    def log_out(request: Request, fields: Form) -> Response:
        answer = RedirectResponse("/login?left=1", 303)
        security.end_session(site, request, answer)
        return answer

    @pages.get("/preferences")
    def preferences(request: Request, session: Current, saved: str = "") -> Response:
        return site.render(request, "preferences.html", languages=LANGUAGES, saved=bool(saved))

    @pages.post("/preferences")
    def save(request: Request, fields: Form, session: Current) -> Response:
        _save(site, session.user, _language(text(fields, "language")), text(fields, "blurred") == "1")
        return RedirectResponse("/preferences?saved=1", 303)

    @pages.post("/language")
    def switch(request: Request, fields: Posted) -> Response:
        """Switch the language: kept with the user, and in a cookie for the login page."""
        language, onward = _language(text(fields, "language")), security.safe_path(text(fields, "next"))
        session = security.signed_in(request)
        if session is not None:
            security.form(request, fields)
            _save(site, session.user, language, session.user.blurred)
        elif not security.login_token_holds(site, request, text(fields, "token")):
            raise Refused(403, "csrf")
        answer = RedirectResponse(onward, 303)
        security.set_cookie(request, answer, LANGUAGE_COOKIE, language, 365 * 24 * 3600)
        return answer

    return pages


def _language(value: str) -> str:
    if value not in LANGUAGES:
        raise Refused(422, "form")
    return value


def _save(site: Site, user: people.User, language: str, blurred: bool) -> None:
    with site.database.writing() as connection:
        people.set_preferences(connection, user.id, language, blurred)
