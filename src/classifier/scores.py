"""What scoring says of posts: the bare figures, the columns of a scored batch, and the summary of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from classifier.routing import decide
from classifier.taxonomy import CATEGORIES, INVALID, Route

_NO_ROUTE = -1
_BITS = 1 << np.arange(len(CATEGORIES))
_SETS = [";".join(np.array(CATEGORIES)[(chosen & _BITS) > 0]) for chosen in range(1 << len(CATEGORIES))]
"""The names of each set of categories, by the sum of their bits."""
_LABELS = np.array([*(route.label for route in Route), INVALID, *_SETS, ""], dtype=object)
"""Routes by their value, then `invalid`, then the sets; the last is that of no route."""
_INVALID, _FIRST_SET = len(Route), len(Route) + 1

SCORE_COLUMNS: tuple[str, ...] = (
    "decision",
    "categories",
    *(f"{prefix}_{category}" for category in CATEGORIES for prefix in ("p", "route")),
    "reasons",
    "model_version",
)
"""Columns that scoring adds behind those of the input."""
_COLUMN_INDEX = pd.Index(SCORE_COLUMNS)
_PROBABILITY_COLUMNS = [f"p_{category}" for category in CATEGORIES]
_WORD_COLUMNS = [column for column in SCORE_COLUMNS if column not in _PROBABILITY_COLUMNS]


class Scores(NamedTuple):
    """What scoring says of n posts, in the form that costs least to hand from process to process.

    Attributes
    ----------
    probability : numpy.ndarray, shape (n, n_categories), float64
        Rounded; NaN where the row is invalid.
    routes : numpy.ndarray, shape (n, n_categories), int8
        `Route` values; -1 where the row is invalid.
    reasons : list of str, length n
    """

    probability: np.ndarray
    routes: np.ndarray
    reasons: list[str]

    def take(self, rows: np.ndarray) -> "Scores":
        """Return those of some rows, in any order."""
        return Scores(self.probability[rows], self.routes[rows], [self.reasons[row] for row in rows])

    def table(self, version: str) -> pd.DataFrame:
        """Spell them out as `SCORE_COLUMNS`."""
        routes = self.routes
        decision = np.where(routes[:, 0] == _NO_ROUTE, _INVALID, decide(routes))
        categories = _FIRST_SET + (routes > Route.CLEAR) @ _BITS
        numbers = np.vstack([decision, categories, routes.T])
        n = len(routes)
        # One array of strings for all columns: a single post waits for each.
        words = pd.array([*_LABELS[numbers].ravel(), *self.reasons, *repeat(version, n)], dtype="str")
        columns: dict[str, Any] = {name: words[place * n : (place + 1) * n] for place, name in enumerate(_WORD_COLUMNS)}
        columns |= zip(_PROBABILITY_COLUMNS, self.probability.T, strict=True)
        table = pd.DataFrame({place: columns[name] for place, name in enumerate(SCORE_COLUMNS)}, index=pd.RangeIndex(n), copy=False)
        table.columns = _COLUMN_INDEX.view()  # from strings, the index would cost a single post a tenth of a millisecond
        return table


def invalid(reasons: list[str]) -> Scores:
    """Return the scores of rows that can't be scored, each with the reason why."""
    shape = (len(reasons), len(CATEGORIES))
    return Scores(np.full(shape, np.nan), np.full(shape, _NO_ROUTE, dtype=np.int8), reasons)


def joined(parts: Sequence[Scores]) -> Scores:
    """Return the scores of several batches, at least one, one behind another."""
    probability, routes, reasons = zip(*parts, strict=True)
    return Scores(np.vstack(probability), np.vstack(routes), list(chain.from_iterable(reasons)))


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
        for decision, rows in scored["decision"].value_counts().items():
            self.decisions[str(decision)] += int(rows)
        for category, counts in self.routes.items():
            for route, rows in scored[f"route_{category}"].value_counts().items():
                if route:
                    counts[str(route)] += int(rows)
