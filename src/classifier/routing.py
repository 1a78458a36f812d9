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
        return route_posts(probability[:, None], {"": self})[:, 0]


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
    clear_below, flag_from = np.array([(band.clear_below, np.inf if band.flag_from is None else band.flag_from) for band in bands.values()]).T
    routes = np.where(probability < clear_below, np.int8(Route.CLEAR), np.int8(Route.REVIEW))
    routes[probability >= flag_from] = Route.FLAG
    return routes


def decide(routes: np.ndarray) -> np.ndarray:
    """Return the severest route of each post, shape (n,)."""
    return routes.max(axis=1, initial=Route.CLEAR)
