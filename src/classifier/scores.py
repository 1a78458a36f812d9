"""What scoring says of posts: the bare figures, the columns of a scored batch, and the summary of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from classifier.routing import decide
from classifier.taxonomy import CATEGORIES, INVALID, Route

_NO_ROUTE = -1
_BITS = 1 << np.arange(len(CATEGORIES))
_SETS = [";".join(np.array(CATEGORIES)[(chosen & _BITS) > 0]) for chosen in range(1 << len(CATEGORIES))]
"""The names of each set of categories, by the sum of their bits."""
_WORDS = pd.array([*(route.label for route in Route), INVALID, *_SETS, ""], dtype="str")
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
        words = _WORDS.take(numbers.ravel())  # one call for all columns: a single post waits for each
        n = len(routes)
        columns: dict[str, Any] = {
            "decision": words[:n],
            "categories": words[n : 2 * n],
            "reasons": pd.array(self.reasons, dtype="str"),
            "model_version": _known_version(version).take(np.zeros(n, dtype=int)),
        }
        for column, category in enumerate(CATEGORIES):
            columns[f"p_{category}"] = self.probability[:, column]
            columns[f"route_{category}"] = words[(column + 2) * n : (column + 3) * n]
        return pd.DataFrame({name: columns[name] for name in SCORE_COLUMNS}, copy=False)


@lru_cache(maxsize=8)
def _known_version(version: str) -> Any:
    return pd.array([version], dtype="str")


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
