"""The predict module: loads the model in use and scores texts or a stream of batches."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from classifier.attribution import Attribution, attribute
from classifier.errors import InputError, named
from classifier.forms import Prepared
from classifier.highlighting import heaviest_words, locate
from classifier.posts import KeptChunks, read_batch, write_batch
from classifier.registry import StoredModel, load_model
from classifier.routing import decide, route_posts
from classifier.scores import SCORE_COLUMNS, BatchSummary, Scores, invalid, joined
from classifier.taxonomy import Route
from classifier.views import WeighedTerms
from classifier.workers import Workers

MODELS = "models"
_WORTH_A_POOL = 1000
"""Rows a chunk from which worker processes pay, as soon as there is a second chunk."""
_SHARE = 500
"""Rows handed to a worker at a time: few enough that all end together, and that their numbers fit into the processor's cache."""
_LEARNT_BEFORE_FORKING = 2
"""Shares scored before workers are forked: what is then loaded and known of words lies in memory once for all of them."""
_DECIMALS = 6
_UNREADABLE = "không có nội dung đọc được"

_Chunks = Iterator[pd.DataFrame]
_Scored = Iterator[tuple[pd.DataFrame, pd.DataFrame]]
"""Chunks of a batch, each with what scoring adds to it."""


class Moderator:
    """Sorts posts with one stored model.

    Parameters
    ----------
    stored : StoredModel

    Examples
    --------
    >>> scored = Moderator.load().score(["lớp mình mai học mấy giờ vậy"])  # doctest: +SKIP
    >>> scored["decision"].tolist()  # doctest: +SKIP
    ['clear']
    """

    def __init__(self, stored: StoredModel) -> None:
        self._stored = stored
        self._limit = int(stored.metadata["max_characters"])
        self._n_reasons = int(stored.metadata["reasons"])
        self._coefficients = stored.classifier.coefficients()
        self._intercepts = np.array(list(self.log_odds_without_words().values()))
        self._workers: Workers | None = None

    @classmethod
    def load(cls, models: str | Path = MODELS, version: str | None = None) -> "Moderator":
        """Load the version in use, or a named one; see `classifier.registry.load_model` for what is raised."""
        return cls(load_model(Path(models), version))

    @property
    def version(self) -> str:
        """The version of the model."""
        return self._stored.version

    @property
    def folder(self) -> Path:
        """Where the model lies."""
        return self._stored.folder

    def score(self, texts: Sequence[Any]) -> pd.DataFrame:
        """Score posts.

        Parameters
        ----------
        texts : sequence, length n
            Texts as typed. A value that is not a text, is blank or longer than the limit becomes `invalid`.

        Returns
        -------
        pandas.DataFrame, n rows
            `SCORE_COLUMNS`: probabilities are calibrated and rounded to six decimals, empty where the row is invalid.
        """
        return self.scores(texts).table(self.version)

    def scores(self, texts: Sequence[Any]) -> Scores:
        """Score posts as `score` does, posts that equal each other once, and return the bare figures."""
        faults = [self._fault(text) for text in texts]
        numbers: dict[str, int] = {}
        number = [-1 if fault else numbers.setdefault(text, len(numbers)) for text, fault in zip(texts, faults, strict=True)]
        typed = list(numbers)
        prepared = self._stored.classifier.vectorizer_.prepared(typed)
        readable = np.array([bool(form) for form in prepared.characters], dtype=bool)
        rows = np.flatnonzero(readable)
        usable = self._score_usable([typed[row] for row in rows], prepared.take(rows))
        if len(rows) == len(texts):  # all can be scored and no two are equal
            return usable
        unusable = list(dict.fromkeys([_UNREADABLE, *filter(None, faults)]))
        place = np.where(readable, np.cumsum(readable) - 1, len(rows))
        wanted = [len(rows) + unusable.index(fault) if fault else place[found] for fault, found in zip(faults, number, strict=True)]
        return joined([usable, invalid(unusable)]).take(np.array(wanted, dtype=int))

    def workers(self, processes: int) -> Workers:
        """Return processes that score lists of texts as `scores` does; started once and kept."""
        if self._workers is None or self._workers.processes != Workers(self.scores, processes).processes:
            if self._workers is not None:
                self._workers.stop()
            self._workers = Workers(self.scores, processes)
        return self._workers

    def explain(self, text: str) -> tuple[pd.Series, Attribution]:
        """Score one post and say what each word of it contributed.

        Returns
        -------
        scored : pandas.Series
            One row of what `score` returns.
        attribution : Attribution
            Words of the normalised, masked text, where they stand in the text as typed, and a column of weights a category.
            `classifier.highlighting.highlighted` cuts the text accordingly.

        Raises
        ------
        InputError
            If the text can't be scored.
        """
        attribution = self.attribution(text)
        return self.score([text]).iloc[0], attribution

    def attribution(self, text: str) -> Attribution:
        """Say what each word of a post contributed, as `explain` does, without scoring it.

        Raises
        ------
        InputError
            If the text can't be scored.
        """
        vectorizer = self._stored.classifier.vectorizer_
        fault = self._fault(text)
        prepared = vectorizer.prepared([] if fault else [text])
        if not any(prepared.characters):
            raise InputError(f"the text can't be scored: {fault or _UNREADABLE}")
        return locate(next(attribute(vectorizer, prepared, vectorizer.weigh(prepared), np.zeros(1, dtype=int), self._coefficients)), text)

    def log_odds_without_words(self) -> dict[str, float]:
        """Return each category's intercept: what is left when no word contributes."""
        return {category: head.intercept_ for category, head in self._stored.classifier.heads_.items()}

    def _fault(self, text: Any) -> str | None:
        if not isinstance(text, str):
            return "không phải văn bản"
        if len(text) > self._limit:
            return f"dài quá {self._limit} ký tự"
        return None

    def _score_usable(self, texts: list[str], prepared: Prepared) -> Scores:
        if not texts:
            return invalid([])
        classifier = self._stored.classifier
        weighed = classifier.vectorizer_.weigh(prepared)
        probability = np.round(classifier.probability(weighed.features @ self._coefficients + self._intercepts), _DECIMALS)
        routes = route_posts(probability, self._stored.bands)
        return Scores(probability, routes, self._reasons(texts, prepared, weighed, routes))

    def _reasons(self, texts: list[str], prepared: Prepared, weighed: WeighedTerms, routes: np.ndarray) -> list[str]:
        """For each post the words that weighed most towards the categories that are not clear."""
        reasons = [""] * len(routes)
        touched = np.flatnonzero(decide(routes) > Route.CLEAR) if self._n_reasons else np.array([], dtype=int)
        vectorizer = self._stored.classifier.vectorizer_
        explained = attribute(vectorizer, prepared, weighed, touched, self._coefficients)
        for row, attribution in zip(touched, explained, strict=True):
            reasons[row] = "; ".join(heaviest_words(texts[row], attribution, routes[row] > Route.CLEAR, self._n_reasons))
        return reasons


