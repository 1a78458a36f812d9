"""Probabilities to clear, review or flag by bands that meet stated targets; pure numpy."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from classifier.params import RoutingParams
from classifier.taxonomy import NEVER_FLAGGED, Route


@dataclass(frozen=True)
class Band:
    """Where one category's routes change.

    Attributes
    ----------
    clear_below : float
        Posts with a lower probability are clear; 0 means the clear band is closed.
    flag_from : float or None
        Posts with at least this probability are flagged; None means the flag band is closed.
    """

    clear_below: float
    flag_from: float | None

    def route(self, probability: np.ndarray) -> np.ndarray:
        """Return a `Route` value for each probability, shape (n,), int8."""
        routes = np.where(probability < self.clear_below, Route.CLEAR, Route.REVIEW)
        if self.flag_from is not None:
            routes = np.where(probability >= self.flag_from, Route.FLAG, routes)
        return routes.astype(np.int8)


def choose_band(category: str, probability: np.ndarray, positive: np.ndarray, protected: np.ndarray, targets: RoutingParams) -> Band:
    """Choose a category's band on held-out posts.

    `clear` ends at the highest probability that still misses at most `clear_miss_rate` of the violations, and at
    `clear_probability` at the latest. `flag` starts at
    the lowest probability from which on the precision of *every* higher start is on target too, so that one lucky
    threshold in an unlucky stretch is not chosen, and from which on few protected posts are hit.

    Parameters
    ----------
    category : str
        Categories in `NEVER_FLAGGED` get no flag band.
    probability : numpy.ndarray, shape (n,)
        Calibrated probabilities of posts that were not trained on.
    positive : numpy.ndarray, shape (n,), bool
        Whether the category holds.
    protected : numpy.ndarray, shape (n,), bool
        Whether the post carries no label at all.
    targets : RoutingParams

    Returns
    -------
    Band
    """
    clear_below = min(_clear_below(probability, positive, targets.clear_miss_rate), targets.clear_probability)
    flag_from = None if category in NEVER_FLAGGED else _flag_from(probability, positive, protected, targets)
    if flag_from is not None:
        clear_below = min(clear_below, flag_from)
    return Band(clear_below, flag_from)


def _clear_below(probability: np.ndarray, positive: np.ndarray, miss_rate: float) -> float:
    violations = np.sort(probability[positive])
    if not len(violations):
        return 0.0
    missed = int(np.floor(miss_rate * len(violations) + 1e-9))
    return float(violations[missed]) if missed < len(violations) else 1.0


def _flag_from(probability: np.ndarray, positive: np.ndarray, protected: np.ndarray, targets: RoutingParams) -> float | None:
    order = np.argsort(-probability, kind="stable")
    descending = probability[order]
    count = np.arange(1, len(order) + 1)
    precision = np.cumsum(positive[order]) / count
    protected_hit = np.cumsum(protected[order]) / max(1, protected.sum())
    last_of_ties = np.append(descending[1:] < descending[:-1], True)
    judged = last_of_ties & (count >= targets.min_flagged)
    good = (precision >= targets.flag_precision) & (protected_hit <= targets.flag_protected)
    unbroken = np.logical_and.accumulate(good | ~judged)
    candidates = np.flatnonzero(judged & good & unbroken)
    return float(descending[candidates[-1]]) if len(candidates) else None


def route_posts(probability: np.ndarray, bands: Mapping[str, Band]) -> np.ndarray:
    """Route each post by each category.

    Parameters
    ----------
    probability : numpy.ndarray, shape (n, n_categories)
        Columns in the order of `bands`.
    bands : mapping of str to Band

    Returns
    -------
    numpy.ndarray, shape (n, n_categories), int8
        `Route` values.
    """
    return np.column_stack([band.route(probability[:, column]) for column, band in enumerate(bands.values())])


def decide(routes: np.ndarray) -> np.ndarray:
    """Return the severest route of each post, shape (n,)."""
    return routes.max(axis=1, initial=Route.CLEAR)
