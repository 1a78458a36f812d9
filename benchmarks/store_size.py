"""What the review store costs in PostgreSQL: room for a queued post and for a decision, by table and index, and the pace of both.

Posts of the seed corpus, masked, each made different by a number, are queued through the store into a throw-away cluster that waits
for its disk, and some are decided on. What intake does before that, comparing a batch with all that is open, is timed on its own. The
last line is JSON.

Usage: python benchmarks/store_size.py [--items 200000] [--decisions 2000]   (needs PostgreSQL's programs)
"""

import argparse
import hashlib
import json
import statistics
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "review"))

from cluster import execute, running_cluster
from live_server import open_accounts
from sqlalchemy import Connection, select, text

from classifier.corpus.groups import near_duplicate_pairs
from classifier.masking import mask
from classifier.review.store import Answer, Database, NewItem, batches, work
from classifier.review.store.schema import users
from classifier.taxonomy import CATEGORIES

PROJECT = Path(__file__).parents[1]
A_BATCH = 20_000
COMPARED = 20_000
ANSWER = Answer(frozenset({"insult"}), "", 3, "chửi thẳng vào mặt bạn cùng lớp")
_SIZES = text("SELECT relname, pg_table_size(oid) AS rows, pg_indexes_size(oid) AS indexes FROM pg_class WHERE relname = ANY(:names)")
_INDEXES = text("SELECT indexrelname, pg_relation_size(indexrelid) FROM pg_stat_user_indexes WHERE relname = ANY(:names)")
QUEUED, DECIDED = ("items", "members", "batches"), ("leases", "decisions", "audit")


def new_items(texts: list[str], number: int) -> Iterator[NewItem]:
    """So many different items, routed `review`; one in ten is for two people, as by default."""
    probability, routes = dict.fromkeys(CATEGORIES, 0.4), dict.fromkeys(CATEGORIES, "review")
    for row in range(1, number + 1):
        people, rank = 1 + (row % 10 == 0), float(row % 997)
        post = f"{texts[row % len(texts)]} {row}"
        digest = hashlib.sha256(post.encode()).hexdigest()
        yield NewItem(digest, post, "20261124-081500-1a2b3c4d", "review", probability, routes, 1.0, 1, people, rank, [(row, f"p{row}")])


def sizes(connection: Connection, names: tuple[str, ...]) -> dict[str, int]:
    """Bytes of each table with its long texts, and of its indexes together."""
    found: dict[str, int] = {}
    for name, rows, indexes in connection.execute(_SIZES, {"names": list(names)}):
        found |= {name: rows, f"{name}, indexes": indexes}
    return found


def queue(database: Database, items: Iterator[NewItem]) -> list[float]:
    """Put batches into the queue; posts a second of each."""
    paces = []
    while part := list(islice(items, A_BATCH)):
        started = time.perf_counter()
        with database.writing() as connection:
            batches.add_batch(connection, time.time(), "posts.parquet", f"{len(paces):064d}", "v1", len(part), {"rows": len(part)}, part)
        paces.append(len(part) / (time.perf_counter() - started))
    return paces


def decide(database: Database, number: int) -> float:
    """Take and answer posts as one reviewer after the other; the median of the seconds that one takes the store."""
    with database.reading() as connection:
        people = connection.execute(select(users.c.id)).scalars().all()
    taken = []
    for turn in range(number):
        person, started = people[turn % len(people)], time.perf_counter()
        with database.writing() as connection:
            given = work.next_item(connection, time.time(), person, 600, 0.0, 0.5)
        assert given is not None
        with database.writing() as connection:
            work.answer(connection, time.time(), person, given.lease_id, ANSWER, False)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def compared_per_second(texts: list[str]) -> float:
    """Posts that intake compares with each other in a second, as it does with every batch and all open items."""
    posts = [f"{texts[row % len(texts)]} {row % 9}" for row in range(COMPARED)]
    started = time.perf_counter()
    near_duplicate_pairs(posts, 0.7, 128, 2017)
    return COMPARED / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--items", type=int, default=200_000)
    parser.add_argument("--decisions", type=int, default=2000)
    asked = parser.parse_args()
    read = [pd.read_csv(file, dtype=str, keep_default_na=False)["text"] for file in sorted((PROJECT / "data" / "seed").glob("*.csv"))]
    texts = [mask(post) for post in pd.concat(read)]
    with running_cluster(durable=True) as address:
        execute(address, "CREATE DATABASE review")
        database = Database(f"{address}/review")
        database.upgrade()
        open_accounts(database, [f"r{number}" for number in range(10)])
        with database.reading() as connection:
            empty = sizes(connection, QUEUED + DECIDED)
        paces = queue(database, new_items(texts, asked.items))
        with database.reading() as connection:
            queued = sizes(connection, QUEUED + DECIDED)
            indexes = dict(map(tuple, connection.execute(_INDEXES, {"names": ["items", "members"]})))
        seconds = decide(database, asked.decisions)
        with database.reading() as connection:
            decided = sizes(connection, QUEUED + DECIDED)
        database.close()
    an_item = {name: round((queued[name] - empty[name]) / asked.items) for name in queued if name.split(",")[0] in QUEUED}
    a_decision = {name: round((decided[name] - queued[name]) / asked.decisions) for name in queued if name.split(",")[0] in DECIDED}
    result = {
        "items": asked.items,
        "characters_a_post": round(statistics.mean(map(len, texts))),
        "bytes_an_item": {**an_item, "all": sum(an_item.values())},
        "megabytes_of_indexes": {name: round(size / 1e6, 1) for name, size in indexes.items()},
        "queued_a_second": {"first_batch": round(paces[0]), "last_batch": round(paces[-1])},
        "decisions": asked.decisions,
        "bytes_a_decision": {**a_decision, "all": sum(a_decision.values())},
        "milliseconds_a_decision": round(seconds * 1000, 1),
        "compared_a_second": round(compared_per_second(texts)),
    }
    for name, value in result.items():
        print(f"{name}: {value}")
    print(json.dumps({"benchmark": "store_size", **result}))


if __name__ == "__main__":
    main()