def score_file(
    moderator: Moderator,
    source: str | Path,
    target: str | Path,
    text_column: str,
    chunk_size: int,
    processes: int,
    progress: Callable[[int], None] = lambda rows: None,
    observe: Callable[[pd.DataFrame, pd.DataFrame], None] = lambda chunk, scored: None,
    resume: bool = False,
) -> BatchSummary:
    """Score a batch from file to file, chunk by chunk.

    Parameters
    ----------
    moderator : Moderator
    source, target : str or Path
        See `classifier.posts.read_batch` and `write_batch`.
    text_column : str
    chunk_size : int
        Rows a chunk.
    processes : int
        Workers for batches of more than one chunk; -1 means one a core.
    progress : callable
        Called with the number of rows of each finished chunk.
    observe : callable
        Called with each chunk, in order, and what scoring adds to it.
    resume : bool
        Whether to keep the scores of each finished chunk beside the output until it is whole, and to begin with those that
        an interrupted run of the same batch left there.

    Returns
    -------
    BatchSummary

    Raises
    ------
    InputError
        For unreadable input, a missing text column, columns that scoring would overwrite, an output that can't be
        written, or an interrupted run of something else. Nothing is left under the name of the output then.
    """
    run: dict[str, str | int] = {"model version": moderator.version, "text column": text_column, "chunk size": chunk_size}
    kept = KeptChunks(source, target, run) if resume else None
    batch = read_batch(source, chunk_size)
    _check_columns(batch.columns, text_column, batch.name)
    summary = BatchSummary.empty()
    with write_batch(target) as writer:
        first = next(batch.chunks, None)
        if first is None:
            raise InputError(f"{batch.name}: the file has a header but no posts")
        for chunk, scored in _scored(moderator, chain([first], batch.chunks), text_column, processes, kept):
            writer.write(pd.concat([chunk.reset_index(drop=True), scored], axis=1))
            summary.add(scored)
            observe(chunk, scored)
            progress(len(chunk))
    if kept is not None:
        kept.remove()
    return summary


def _scored(moderator: Moderator, chunks: _Chunks, text_column: str, processes: int, kept: KeptChunks | None) -> _Scored:
    """Chunks with their scores: those that were kept, then the others, which are kept from now on."""
    if kept is None:
        yield from _fresh(moderator, chunks, text_column, processes)
        return
    number = 0
    for chunk in chunks:
        scored = kept.load(number, len(chunk))
        if scored is None:
            chunks = chain([chunk], chunks)
            break
        yield chunk, scored
        number += 1
    for chunk, scored in _fresh(moderator, chunks, text_column, processes):
        kept.save(number, scored)
        yield chunk, scored
        number += 1


def _fresh(moderator: Moderator, chunks: _Chunks, text_column: str, processes: int) -> _Scored:
    """Score chunks in order; where there are several, and large ones, in worker processes, a few at a time."""
    head = list(islice(chunks, 2))
    chunks = chain(head, chunks)
    if processes == 1 or len(head) < 2 or len(head[0]) < _WORTH_A_POOL:
        for chunk in chunks:
            yield chunk, moderator.score(chunk[text_column].tolist())
        return

    def texts(share: tuple[pd.DataFrame, int]) -> list[Any]:
        chunk, start = share
        return chunk[text_column].iloc[start : start + _SHARE].tolist()

    shares = ((chunk, start) for chunk in chunks for start in range(0, len(chunk), _SHARE))
    learnt = [(share, moderator.scores(texts(share))) for share in islice(shares, _LEARNT_BEFORE_FORKING)]
    done: list[Scores] = []
    for (chunk, start), scores in chain(learnt, moderator.workers(processes).map(shares, texts)):
        done.append(scores)
        if start + _SHARE >= len(chunk):
            yield chunk, joined(done).table(moderator.version)
            done = []


def _check_columns(columns: Sequence[str], text_column: str, name: str) -> None:
    if text_column not in columns:
        raise InputError(
            f"{name}: no column {text_column!r}; it has {named(columns)}; the first row must be the header; --text-column names the posts"
        )
    taken = [column for column in SCORE_COLUMNS if column in columns]
    if taken:
        raise InputError(f"{name}: already has the column {taken[0]!r}, which scoring would add; rename it or score the original file")
