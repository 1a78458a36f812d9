"""Adjudication: a post on which two reviewers differ, both answers side by side without names."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from classifier.review.store import disputes
from classifier.review.store.disputes import Dispute
from classifier.review.store.errors import LeaseLost
from classifier.review.store.people import Role, Session
from classifier.review.web.answers import LONGEST_RATIONALE, Draft, read_draft
from classifier.review.web.security import Form, allowed, number
from classifier.review.web.site import Refused, Site

_MINUTE = 60
Adjudicator = Annotated[Session, Depends(allowed(Role.ADJUDICATOR))]


def router(site: Site) -> APIRouter:
    """Return the pages of disputes."""
    pages = APIRouter()
    seconds = site.params.review.lease_minutes * _MINUTE

    def page(request: Request, dispute: Dispute, draft: Draft, problem: str | None = None, done: bool = False) -> Response:
        mark = site.shown_pages.show(dispute.lease_id)
        context = {"dispute": dispute, "mark": mark, "draft": draft, "problem": problem, "longest": LONGEST_RATIONALE, "done": done}
        return site.render(request, "dispute.html", 422 if problem else 200, **context)

    @pages.get("/disputes")
    def next_dispute(request: Request, session: Adjudicator, done: str = "") -> Response:
        with site.database.writing(durable=False) as connection:
            dispute = disputes.next_dispute(connection, site.clock(), session.user.id, seconds)
        if dispute is None:
            return site.render(request, "no_dispute.html", done=bool(done))
        return page(request, dispute, Draft(), done=bool(done))

    @pages.post("/disputes")
    def adjudicate(request: Request, fields: Form, session: Adjudicator) -> Response:
        lease, draft = number(fields, "lease"), read_draft(fields)
        try:
            with site.database.writing() as connection:
                if draft.problem:
                    dispute = disputes.dispute(connection, site.clock(), session.user.id, lease)
                else:
                    disputes.adjudicate(connection, site.clock(), session.user.id, lease, draft.answer)
        except LeaseLost:
            raise Refused(409, "lease_lost", kept=draft.rationale) from None
        return page(request, dispute, draft, draft.problem) if draft.problem else RedirectResponse("/disputes?done=1", 303)

    return pages
