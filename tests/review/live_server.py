"""The review page as people run it: `classifier review serve` in a process of its own, over a project and a store of its own."""

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from cluster import free_port

from classifier.corpus import load_corpus
from classifier.features import prepare
from classifier.params import Params
from classifier.registry import promote_version, save_model
from classifier.review.passwords import hash_password
from classifier.review.store import Database, NewItem, Role, batches, people
from classifier.taxonomy import CATEGORIES
from classifier.training import choose_bands, fit_classifier

ROOT = Path(__file__).parents[2]
PASSWORD = "một mật khẩu đủ dài"
_SMALL = ("lop_hoc.csv", "thuong_ngay.csv")
_VERSION = "20260101-000000-aaaaaaaa"
_PATIENCE = 60
_BETWEEN_BATCHES = 100_000
_NUMBERS = count(1)


def make_project(folder: Path, **review: object) -> Path:
    """Make a project folder: settings, some of `review` replaced, and the guidelines; no model, no store."""
    shutil.copytree(ROOT / "docs", folder / "docs")  # makes the folder, too
    lines = (ROOT / "params.yaml").read_text(encoding="utf-8").splitlines()
    for name, value in review.items():
        place = next(number for number, line in enumerate(lines) if line.startswith(f"  {name}:"))
        lines[place] = f"  {name}: {value}  # of this test"
    (folder / "params.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def train_small(params: Params, project: Path) -> Path:
    """Train a real model on two files of the seed corpus, which takes seconds, and put it into use; give the folder of models."""
    (project / "data" / "seed").mkdir(parents=True)
    for name in _SMALL:
        shutil.copy(ROOT / "data" / "seed" / name, project / "data" / "seed")
    corpus = load_corpus(params.corpus, project, params.seed)
    train, calibration = (corpus.split(name) for name in ("train", "calibration"))
    classifier = fit_classifier(params, train, prepare(train["text"].tolist()))
    chosen = choose_bands(classifier, train, calibration, classifier.predict_proba(calibration["text"].tolist()), params)
    facts = {"posts": {}, "max_characters": params.text.max_characters, "reasons": params.prediction.reasons}
    models = project / "models"
    save_model(models / _VERSION, classifier, {category: choice.band for category, choice in chosen.items()}, facts)
    promote_version(models, _VERSION)
    return models


def open_accounts(database: Database, names: Sequence[str], role: Role = Role.REVIEWER) -> None:
    """Open accounts with `PASSWORD`."""
    hashed = hash_password(PASSWORD)
    with database.writing() as connection:
        for name in names:
            people.add_user(connection, time.time(), name, role, hashed)


def queue_posts(database: Database, posts: Sequence[str], needed: Sequence[int], gold: Sequence[str] = ()) -> None:
    """Put posts into the queue as one batch, the first one first, before all that is there; those in `gold` are known to violate nothing."""
    start = next(_NUMBERS) * _BETWEEN_BATCHES
    items = [_item(start - number, text, people_asked) for number, (text, people_asked) in enumerate(zip(posts, needed, strict=True), 1)]
    with database.writing() as connection:
        batches.add_batch(connection, time.time(), "posts.csv", f"{start:064d}", "v1", len(posts), {"rows": len(posts)}, items)
        known = [_item(start - len(posts) - number, text, 1) for number, text in enumerate(gold, 1)]
        batches.add_gold(connection, time.time(), known, [frozenset()] * len(known))


def _item(number: int, text: str, needed: int) -> NewItem:
    probability, routes = dict.fromkeys(CATEGORIES, 0.4), dict.fromkeys(CATEGORIES, "review")
    return NewItem(f"{number:064d}", text, "v1", "review", probability, routes, 1.0, 1, needed, float(number), [(number, f"p{number}")])


class LiveServer:
    """The server process.

    Parameters
    ----------
    project : Path
        Folder of params.yaml.
    models : Path
        Folder of trained versions.
    database_url : str
        Of the store.
    """

    def __init__(self, project: Path, models: Path, database_url: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._log = project / "server.log"
        self._command = [sys.executable, "-m", "classifier", "review", "serve", "--port", str(port)]
        self._command += ["--params", str(project / "params.yaml"), "--models", str(models)]
        self._environment = {**os.environ, "CLASSIFIER_DATABASE_URL": database_url}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "LiveServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Number of the process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the process and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + _PATIENCE
        while not self._answers():
            assert self._process.poll() is None and time.monotonic() < end, self.said()
            time.sleep(0.05)

    def kill(self) -> None:
        """End the process as a power cut would: at once, whatever it is doing."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End the process as Ctrl+C does."""
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()

    def said(self) -> str:
        """What the process wrote so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/login", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False
