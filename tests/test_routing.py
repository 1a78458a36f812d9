"""Bands applied: probabilities to routes, routes to a decision."""

import numpy as np
import pytest

from classifier.routing import Band, decide, route_posts
from classifier.taxonomy import Route


def test_a_probability_at_the_edge_of_a_band_gets_the_severer_route() -> None:
    routes = Band(0.2, 0.9).route(np.array([0.0, 0.19, 0.2, 0.89, 0.9, 1.0]))
    np.testing.assert_array_equal(routes, [Route.CLEAR, Route.CLEAR, Route.REVIEW, Route.REVIEW, Route.FLAG, Route.FLAG])


def test_closed_bands_send_everything_to_review() -> None:
    assert set(Band(0.0, None).route(np.linspace(0, 1, 101))) == {Route.REVIEW}


@pytest.mark.parametrize("band", [Band(0.2, 0.9), Band(0.0, 0.5), Band(0.5, None), Band(0.4, 0.4)])
def test_more_probability_is_never_less_severe(band: Band) -> None:
    assert (np.diff(band.route(np.linspace(0, 1, 1001))) >= 0).all()


@pytest.mark.parametrize(("routes", "decision"), [([0, 0, 0, 0], 0), ([0, 1, 0, 0], 1), ([1, 1, 2, 0], 2)])
def test_decision_is_the_severest_route(routes: list[int], decision: int) -> None:
    assert decide(np.array([routes], dtype=np.int8))[0] == decision


def test_routes_columns_in_the_order_of_the_bands() -> None:
    bands = {"a": Band(0.5, 0.9), "b": Band(0.1, None)}
    np.testing.assert_array_equal(route_posts(np.array([[0.4, 0.4], [0.95, 0.05]]), bands), [[Route.CLEAR, Route.REVIEW], [Route.FLAG, Route.CLEAR]])
