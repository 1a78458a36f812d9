"""The interface for programs: scores a list of posts for whoever holds a token, and describes itself."""

import json
import math
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from classifier import __version__
from classifier.prediction import SCORE_COLUMNS
from classifier.review.store import people
from classifier.review.web.security import Current, digest
from classifier.review.web.site import Refused, Site
from classifier.review.web.texts import DEFAULT_LANGUAGE, Translate
from classifier.taxonomy import CATEGORIES, INVALID, Route

SCORE_PATH = "/api/score"
_JSON = "application/json"
_FAULTS = (401, 413, 415, 422, 503)
_EXAMPLE = ["mai lớp mình học phòng nào vậy", "nhận làm bằng cấp các loại, bao soi"]


def router(site: Site) -> APIRouter:
    """Return the interface for programs and the pages about it.

    Parameters
    ----------
    site : Site
    """
    pages = APIRouter()
    most = site.params.review.api_posts

    def token(request: Request) -> None:
        """Refuse whoever does not send a token that was given out."""
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and secret.strip():
            with site.database.reading() as connection:
                if people.token_known(connection, digest(secret.strip())):
                    return
        raise Refused(401, "api_token")

    async def posts(request: Request, _: Annotated[None, Depends(token)]) -> list[Any]:
        """The texts that were sent, read only once the token is known."""
        if request.headers.get("content-type", "").split(";")[0].strip().lower() != _JSON:
            raise Refused(415, "api_type")
        try:
            found = json.loads(await request.body())
        except (ValueError, RecursionError):  # also not UTF-8, or a number of thousands of digits
            raise Refused(422, "api_json") from None
        if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
            raise Refused(422, "api_list")
        if len(found) > most:
            raise Refused(413, "api_posts", sent=len(found), most=most)
        return found

    @pages.post(SCORE_PATH)
    def score(texts: Annotated[list[Any], Depends(posts)]) -> Response:
        scored = site.moderator().score(texts)
        rows = [{column: _value(value) for column, value in row.items()} for row in scored.to_dict("records")]
        return Response(json.dumps(rows), media_type=_JSON)

    @pages.get("/api/openapi.json")
    def description(_: Current) -> dict[str, Any]:
        return openapi(site.translators[DEFAULT_LANGUAGE], most)

    @pages.get("/api")
    def about(request: Request, _: Current) -> Response:
        described = openapi(site.translate(request), most)
        return site.render(
            request,
            "api.html",
            api=described,
            operation=described["paths"][SCORE_PATH]["post"],
            example=json.dumps(_EXAMPLE, ensure_ascii=False),
            base=request.base_url,
        )

    return pages


def _value(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def openapi(t: Translate, most: int) -> dict[str, Any]:
    """Describe the interface.

    Parameters
    ----------
    t : callable
        Gives words by key, in the language of the description.
    most : int
        Most posts in one request.

    Returns
    -------
    dict
        An OpenAPI 3.1 document.
    """
    answer = {"type": "array", "items": {"$ref": "#/components/schemas/ScoredPost"}}
    fault = {_JSON: {"schema": {"$ref": "#/components/schemas/Fault"}}}
    sent = {"type": "array", "items": {"type": "string"}, "maxItems": most}
    operation = {
        "operationId": "score",
        "summary": t("api.score"),
        "security": [{"token": []}],
        "requestBody": {"required": True, "description": t("api.body", most=most), "content": {_JSON: {"schema": sent, "example": _EXAMPLE}}},
        "responses": {
            "200": {"description": t("api.answers.s200"), "content": {_JSON: {"schema": answer}}},
            **{str(status): {"description": t(f"api.answers.s{status}"), "content": fault} for status in _FAULTS},
        },
    }
    schemas = {"ScoredPost": _scored_post(t), "Fault": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}}
    components = {"schemas": schemas, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}}
    info = {"title": t("api.title"), "description": t("api.about"), "version": __version__}
    return {"openapi": "3.1.0", "info": info, "paths": {SCORE_PATH: {"post": operation}}, "components": components}


def _scored_post(t: Translate) -> dict[str, Any]:
    routes = [route.label for route in Route]
    kinds: dict[str, dict[str, Any]] = {
        "decision": {"type": "string", "enum": [*routes, INVALID]},
        **{f"p_{category}": {"type": ["number", "null"], "minimum": 0, "maximum": 1} for category in CATEGORIES},
        **{f"route_{category}": {"type": "string", "enum": [*routes, ""]} for category in CATEGORIES},
    }
    properties = {column: {**kinds.get(column, {"type": "string"}), "description": _about(t, column)} for column in SCORE_COLUMNS}
    return {"type": "object", "required": list(SCORE_COLUMNS), "properties": properties}


def _about(t: Translate, column: str) -> str:
    kind, _, category = column.partition("_")
    return t(f"api.columns.{kind}", category=t(f"names.{category}")) if category in CATEGORIES else t(f"api.columns.{column}")
