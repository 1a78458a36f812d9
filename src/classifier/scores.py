"""What scoring says of posts: the bare figures, the columns of a scored batch, and the summary of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from classifier.routing import decide
from classifier.taxonomy import CATEGORIES, INVALID, Route

_NO_ROUTE = -1
_LABELS = pd.array([*(route.label for route in Route), ""], dtype="str")
"""By the value of a route; the last is that of no route."""
_DECISIONS = pd.array([*(route.label for route in Route), INVALID], dtype="str")
_BITS = 1 << np.arange(len(CATEGORIES))
_JOINED = pd.array([";".join(np.array(CATEGORIES)[(chosen & _BITS) > 0]) for chosen in range(1 << len(CATEGORIES))], dtype="str")
"""The names of each set of categories, by the sum of their bits."""

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
        columns: dict[str, Any] = {
            "decision": _DECISIONS.take(np.where(routes[:, 0] == _NO_ROUTE, _NO_ROUTE, decide(routes))),
            "categories": _JOINED.take((routes > Route.CLEAR) @ _BITS),
            "reasons": pd.array(self.reasons, dtype="str"),
            "model_version": pd.array([version], dtype="str").take(np.zeros(len(routes), dtype=int)),
        }
        for column, category in enumerate(CATEGORIES):
            columns[f"p_{category}"] = self.probability[:, column]
            columns[f"route_{category}"] = _LABELS.take(routes[:, column])
        return pd.DataFrame({name: columns[name] for name in SCORE_COLUMNS}, copy=False)


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
