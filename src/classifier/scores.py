"""What scoring says of posts: the bare figures, the columns of a scored batch, and the summary of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np
import pandas as pd

from classifier.routing import decide
from classifier.taxonomy import CATEGORIES, INVALID, Route

_NO_ROUTE = -1
_LABELS = np.array([*(route.label for route in Route), ""], dtype=object)
"""By the value of a route; the last is that of no route."""
_DECISIONS = np.array([*_LABELS[:-1], INVALID], dtype=object)
_BITS = 1 << np.arange(len(CATEGORIES))
_JOINED = np.array([";".join(np.array(CATEGORIES)[(chosen & _BITS) > 0]) for chosen in range(1 << len(CATEGORIES))], dtype=object)
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
        columns: dict[str, np.ndarray] = {
            "decision": _DECISIONS[np.where(routes[:, 0] == _NO_ROUTE, _NO_ROUTE, decide(routes))],
            "categories": _JOINED[(routes > Route.CLEAR) @ _BITS],
            "reasons": np.array(self.reasons, dtype=object),
            "model_version": np.full(len(routes), version, dtype=object),
        }
        for column, category in enumerate(CATEGORIES):
            columns[f"p_{category}"] = self.probability[:, column]
            columns[f"route_{category}"] = _LABELS[routes[:, column]]
        typed = {name: values if values.dtype == float else pd.array(values, dtype="str") for name, values in columns.items()}
        return pd.DataFrame({name: typed[name] for name in SCORE_COLUMNS}, copy=False)


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
