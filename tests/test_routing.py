"""Bands: chosen to meet their targets, or left closed."""

import numpy as np
import pytest

from classifier.params import RoutingParams
from classifier.routing import Band, choose_band, decide, route_posts
from classifier.taxonomy import Route

TARGETS = RoutingParams(flag_precision=0.9, flag_protected=0.01, min_flagged=5, clear_miss_rate=0.1, clear_probability=0.5)


def sample(n: int = 2000, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that are calibrated by construction, and the outcomes drawn from them."""
    rng = np.random.default_rng(seed)
    probability = rng.beta(0.3, 1.2, size=n)
    return probability, rng.random(n) < probability


def band_for(category: str, probability: np.ndarray, positive: np.ndarray, targets: RoutingParams = TARGETS) -> Band:
    return choose_band(category, probability, positive, ~positive, targets)


def test_bands_meet_their_targets_on_the_posts_they_were_chosen_on() -> None:
    probability, positive = sample()
    band = band_for("insult", probability, positive)
    routes = band.route(probability)
    assert band.flag_from is not None
    assert positive[routes == Route.FLAG].mean() >= 0.9
    assert (routes[positive] == Route.CLEAR).mean() <= 0.1
    assert (routes[~positive] == Route.FLAG).mean() <= 0.01


def test_clear_reaches_as_far_as_the_target_allows() -> None:
    probability, positive = sample()
    band = band_for("insult", probability, positive)
    wider = np.sort(probability[probability > band.clear_below])[5]
    assert (probability[positive] < wider).mean() > 0.1 - 5 / positive.sum()


def test_what_is_likelier_than_not_is_never_clear() -> None:
    positive = np.arange(100) >= 90
    probability = np.where(positive, 0.95, 0.01)
    assert band_for("insult", probability, positive).clear_below == 0.5


def test_false_info_is_never_flagged() -> None:
    probability, positive = sample()
    assert band_for("false_info", probability, positive).flag_from is None


def test_flag_stays_closed_where_precision_is_out_of_reach() -> None:
    probability = np.linspace(0, 1, 200)
    positive = np.arange(200) % 2 == 0
    assert band_for("insult", probability, positive).flag_from is None


def test_flag_stays_closed_where_too_few_posts_could_show_its_precision() -> None:
    probability, positive = np.array([0.99, 0.98, 0.1, 0.1]), np.array([True, True, False, False])
    assert band_for("insult", probability, positive).flag_from is None


def test_clear_stays_closed_without_violations_to_judge_by() -> None:
    probability = np.linspace(0, 1, 50)
    band = band_for("insult", probability, np.zeros(50, dtype=bool))
    assert band.clear_below == 0
    assert set(band.route(probability)) == {Route.REVIEW}


def test_equal_probabilities_share_a_route() -> None:
    probability, positive = sample()
    probability = np.round(probability, 1)
    routes = band_for("insult", probability, positive).route(probability)
    for value in np.unique(probability):
        assert len(set(routes[probability == value])) == 1


def test_more_probability_is_never_less_severe() -> None:
    probability, positive = sample()
    routes = band_for("unlawful", probability, positive).route(np.linspace(0, 1, 1001))
    assert (np.diff(routes) >= 0).all()


@pytest.mark.parametrize(("routes", "decision"), [([0, 0, 0, 0], 0), ([0, 1, 0, 0], 1), ([1, 1, 2, 0], 2)])
def test_decision_is_the_severest_route(routes: list[int], decision: int) -> None:
    assert decide(np.array([routes], dtype=np.int8))[0] == decision


def test_routes_columns_in_the_order_of_the_bands() -> None:
    bands = {"a": Band(0.5, 0.9), "b": Band(0.1, None)}
    np.testing.assert_array_equal(route_posts(np.array([[0.4, 0.4], [0.95, 0.05]]), bands), [[Route.CLEAR, Route.REVIEW], [Route.FLAG, Route.CLEAR]])
