"""The predict module: loads the model in use and scores texts or a stream of batches."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor
from scipy import sparse

from classifier.attribution import Attribution, attribute
from classifier.errors import InputError, named
from classifier.features import Prepared, prepare
from classifier.highlighting import heaviest_words, locate
from classifier.posts import read_batch, write_batch
from classifier.registry import StoredModel, load_folder, load_model
from classifier.routing import decide, route_posts
from classifier.taxonomy import CATEGORIES, INVALID, Route

MODELS = "models"
_WORTH_A_POOL = 2000
_DECIMALS = 6
_LABELS = np.array([route.label for route in Route], dtype=object)
_NAMES = np.array(CATEGORIES, dtype=object)

SCORE_COLUMNS: tuple[str, ...] = (
    "decision",
    "categories",
    *(f"{prefix}_{category}" for category in CATEGORIES for prefix in ("p", "route")),
    "reasons",
    "model_version",
)
"""Columns that scoring adds behind those of the input."""


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
        faults = [self._fault(text) for text in texts]
        typed = [text if fault is None else "" for text, fault in zip(texts, faults, strict=True)]
        prepared = prepare(typed)
        faults = [fault or (None if form else "không có nội dung đọc được") for fault, form in zip(faults, prepared.characters, strict=True)]
        usable = np.array([fault is None for fault in faults], dtype=bool)
        rows = np.flatnonzero(usable)
        scored = self._score_usable([typed[row] for row in rows], prepared.take(rows))
        table = pd.DataFrame(index=range(len(texts)), columns=list(SCORE_COLUMNS), dtype=object)
        table.loc[usable, scored.columns] = scored.to_numpy(dtype=object)
        table.loc[~usable, "decision"] = INVALID
        table.loc[~usable, "reasons"] = [fault for fault in faults if fault is not None]
        table["model_version"] = self.version
        floats = {f"p_{category}": "float64" for category in CATEGORIES}
        texts_ = {column: "str" for column in SCORE_COLUMNS if column not in floats}
        return table.fillna(dict.fromkeys(texts_, "")).astype({**floats, **texts_})

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
        scored = self.score([text]).iloc[0]
        if scored["decision"] == INVALID:
            raise InputError(f"the text can't be scored: {scored['reasons']}")
        return scored, locate(self._stored.classifier.explain([text])[0], text)

    def log_odds_without_words(self) -> dict[str, float]:
        """Return each category's intercept: what is left when no word contributes."""
        return {category: head.intercept_ for category, head in self._stored.classifier.heads_.items()}

    def _fault(self, text: Any) -> str | None:
        if not isinstance(text, str):
            return "không phải văn bản"
        if len(text) > self._limit:
            return f"dài quá {self._limit} ký tự"
        return None

    def _score_usable(self, texts: list[str], prepared: Prepared) -> pd.DataFrame:
        columns = [column for column in SCORE_COLUMNS if column != "model_version"]
        if not prepared.characters:
            return pd.DataFrame(columns=columns, dtype=object)
        classifier = self._stored.classifier
        features = classifier.vectorizer_.transform(prepared)
        probability = np.round(classifier.probability(classifier.log_odds(features)), _DECIMALS)
        routes = route_posts(probability, self._stored.bands)
        table: dict[str, Any] = {
            "decision": _LABELS[decide(routes)],
            "categories": [";".join(_NAMES[row > Route.CLEAR]) for row in routes],
            "reasons": self._reasons(texts, prepared, features, routes),
        }
        for column, category in enumerate(CATEGORIES):
            table[f"p_{category}"] = probability[:, column]
            table[f"route_{category}"] = _LABELS[routes[:, column]]
        return pd.DataFrame(table, columns=columns, dtype=object)

    def _reasons(self, texts: list[str], prepared: Prepared, features: sparse.csr_matrix, routes: np.ndarray) -> list[str]:
        """For each post the words that weighed most towards the categories that are not clear."""
        reasons = [""] * len(routes)
        touched = np.flatnonzero(decide(routes) > Route.CLEAR) if self._n_reasons else np.array([], dtype=int)
        classifier = self._stored.classifier
        explained = attribute(classifier.vectorizer_, prepared.take(touched), features[touched], classifier.coefficients())
        for row, attribution in zip(touched, explained, strict=True):
            reasons[row] = "; ".join(heaviest_words(texts[row], locate(attribution, texts[row]), routes[row] > Route.CLEAR, self._n_reasons))
        return reasons


