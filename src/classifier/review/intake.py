"""Brings a scored batch into the queue: what is flagged or in doubt, and a random share of what is clear."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from classifier.corpus.groups import group_posts, near_duplicate_pairs
from classifier.masking import mask
from classifier.params import Params
from classifier.review import queue
from classifier.review.store.batches import Added, NewItem, add_batch, batch_known, open_items
from classifier.review.store.database import Database
from classifier.taxonomy import CATEGORIES, INVALID, Route
from classifier.text import normalize

BINS = 20
"""Of the histograms of probabilities that are kept with a batch."""
_LONGEST_ID = 255
_PROBABILITIES = [f"p_{category}" for category in CATEGORIES]
_ROUTES = [f"route_{category}" for category in CATEGORIES]


@dataclass(frozen=True)
class Queued:
    """What came of putting a batch into the queue.

    Attributes
    ----------
    items : int
        New posts in the queue.
    joined : int
        Posts of the batch that were in the store already, or nearly so, and joined what is there.
    already : bool
        Whether the same batch, scored by the same model, had been put in before; then nothing was added.
    sampled_clear : int
        Rows of the random share of `clear` among them.
    """

    items: int
    joined: int
    already: bool
    sampled_clear: int


class _Row(NamedTuple):
    """A row that people are to see."""

    number: int
    post_id: str
    digest: str
    text: str
    decision: str
    probability: tuple[float, ...]
    routes: tuple[str, ...]


class Intake:
    """Collects a batch while it is scored, then puts it into the queue; memory holds the rows for the queue only.

    Parameters
    ----------
    params : Params

    Examples
    --------
    >>> intake = Intake(params)  # doctest: +SKIP
    >>> score_file(moderator, source, target, "text", 2000, 1, observe=intake.observer("text"))  # doctest: +SKIP
    >>> intake.queue(database, time.time(), "posts.csv").items  # doctest: +SKIP
    17
    """

    def __init__(self, params: Params) -> None:
        self._params = params
        self._texts = hashlib.sha256()
        self._rows: list[_Row] = []
        self._seen = 0
        self._version = ""
        self._decisions: Counter[str] = Counter()
        self._routes: dict[str, Counter[str]] = {category: Counter() for category in CATEGORIES}
        self._histogram = np.zeros((len(CATEGORIES), BINS), dtype=int)

    def observer(self, text_column: str) -> Callable[[pd.DataFrame, pd.DataFrame], None]:
        """Return what `score_file` calls with each chunk; ids are those of a column `post_id`, if there is one."""

        def observe(chunk: pd.DataFrame, scored: pd.DataFrame) -> None:
            self.observe(chunk[text_column].tolist(), chunk["post_id"].tolist() if "post_id" in chunk else None, scored)

        return observe

    def observe(self, texts: Sequence[Any], post_ids: Sequence[Any] | None, scored: pd.DataFrame) -> None:
        """Take in the next rows of the batch.

        Parameters
        ----------
        texts : sequence, length n
            As typed.
        post_ids : sequence, length n, or None
            What the owner of the batch knows the posts by.
        scored : pandas.DataFrame, n rows
            From `Moderator.score`.
        """
        ids = [""] * len(texts) if post_ids is None else post_ids
        probability = scored[_PROBABILITIES].to_numpy(dtype=float)
        routes = scored[_ROUTES].to_numpy(dtype=object)
        for position, (text, post_id, decision) in enumerate(zip(texts, ids, scored["decision"], strict=True)):
            self._seen += 1
            typed = _sha256(text) if isinstance(text, str) else ""
            self._texts.update(f"{typed}\n".encode())
            if self._wanted(decision, typed):
                masked = mask(text)
                row = _Row(self._seen, _identifier(post_id), item_digest(masked), masked, decision, (*probability[position],), (*routes[position],))
                self._rows.append(row)
        self._count(scored, probability)

    def _wanted(self, decision: str, digest: str) -> bool:
        if decision == Route.CLEAR.label:
            return queue.sampled(digest, self._params.seed, self._params.review.clear_share)
        return decision != INVALID

    def _count(self, scored: pd.DataFrame, probability: np.ndarray) -> None:
        self._decisions.update(scored["decision"])
        for column, category in enumerate(CATEGORIES):
            self._routes[category].update(route for route in scored[f"route_{category}"] if route)
            known = probability[~np.isnan(probability[:, column]), column]
            self._histogram[column] += np.histogram(known, bins=BINS, range=(0, 1))[0]
        self._version = self._version or next(iter(scored["model_version"]), "")

    def queue(self, database: Database, now: float, name: str, user_id: int | None = None) -> Queued:
        """Put what was collected into the queue, all of it or nothing.

        Rows that equal each other after normalisation become one item. So do near-duplicates, of the batch or among the open items of
        the store, but only where the model routes them alike: one changed word can make another post of it.

        Parameters
        ----------
        database : Database
            Migrated.
        now : float
            Unix seconds.
        name : str
            Of the file, for people.
        user_id : int, optional
            Who uploaded it.

        Returns
        -------
        Queued
        """
        self._texts.update(self._version.encode())
        digest = self._texts.hexdigest()
        with database.reading() as connection:
            known = batch_known(connection, digest)
            waiting = open_items(connection)
        if known:
            return Queued(0, 0, True, 0)
        items = self._items(now, waiting)
        with database.writing() as connection:
            added = add_batch(connection, now, name, digest, self._version, self._seen, self._summary(), items, user_id)
        if items and added == Added(0, 0):  # somebody else put it in meanwhile
            return Queued(0, 0, True, 0)
        clear = sum(row.decision == Route.CLEAR.label for row in self._rows)
        return Queued(added.items, added.joined, False, clear)

    def _summary(self) -> dict[str, Any]:
        return {
            "rows": self._seen,
            "decisions": dict(self._decisions),
            "routes": {category: dict(counts) for category, counts in self._routes.items()},
            "histograms": {category: counts.tolist() for category, counts in zip(CATEGORIES, self._histogram, strict=True)},
        }

    def _items(self, now: float, waiting: pd.DataFrame) -> list[NewItem]:
        groups = self._groups(waiting)
        firsts = [rows[0] for rows in groups.values()]
        order = self._params.review.order
        probability = np.array([row.probability for row in firsts], dtype=float).reshape(-1, len(CATEGORIES))
        value = queue.value_of_a_look(probability, [row.text for row in firsts], order)
        clear = np.array([row.decision == Route.CLEAR.label for row in firsts], dtype=bool)
        ranks = queue.rank(queue.hide_sample(value, clear, list(groups)), now, order.age)
        return [self._item(digest, rows, float(rank)) for (digest, rows), rank in zip(groups.items(), ranks, strict=True)]

    def _item(self, digest: str, rows: list[_Row], rank: float) -> NewItem:
        first, review = rows[0], self._params.review
        return NewItem(
            digest=digest,
            text=first.text,
            model_version=self._version,
            decision=first.decision,
            probability=dict(zip(CATEGORIES, map(float, first.probability), strict=True)),
            routes=dict(zip(CATEGORIES, first.routes, strict=True)),
            weight=1 / review.clear_share if first.decision == Route.CLEAR.label else 1.0,
            copies=len(rows),
            needed=queue.needed(first.decision, digest, review.double_share),
            rank=rank,
            rows=[(row.number, row.post_id) for row in rows],
        )

    def _groups(self, waiting: pd.DataFrame) -> dict[str, list[_Row]]:
        """Rows by the digest of the item that is to stand for them: an open one of the store first, else the earliest row's."""
        same: dict[str, list[_Row]] = defaultdict(list)
        for row in self._rows:
            same[row.digest].append(row)
        firsts = [rows[0] for rows in same.values()]
        digests = [*waiting["digest"], *same]
        routes = [*waiting[_ROUTES].itertuples(index=False, name=None), *(row.routes for row in firsts)]
        near = self._params.corpus.near_duplicates
        texts = [*waiting["text"], *(row.text for row in firsts)]
        pairs = near_duplicate_pairs(texts, near.similarity, near.permutations, self._params.seed)
        alike = [(a, b) for a, b in pairs if routes[a] == routes[b] and b >= len(waiting)]
        leader: dict[int, str] = {}
        groups: dict[str, list[_Row]] = {}
        for digest, group in zip(digests, group_posts(len(digests), alike), strict=True):
            leader.setdefault(int(group), digest)
            if digest in same:
                groups.setdefault(leader[int(group)], []).extend(same.pop(digest))
        return groups


def item_digest(masked: str) -> str:
    """Return the digest of a post's normal form: equal for posts that differ in case, spaces, emphasis or personal data only.

    Parameters
    ----------
    masked : str
        The post, personal data masked.

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> item_digest("Hay  quá!!!") == item_digest("hay quá!"), item_digest("hay quá") == item_digest("hay qua")
    (True, False)
    """
    return _sha256(normalize(masked))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _identifier(value: Any) -> str:
    """An empty cell is none."""
    return "" if not pd.api.types.is_scalar(value) or pd.isna(value) else str(value)[:_LONGEST_ID]
