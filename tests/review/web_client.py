"""What the tests of the pages share: the application with a model that goes by words, and people who visit it."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from classifier.errors import InputError
from classifier.params import Params
from classifier.prediction import SCORE_COLUMNS
from classifier.review.passwords import hash_password
from classifier.review.store import Database, Role, people
from classifier.review.web.app import build_app
from classifier.review.web.site import ModelInUse
from classifier.taxonomy import CATEGORIES

PASSWORD = "một mật khẩu đủ dài"
_HASH = hash_password(PASSWORD)


class WordModerator:
    """Flags posts with the word `ngu` as insults, asks people about those with `lạ`, and clears the rest."""

    version = "v1"

    def score(self, texts: Sequence[Any]) -> pd.DataFrame:
        return pd.DataFrame([self._row(text) for text in texts], columns=list(SCORE_COLUMNS))

    def _row(self, text: Any) -> dict[str, Any]:
        if not isinstance(text, str) or not text.strip():
            unknown = {f"p_{c}": float("nan") for c in CATEGORIES} | {f"route_{c}": "" for c in CATEGORIES}
            return {"decision": "invalid", "categories": "", "reasons": "không phải văn bản", "model_version": self.version, **unknown}
        route, probability = ("flag", 0.95) if "ngu" in text else ("review", 0.5) if "lạ" in text else ("clear", 0.02)
        named = {"decision": route, "categories": "" if route == "clear" else "insult", "reasons": "", "model_version": self.version}
        clear = {f"p_{c}": 0.01 for c in CATEGORIES} | {f"route_{c}": "clear" for c in CATEGORIES}
        return named | clear | {"p_insult": probability, "route_insult": route}

    def attribution(self, text: str) -> Any:
        raise InputError("words are not weighed here")


class Visitor:
    """Somebody who has logged in."""

    def __init__(self, app: FastAPI, name: str) -> None:
        self.http = TestClient(app, follow_redirects=False)
        token = _hidden(self.http.get("/login").text, "token")
        answer = self.http.post("/login", data={"token": token, "name": name, "password": PASSWORD, "next": "/guidelines"})
        assert answer.status_code == 303, answer.text

    def get(self, path: str) -> Any:
        return self.http.get(path)

    def csrf(self) -> str:
        return _hidden(self.get("/guidelines").text, "csrf")

    def post(self, path: str, **fields: str) -> Any:
        return self.http.post(path, data={"csrf": self.csrf(), **fields})

    def upload(self, content: bytes | str, name: str = "bài.csv", **fields: str) -> Any:
        content = content.encode() if isinstance(content, str) else content
        return self.http.post("/upload", data={"csrf": self.csrf(), "column": "text", **fields}, files={"file": (name, content)})

    def scored(self, content: bytes | str, name: str = "bài.csv", **fields: str) -> str:
        """Upload, wait until the file is scored or has failed, and give the address of its page."""
        address = self.upload(content, name, **fields).headers["location"]
        self.wait(address)
        return address

    def wait(self, address: str) -> Any:
        end = time.monotonic() + 20
        while "refresh" in (page := self.get(address)).headers:
            assert time.monotonic() < end, page.text
            time.sleep(0.02)
        return page


class Pages:
    """The running application over an empty store."""

    def __init__(self, app: FastAPI, database: Database, project: Path) -> None:
        self.app, self.database, self.project = app, database, project

    def visitor(self, role: Role = Role.MODERATOR, name: str = "", language: str = "vi") -> Visitor:
        name = name or f"mot_{role}"
        with self.database.writing() as connection:
            user = people.add_user(connection, 0.0, name, role, _HASH)
            people.set_preferences(connection, user.id, language, blurred=False)
        return Visitor(self.app, name)

    def files(self) -> list[str]:
        folder = self.project / "data" / "uploads"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


@contextmanager
def running(
    database: Database, project: Path, params: Params, patch: pytest.MonkeyPatch, clock: Callable[[], float] = time.time, **review: Any
) -> Iterator[Pages]:
    """Start the application, with these settings of the review changed, and stop it in the end."""
    moderator = WordModerator()
    patch.setattr(ModelInUse, "__call__", lambda _: moderator)
    settings = params.model_copy(update={"review": params.review.model_copy(update=review)})
    app = build_app(database, project / "models", project, settings, clock)
    with TestClient(app):
        yield Pages(app, database, project)


def _hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found, page
    return found[1]