@dataclass
class BatchSummary:
    """What came of a batch.

    Attributes
    ----------
    decisions : dict of str to int
        Rows by decision, `invalid` included.
    routes : dict of str to dict of str to int
        For each category, rows by route.
    """

    decisions: dict[str, int]
    routes: dict[str, dict[str, int]]

    @classmethod
    def empty(cls) -> "BatchSummary":
        """Start at zero."""
        labels = [route.label for route in Route]
        return cls(dict.fromkeys([*labels, INVALID], 0), {category: dict.fromkeys(labels, 0) for category in CATEGORIES})

    @property
    def rows(self) -> int:
        """How many rows were scored or invalid."""
        return sum(self.decisions.values())

    def add(self, scored: pd.DataFrame) -> None:
        """Count a chunk in."""
        for decision, count in scored["decision"].value_counts().items():
            self.decisions[str(decision)] += int(count)
        for category, counts in self.routes.items():
            for route, count in scored[f"route_{category}"].value_counts().items():
                if route:
                    counts[str(route)] += int(count)


def score_file(
    moderator: Moderator,
    source: str | Path,
    target: str | Path,
    text_column: str,
    chunk_size: int,
    processes: int,
    progress: Callable[[int], None] = lambda rows: None,
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

    Returns
    -------
    BatchSummary

    Raises
    ------
    InputError
        For unreadable input, a missing text column, columns that scoring would overwrite, or an output that can't be
        written. Nothing is left under the name of the output then.
    """
    batch = read_batch(source, chunk_size)
    _check_columns(batch.columns, text_column, batch.name)
    summary = BatchSummary.empty()
    with write_batch(target) as writer:
        first = next(batch.chunks, None)
        if first is None:
            raise InputError(f"{batch.name}: the file has a header but no posts")
        chunks = chain([first], batch.chunks)
        scored_chunks: _Scored
        if len(first) < _WORTH_A_POOL or processes == 1:
            scored_chunks = ((chunk, moderator.score(chunk[text_column].tolist())) for chunk in chunks)
        else:
            scored_chunks = _in_parallel(moderator, chunks, text_column, processes)
        for chunk, scored in scored_chunks:
            writer.write(pd.concat([chunk.reset_index(drop=True), scored], axis=1))
            summary.add(scored)
            progress(len(chunk))
    return summary


def _in_parallel(moderator: Moderator, chunks: Iterator[pd.DataFrame], text_column: str, processes: int) -> _Scored:
    """Score chunks in worker processes, a few at a time, in order."""
    kept: list[pd.DataFrame] = []

    def tasks() -> Any:
        for chunk in chunks:
            kept.append(chunk)
            yield delayed(_score_in_worker)(str(moderator.folder), chunk[text_column].tolist())

    try:
        for scored in Parallel(n_jobs=processes, return_as="generator", pre_dispatch="n_jobs", batch_size=1)(tasks()):
            yield kept.pop(0), scored
    except BaseException:  # interrupted: workers would otherwise outlive us by minutes
        get_reusable_executor().shutdown(wait=False, kill_workers=True)
        raise


def _score_in_worker(folder: str, texts: list[Any]) -> pd.DataFrame:
    return _moderator_of(folder).score(texts)


@lru_cache(maxsize=1)
def _moderator_of(folder: str) -> Moderator:
    return Moderator(load_folder(Path(folder)))


def _check_columns(columns: Sequence[str], text_column: str, name: str) -> None:
    if text_column not in columns:
        raise InputError(
            f"{name}: no column {text_column!r}; it has {named(columns)}; the first row must be the header; --text-column names the posts"
        )
    taken = [column for column in SCORE_COLUMNS if column in columns]
    if taken:
        raise InputError(f"{name}: already has the column {taken[0]!r}, which scoring would add; rename it or score the original file")
