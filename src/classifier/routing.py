"""Probabilities to clear, review or flag by bands; pure numpy."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from classifier.taxonomy import Route


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
