"""The samples page: stored posts by category, route, decision, state and date, in order or at random, with the words that weighed."""

import random
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from math import ceil
from typing import Annotated, Any
from urllib.parse import urlencode

import pandas as pd
from fastapi import APIRouter, Depends, Request, Response

from classifier.review.store import records, samples
from classifier.review.store.people import Role, Session
from classifier.review.web.moments import midnight, shown
from classifier.review.web.security import allowed
from classifier.review.web.site import Refused, Site
from classifier.review.web.suggestions import SortedBy, suggest
from classifier.taxonomy import CATEGORIES, Route

STATES = ("open", "disputed", "settled", "gold")
ROUTES = tuple(route.label for route in reversed(Route))
_CHOICES = {"category": CATEGORIES, "decision": ROUTES, "route": ROUTES, "state": STATES}
_PAGE = 20
_LARGEST = 2**31
_EARLIEST, _LATEST = date(1970, 1, 2), date(9999, 12, 30)


@dataclass(frozen=True)
class Filters:
    """What the page's address asks for; empty means any.

    Attributes
    ----------
    category, decision, route, state : str
    since, until : str
        Days, as in 2026-11-24, both included.
    seed : str
        Of the random order; empty for the newest first.
    page : int
        From 1.
    """

    category: str = ""
    decision: str = ""
    route: str = ""
    state: str = ""
    since: str = ""
    until: str = ""
    seed: str = ""
    page: int = 1

    def address(self, **changes: object) -> str:
        """Return the address of the page with some of these changed."""
        fields = asdict(self) | {"page": 1} | changes
        return "/samples?" + urlencode({name: value for name, value in fields.items() if value and (name, value) != ("page", 1)})


def read_filters(request: Request) -> Filters:
    """Read the filters from a request's address.

    Raises
    ------
    Refused
        With status 422, if one has a value that it can't have.
    """
    given = {name: value for name, value in request.query_params.items() if name in Filters.__dataclass_fields__ and value}
    try:
        for name, choices in _CHOICES.items():
            if given.get(name, choices[0]) not in choices:
                raise ValueError(name)
        for name in ("since", "until"):
            _day(given.get(name))
        page, seed = max(_number(given.pop("page", "1")), 1), given.pop("seed", "")
        return Filters(**given, seed=str(_number(seed)) if seed else "", page=page)
    except ValueError:
        raise Refused(422, "samples_filter") from None


def router(site: Site) -> APIRouter:
    """Return the samples page.

    Parameters
    ----------
    site : Site
    """
    pages = APIRouter()

    @pages.get("/samples")
    def browse(
        request: Request,
        session: Annotated[Session, Depends(allowed(Role.MODERATOR, Role.ADMIN))],
        filters: Annotated[Filters, Depends(read_filters)],
    ) -> Response:
        wanted = _conditions(filters)
        with site.database.reading() as connection:
            count = samples.count_items(connection, **wanted)
            filters = replace(filters, page=min(filters.page, max(ceil(count / _PAGE), 1)))
            shuffle = int(filters.seed) if filters.seed else None
            found = samples.find_items(connection, **wanted, limit=_PAGE, offset=(filters.page - 1) * _PAGE, shuffle_seed=shuffle)
            settled = records.settled_items(connection).set_index("item_id") if (found["state"] == "settled").any() else pd.DataFrame()
        explained = request.query_params.get("explain", "")
        return site.render(
            request,
            "samples.html",
            filters=filters,
            choices=_CHOICES,
            count=count,
            first=(filters.page - 1) * _PAGE + 1,
            pages=ceil(count / _PAGE),
            posts=[_post(row, settled) for row in found.to_dict("records")],
            explained=explained,
            suggestion=next((_explained(site, row) for row in found.to_dict("records") if str(row["id"]) == explained), None),
            new_seed=random.randrange(1, 10_000),
        )

    return pages


def _conditions(filters: Filters) -> dict[str, Any]:
    since, until = _day(filters.since), _day(filters.until)
    chosen = {name: getattr(filters, name) or None for name in _CHOICES}
    return chosen | {"since": midnight(since) if since else None, "until": midnight(until + timedelta(days=1)) if until else None}


def _day(value: str | None) -> date | None:
    return min(max(date.fromisoformat(value), _EARLIEST), _LATEST) if value else None


def _number(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 11 and int(value) < _LARGEST):
        raise ValueError(value)
    return int(value)


def _post(row: dict[Any, Any], settled: pd.DataFrame) -> dict[str, Any]:
    """A stored item as the page shows it, with what people decided in the end."""
    final = settled.loc[row["id"]] if row["id"] in settled.index else None
    likeliest = sorted(((row[f"p_{category}"], category, row[f"route_{category}"]) for category in CATEGORIES), reverse=True)
    return {
        **row,
        "when": shown(row["created_at"]),
        "routes": [(category, probability, route) for probability, category, route in likeliest],
        "final": None if final is None else [category for category in str(final["categories"]).split(";") if category],
        "how": None if final is None else final["how"],
    }


def _explained(site: Site, row: dict[Any, Any]) -> Any:
    columns = {kind: {category: row[f"{kind}_{category}"] for category in CATEGORIES} for kind in ("p", "route")}
    return suggest(site.moderator(), row["text"], SortedBy(row["model_version"], columns["p"], columns["route"]))
