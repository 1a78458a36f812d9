"""The dashboard: the queue, decisions a day, agreement, the model beside people, what slips through, drift; nothing about one reviewer."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import isnan
from typing import Annotated

import pandas as pd
from fastapi import APIRouter, Depends, Request, Response

from classifier.distributions import Distributions, read_reference
from classifier.errors import InputError
from classifier.evaluation import Estimate
from classifier.review import figures, pictures
from classifier.review.store import records
from classifier.review.store.people import Role, Session
from classifier.review.web.moments import shown
from classifier.review.web.security import allowed
from classifier.review.web.site import Refused, Site, language_of
from classifier.taxonomy import Route

_FRESH_SECONDS = 30
_DAYS = 14
_BATCHES = 10
Moderators = Annotated[Session, Depends(allowed(Role.MODERATOR, Role.ADMIN))]


@dataclass(frozen=True)
class Snapshot:
    """All figures at one instant, so that pictures and tables show the same; pictures are drawn when asked for and kept.

    Attributes
    ----------
    at : float
        Unix seconds.
    waiting : list of figures.Waiting
    by_day, drift : pandas.DataFrame
    agreement, against_people : mapping
        Of `classifier.review.figures`.
    version : str
        The model that the comparison with people is about: that of the latest batch; empty before any.
    missed, missed_posts : Estimate
        Share and number of violations among what it let pass.
    unknown : tuple of str
        Versions whose batches have nothing to be compared with.
    """

    at: float
    waiting: list[figures.Waiting]
    by_day: pd.DataFrame
    agreement: Mapping[str, Mapping[str, Estimate]]
    version: str
    against_people: Mapping[str, Mapping[str, Estimate]]
    missed: Estimate
    missed_posts: Estimate
    drift: pd.DataFrame
    unknown: tuple[str, ...]
    drawn: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def picture(self, name: str, language: str, limit: float) -> bytes:
        """Return a picture as PNG; a KeyError if there is none of this name."""
        draw: Mapping[str, Callable[[str], bytes]] = {
            "ages": partial(pictures.draw_ages, self.waiting),
            "decisions": partial(pictures.draw_decisions, self.by_day),
            "agreement": partial(pictures.draw_agreement, self.agreement),
            "against_people": partial(pictures.draw_against_people, self.against_people),
            "drift": partial(pictures.draw_drift, self.drift, limit),
        }
        if (name, language) not in self.drawn:
            self.drawn[name, language] = draw[name](language)
        return self.drawn[name, language]


class _Figures:
    """Gives a snapshot, computed anew when the last is too old: many people looking cost no more than one."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = threading.Lock()
        self._last: Snapshot | None = None

    def __call__(self) -> Snapshot:
        with self._lock:
            if self._last is None or not 0 <= self._site.clock() - self._last.at < _FRESH_SECONDS:
                self._last = _snapshot(self._site)
            return self._last


def router(site: Site) -> APIRouter:
    """Return the dashboard and its pictures.

    Parameters
    ----------
    site : Site
    """
    pages = APIRouter()
    current = _Figures(site)
    limit = site.params.monitoring.probability_psi

    @pages.get("/dashboard")
    def dashboard(request: Request, session: Moderators) -> Response:
        number = partial(_number, point=site.translate(request)("dashboard.point"))
        return site.render(
            request,
            "dashboard.html",
            figures=(snapshot := current()),
            at=shown(snapshot.at),
            ages=[_age(low, high) for low, high in zip(figures.AGE_BINS, figures.AGE_BINS[1:], strict=False)],
            days=snapshot.by_day.tail(_DAYS).iloc[::-1].to_dict("records"),
            batches=_batches(snapshot.drift),
            limit=limit,
            number=number,
            share=partial(_share, number=number),
            coefficient=partial(_coefficient, number=number),
            confidence=number(site.params.evaluation.confidence * 100, 0),
        )

    @pages.get("/dashboard/{name}.png")
    def picture(request: Request, session: Moderators, name: str) -> Response:
        try:
            return Response(current().picture(name, language_of(request), limit), media_type="image/png")
        except KeyError:
            raise Refused(404, "not_found") from None

    return pages


def _snapshot(site: Site) -> Snapshot:
    now, confidence = site.clock(), site.params.evaluation.confidence
    with site.database.reading() as connection:
        waiting = records.queue_state(connection, now)
        by_day = records.decisions_by_day(connection)
        answers = records.current_answers(connection)
        settled = records.settled_items(connection)
        batches = records.batches(connection)
    version = str(batches["model_version"].iloc[-1]) if len(batches) else ""
    ours = settled[settled["model_version"] == version]
    summaries = batches.loc[batches["model_version"] == version, "summary"]
    clear = sum(summary.get("decisions", {}).get(Route.CLEAR.label, 0) for summary in summaries)
    missed = figures.missed_among_clear(ours, confidence)
    references = _references(site, set(batches["model_version"]))
    return Snapshot(
        at=now,
        waiting=figures.queue_length(waiting),
        by_day=by_day,
        agreement=figures.agreement(answers, confidence),
        version=version,
        against_people=figures.against_people(ours, confidence),
        missed=missed,
        missed_posts=figures.in_posts(missed, clear),
        drift=figures.drift(batches, references, site.params.monitoring.probability_psi),
        unknown=tuple(sorted(set(batches["model_version"]) - set(references))),
    )


def _references(site: Site, versions: set[str]) -> dict[str, Distributions]:
    found = {}
    for version in versions:
        try:
            found[version] = read_reference(site.models / version)
        except InputError:
            continue
    return found


def _batches(drift: pd.DataFrame) -> list[dict[str, object]]:
    """The latest batches, newest first, each with its figures by category."""
    latest = sorted(set(drift["batch_id"]), reverse=True)[:_BATCHES]
    return [
        {
            "id": number,
            "name": rows["name"].iloc[0],
            "when": shown(rows["created_at"].iloc[0]),
            "posts": rows["posts"].max(),
            "categories": rows.set_index("category")[["stability", "drifted"]].to_dict("index"),
        }
        for number in latest
        for rows in [drift[drift["batch_id"] == number]]
    ]


def _age(low: float, high: float) -> str:
    return f"> {low:g}" if high == float("inf") else f"{low:g}–{high:g}"


def _number(value: float, decimals: int, point: str) -> str:
    return "–" if isnan(value) else f"{value:.{decimals}f}".replace(".", point)


def _share(estimate: Estimate, number: Callable[[float, int], str]) -> tuple[str, str]:
    """A share in percent, and its interval."""
    if isnan(estimate.value):
        return "–", ""
    return f"{number(estimate.value * 100, 1)} %", f"{number(estimate.low * 100, 1)}–{number(estimate.high * 100, 1)}"


def _coefficient(estimate: Estimate, number: Callable[[float, int], str]) -> tuple[str, str]:
    """Kappa or AC1, and its interval."""
    if isnan(estimate.value):
        return "–", ""
    return number(estimate.value, 2), f"{number(estimate.low, 2)} … {number(estimate.high, 2)}"
