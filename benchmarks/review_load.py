"""Many reviewers at once on the real server: is everything decided as planned, how long does the next post take, does kill -9 lose anything.

Each database is worked through once without a pause between requests, once as people do who think a moment, and once while the server is killed.
The reviewers run in a process of their own on the same machine. The next post's time is put beside that of an empty page, the login, asked for
by the same people meanwhile. The last line is JSON.

Usage: python benchmarks/review_load.py [--database sqlite|postgresql|both] [--reviewers 30] [--items 2000] [--kills 10]   (needs a trained model)
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "review"))

from cluster import execute, running_cluster
from live_server import LiveServer, make_project, open_accounts, queue_posts
from reviewers import Noted, Reviewer, check_decided, kill_now_and_then, work_at_once

from classifier.masking import mask
from classifier.review.store import Database

PROJECT = Path(__file__).parents[1]
THINKING = (0.3, 0.7)
FOR_TWO = 0.3
GOLD = 40


def posts_of(folder: Path, number: int) -> list[str]:
    """So many different posts of the seed corpus, as the queue would hold them."""
    texts = pd.concat([pd.read_csv(file, dtype=str, keep_default_na=False) for file in sorted(folder.glob("*.csv"))])["text"].drop_duplicates()
    return [mask(text) for text in texts.sample(number, random_state=2017)]


@contextmanager
def urls(kind: str, folder: Path) -> Iterator[Callable[[str], str]]:
    """Give what makes the address of a new store of this name."""
    if kind == "sqlite":
        yield lambda name: f"sqlite:///{folder / name}.db"
        return
    with running_cluster(durable=True) as address:

        def create(name: str) -> str:
            execute(address, f"CREATE DATABASE {name}")
            return f"{address}/{name}"

        yield create


def run(url: str, people: int, items: int, think: tuple[float, float], kills: int, posts: Sequence[str]) -> dict[str, object]:
    """Fill a new store, let reviewers empty its queue, and check what is in it then."""
    chance = random.Random(2017)
    needed = [2 if people > 1 and chance.random() < FOR_TWO else 1 for _ in range(items)]
    folder = Path(tempfile.mkdtemp(prefix="review-load-"))
    database = Database(url)
    database.upgrade()
    names = [f"r{number}" for number in range(people)]
    try:
        open_accounts(database, names)
        queue_posts(database, posts[:items], needed, posts[items:])
        with LiveServer(make_project(folder), PROJECT / "models", url) as server:
            noted = Noted()
            reviewers = [Reviewer(server.url, name, noted, think) for name in names]
            for reviewer in reviewers:
                reviewer.log_in()
            reviewers[0].work_once()  # loads the model
            noted.seconds.clear()
            seconds = work_at_once(reviewers, noted, lambda: kill_now_and_then(server, database, noted, sum(needed), kills))
        checked = check_decided(database, noted)
    finally:
        database.close()
        shutil.rmtree(folder, ignore_errors=True)
    return {**checked, "kills": kills, "broken_requests": len(noted.broken), "minutes": round(seconds / 60, 2), "ms": _milliseconds(noted)}


def _milliseconds(noted: Noted) -> dict[str, object]:
    spread = {what: np.percentile(taken, [50, 95]) * 1000 for what, taken in noted.seconds.items()}
    shown: dict[str, object] = {what: {"p50": round(p50, 1), "p95": round(p95, 1)} for what, (p50, p95) in spread.items()}
    return shown | {
        "next_to_empty": {"p50": round(spread["next"][0] / spread["empty"][0], 2), "p95": round(spread["next"][1] / spread["empty"][1], 2)}
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--reviewers", type=int, default=30)
    parser.add_argument("--items", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=10)
    asked = parser.parse_args()
    posts = posts_of(PROJECT / "data" / "seed", asked.items + GOLD)
    ways: dict[str, tuple[int, tuple[float, float], int]] = {
        "alone": (1, (0.0, 0.0), 0),
        "no_pause": (asked.reviewers, (0.0, 0.0), 0),
        "thinking": (asked.reviewers, THINKING, 0),
        "killed": (asked.reviewers, (0.0, 0.0), asked.kills),
    }
    results: dict[str, dict[str, object]] = {}
    for kind in ("sqlite", "postgresql") if asked.database == "both" else (asked.database,):
        results[kind] = {}
        with tempfile.TemporaryDirectory() as folder, urls(kind, Path(folder)) as url:
            for way, (people, think, kills) in ways.items():
                items = asked.items // 10 if people == 1 else asked.items
                results[kind][way] = found = run(url(way), people, items, think, kills, posts)
                print(kind, way, json.dumps(found))
    print(json.dumps({"benchmark": "review_load", "reviewers": asked.reviewers, **results}))


if __name__ == "__main__":
    main()
