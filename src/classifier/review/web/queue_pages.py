"""The reviewer's pages: a post, the answer, what the model thinks of it, the next post."""

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import RedirectResponse

from classifier.prediction import Moderator
from classifier.review.store import work
from classifier.review.store.errors import LeaseLost, StoreError
from classifier.review.store.own_answers import ModelView, OwnAnswer, model_view, own_answer, own_day
from classifier.review.store.people import Session
from classifier.review.store.work import Assignment
from classifier.review.web import security
from classifier.review.web.answers import LONGEST_RATIONALE, Draft, read_draft
from classifier.review.web.moments import VIETNAM, midnight
from classifier.review.web.security import Current, Form, allowed, number, text
from classifier.review.web.site import REVIEWERS, Refused, Site
from classifier.review.web.suggestions import SortedBy, Suggestion, suggest
from classifier.review.web.turns import in_turn

Reviewer = Annotated[Session, Depends(allowed(*REVIEWERS))]
LeaseNumber = Annotated[int, Path(ge=1, lt=2**31)]
_PAUSED_COOKIE = "paused"
_MINUTE, _HOUR = 60, 3600


def router(site: Site, chance: Callable[[], float] = random.random) -> APIRouter:
    """Return the pages of the queue.

    Parameters
    ----------
    site : Site
    chance : callable
        Gives a random number in [0, 1), which decides when a post with a known answer comes.
    """
    pages = APIRouter()
    settings = site.params.review
    lease_seconds = settings.lease_minutes * _MINUTE

    def suggestion_before(post: str) -> Suggestion | None:
        return None if settings.blind else suggest(site.moderator(), post)

    def post_page(request: Request, counts: tuple[int, int], post: Assignment, draft: Draft, problem: str | None = None) -> Response:
        today, since_login = counts
        return site.render(
            request,
            "queue.html",
            422 if problem else 200,
            post=post,
            mark=site.shown_pages.show(post.lease_id),
            seconds=int(post.expires_at - site.clock()),
            draft=draft,
            problem=problem,
            longest=LONGEST_RATIONALE,
            suggestion=suggestion_before(post.text),
            today=today,
            since_pause=since_login % settings.pause_after,
            pause_after=settings.pause_after,
        )

    @pages.get("/")
    def queue(request: Request, session: Current, paused: int = 0) -> Response:
        if session.user.role not in REVIEWERS:
            return RedirectResponse("/upload", 303)
        counts = today, since_login = _counts(site, session)
        taken = paused or _as_number(request.cookies.get(_PAUSED_COOKIE, ""))
        if since_login and since_login % settings.pause_after == 0 and taken != since_login:
            return site.render(request, "pause.html", count=since_login)
        with site.database.writing(durable=False) as connection:
            post = work.next_item(connection, site.clock(), session.user.id, lease_seconds, settings.gold_share, chance())
        page = post_page(request, counts, post, Draft()) if post else site.render(request, "empty.html", today=today)
        if paused:
            security.set_cookie(request, page, _PAUSED_COOKIE, str(paused))
        return page

    @pages.post("/answer")
    def answer(request: Request, fields: Form, session: Reviewer) -> Response:
        """Keep the answer, then show what the model thinks; where that was in view before, go straight on."""
        lease, draft = number(fields, "lease"), read_draft(fields)
        try:
            with site.database.writing() as connection:
                post = work.assignment(connection, site.clock(), session.user.id, lease)
                if not draft.problem:
                    work.answer(connection, site.clock(), session.user.id, lease, draft.answer, informed=not settings.blind)
        except LeaseLost:
            raise Refused(409, "lease_lost", kept=draft.rationale) from None
        if draft.problem:
            return post_page(request, _counts(site, session), post, draft, draft.problem)
        return RedirectResponse(f"/answers/{lease}" if settings.blind or post.gold else "/", 303)

    @pages.get("/answers/{lease}")
    async def reveal(request: Request, session: Reviewer, lease: LeaseNumber) -> Response:
        return await in_turn(revealed, request, session, lease)

    def revealed(request: Request, session: Session, lease: int) -> Response:
        own, view = _answered(site, session, lease)
        return reveal_page(request, own, view, Draft.of(own.answer))

    def reveal_page(request: Request, own: OwnAnswer, view: ModelView, draft: Draft, problem: str | None = None) -> Response:
        suggestion = suggest(_moderator(site), view.text, SortedBy(view.version, view.probability, view.routes))
        context = {"own": own, "view": view, "suggestion": suggestion, "draft": draft, "problem": problem, "longest": LONGEST_RATIONALE}
        return site.render(request, "reveal.html", 422 if problem else 200, **context)

    @pages.post("/revise")
    def revise(request: Request, fields: Form, session: Reviewer) -> Response:
        lease, draft = number(fields, "lease"), read_draft(fields)
        if draft.problem:
            own, view = _answered(site, session, lease)
            return reveal_page(request, own, view, draft, draft.problem)
        with site.database.writing() as connection:
            work.revise(connection, site.clock(), session.user.id, lease, draft.answer)
        return RedirectResponse("/", 303)

    @pages.post("/skip")
    def skip(fields: Form, session: Reviewer) -> Response:
        lease = number(fields, "lease")
        with suppress(LeaseLost), site.database.writing() as connection:  # lost: it went back by itself, which is what was asked for
            work.skip(connection, site.clock(), session.user.id, lease)
        return RedirectResponse(security.safe_path(text(fields, "next")), 303)

    @pages.post("/undo")
    def undo(fields: Form, session: Reviewer) -> Response:
        with site.database.writing() as connection:
            work.undo(connection, site.clock(), session.user.id, lease_seconds)
        return RedirectResponse("/", 303)

    @pages.post("/release")
    def release(fields: Form, session: Reviewer) -> Response:
        """Free the post of a page that was closed, unless another page shows it since."""
        lease = number(fields, "lease")
        if site.shown_pages.is_last(lease, text(fields, "mark")):
            with suppress(LeaseLost), site.database.writing() as connection:
                work.release(connection, site.clock(), session.user.id, lease)
        return Response(status_code=204)

    return pages


def _answered(site: Site, session: Session, lease: int) -> tuple[OwnAnswer, ModelView]:
    """The user's own answer and, only with that, the model's view."""
    try:
        with site.database.reading() as connection:
            own = own_answer(connection, session.user.id, lease)
            return own, model_view(connection, session.user.id, own.item_id)
    except StoreError:
        raise Refused(404, "not_yours") from None


def _moderator(site: Site) -> Moderator | None:
    try:
        return site.moderator()
    except Refused:
        return None


def _counts(site: Site, session: Session) -> tuple[int, int]:
    """How many posts the user decided on today, as a day goes in Viet Nam, and since the login."""
    day = datetime.fromtimestamp(site.clock(), VIETNAM).date()
    login = session.expires_at - site.params.review.session_hours * _HOUR
    with site.database.reading() as connection:
        today = own_day(connection, session.user.id, midnight(day))
        return today, own_day(connection, session.user.id, login)


def _as_number(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() else 0
