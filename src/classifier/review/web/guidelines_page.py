"""The labelling guidelines, as a page."""

import re
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from fastapi import APIRouter, Request, Response
from markdown_it import MarkdownIt
from markupsafe import Markup

from classifier.review.web.security import Current
from classifier.review.web.site import Site

GUIDELINES = Path("docs", "huong-dan-gan-nhan.md")
_NOT_IN_ANCHOR = re.compile(r"[^\w\- ]")


def router(site: Site) -> APIRouter:
    """Return the page of the guidelines."""
    pages = APIRouter()
    path = site.project / GUIDELINES

    @pages.get("/guidelines")
    def guidelines(request: Request, session: Current) -> Response:
        content = _rendered(path, path.stat().st_mtime) if path.is_file() else None
        return site.render(request, "guidelines.html", content=content)

    return pages


@lru_cache(maxsize=2)
def _rendered(path: Path, _changed_at: float) -> Markup:
    """Render without HTML of the file's own, and with anchors as GitHub makes them."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(path.read_text(encoding="utf-8"))
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", _NOT_IN_ANCHOR.sub("", inline.content.lower()).strip().replace(" ", "-"))
    return Markup(markdown.renderer.render(tokens, markdown.options, {}))
