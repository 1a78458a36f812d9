"""Curves from margins to probabilities: what each method learns, how one is chosen, what another base rate does to them."""

import math

import numpy as np
import pytest
from scipy.special import expit

from classifier.calibration import METHODS, Curve, calibration_error, choose_method, fit_curve, log_loss, precision_elsewhere, prior_shift


def logistic_data(n: int, slope: float = 1.7, intercept: float = -0.8, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Margins, and outcomes whose log-odds are affine in them."""
    rng = np.random.default_rng(seed)
    margin = rng.normal(size=n)
    return margin, rng.random(n) < expit(slope * margin + intercept)


def plateau_data(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Margins, and outcomes whose probability rises in three steps: no sigmoid comes near it."""
    rng = np.random.default_rng(seed)
    margin = rng.normal(size=n)
    return margin, rng.random(n) < np.select([margin < -0.5, margin < 1.5], [0.02, 0.5], 0.55)


def two_bells(n_violations: int, n_others: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Margins of violations around 1 and of other posts around -1: log-odds are twice the margin plus those of the base rate."""
    rng = np.random.default_rng(seed)
    margin = np.concatenate([rng.normal(1, 1, n_violations), rng.normal(-1, 1, n_others)])
    return margin, np.arange(n_violations + n_others) < n_violations


def fitted(method: str, margin: np.ndarray, truth: np.ndarray) -> Curve:
    return fit_curve(method, margin, truth, np.ones(len(margin)))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("direction", [1, 0, -1], ids=["informative", "useless", "misleading"])
def test_a_curve_never_turns_round(method: str, direction: int) -> None:
    margin, truth = logistic_data(400, slope=2 * direction)
    curve = fitted(method, margin, truth)
    grid = np.linspace(-8, 8, 500)
    probability, log_odds = curve.probability(grid), curve.slope * grid + curve.intercept
    assert ((probability > 0) & (probability < 1)).all()
    along = np.argsort(log_odds, kind="stable")
    assert (np.diff(probability[along]) >= 0).all(), "more log-odds, less probability"


@pytest.mark.parametrize("method", METHODS)
def test_a_curve_is_calibrated_where_its_method_can_describe_the_data(method: str) -> None:
    margin, truth = logistic_data(20_000, intercept=0)
    new_margin, new_truth = logistic_data(20_000, intercept=0, seed=1)
    assert calibration_error(new_truth, fitted(method, margin, truth).probability(new_margin)) < 0.015


def test_sigmoid_finds_the_slope_and_intercept_that_made_the_data() -> None:
    curve = fitted("sigmoid", *logistic_data(40_000, slope=1.7, intercept=-0.8))
    assert (curve.slope, curve.intercept) == pytest.approx((1.7, -0.8), abs=0.06)
    assert curve.bend is None


def test_temperature_finds_the_slope_and_has_no_intercept() -> None:
    curve = fitted("temperature", *logistic_data(40_000, slope=1.7, intercept=0))
    assert curve.slope == pytest.approx(1.7, abs=0.06)
    lopsided = fitted("temperature", *logistic_data(2000, slope=1.7, intercept=-2))
    assert lopsided.intercept == 0
    assert lopsided.probability(np.array([0.0]))[0] == 0.5


@pytest.mark.parametrize("n", [6, 60, 6000])
def test_isotonic_is_never_certain_and_dares_more_with_more_posts(n: int) -> None:
    margin = np.linspace(-1, 1, n)
    lowest, highest = fitted("isotonic", margin, margin > 0).probability(np.array([-50.0, 50.0]))
    assert (lowest, highest) == pytest.approx((1 / (n + 2), 1 - 1 / (n + 2)))


@pytest.mark.parametrize("method", METHODS)
def test_a_few_posts_that_are_easily_told_apart_make_no_method_certain(method: str) -> None:
    margin = np.repeat([-1.0, 1.0], 5)
    probability = fitted(method, margin, margin > 0).probability(margin)
    assert (probability[margin > 0] < 0.95).all()
    assert (probability[margin < 0] > 0.05).all()


def test_isotonic_follows_plateaus_that_a_sigmoid_misses() -> None:
    curve = fitted("isotonic", *plateau_data(20_000))
    assert curve.probability(np.array([-2.0, 0.5])) == pytest.approx([0.02, 0.5], abs=0.03)


@pytest.mark.parametrize("method", METHODS)
def test_a_weight_counts_like_copies(method: str) -> None:
    margin, truth = logistic_data(300)
    copies = np.random.default_rng(1).integers(1, 4, size=300)
    weighted = fit_curve(method, margin, truth, copies.astype(float))
    copied = fit_curve(method, np.repeat(margin, copies), np.repeat(truth, copies), np.ones(copies.sum()))
    grid = np.linspace(-3, 3, 50)
    np.testing.assert_allclose(weighted.probability(grid), copied.probability(grid), atol=2e-4)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_a_shifted_curve_is_the_one_that_thinned_violations_give(method: str) -> None:
    rate = 0.04
    margin, truth = two_bells(60_000, 60_000)
    violations, others = np.flatnonzero(truth), np.flatnonzero(~truth)
    thinned = np.concatenate([violations[: round(len(others) * rate / (1 - rate))], others])
    shifted = fitted(method, margin, truth).shifted(prior_shift(0.5, rate))
    refitted = fitted(method, margin[thinned], truth[thinned])
    difference = np.abs(shifted.probability(margin[thinned]) - refitted.probability(margin[thinned]))
    assert difference.mean() < 0.004
    assert calibration_error(truth[thinned], shifted.probability(margin[thinned])) < 0.004
    assert calibration_error(truth[thinned], fitted(method, margin, truth).probability(margin[thinned])) > 0.1


@pytest.mark.parametrize("method", METHODS)
def test_shifting_follows_bayes_rule_at_every_post_of_the_fit(method: str) -> None:
    margin, truth = logistic_data(500)
    curve, observed, expected = fitted(method, margin, truth), 0.3, 0.02
    before, after = curve.probability(margin), curve.shifted(prior_shift(observed, expected)).probability(margin)
    likelihood_ratio = before / (1 - before) / (observed / (1 - observed))
    by_bayes = likelihood_ratio * expected / (likelihood_ratio * expected + 1 - expected)
    np.testing.assert_allclose(after, by_bayes, rtol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_shifting_there_and_back_changes_nothing(method: str) -> None:
    margin, truth = logistic_data(500)
    curve = fitted(method, margin, truth)
    back = curve.shifted(prior_shift(0.3, 0.02)).shifted(prior_shift(0.02, 0.3))
    np.testing.assert_allclose(back.probability(margin), curve.probability(margin))
    assert prior_shift(0.2, 0.2) == 0


@pytest.mark.parametrize("seed", range(2))
def test_the_method_that_fits_the_data_is_chosen(seed: int) -> None:
    for data, method in ((logistic_data(2000, seed=seed), "sigmoid"), (plateau_data(2000, seed=seed), "isotonic")):
        chosen, losses = choose_method(*data, np.ones(2000), np.arange(2000), folds=5, seed=seed)
        assert chosen == method
        assert set(losses) == set(METHODS)
    assert losses["isotonic"] < losses["sigmoid"]


def test_where_methods_are_as_good_as_each_other_the_first_is_taken() -> None:
    """A slope is all there is to learn, which temperature does as well as sigmoid: better by chance in half of the draws."""
    chosen = [choose_method(*logistic_data(400, intercept=0, seed=seed), np.ones(400), np.arange(400), 5, 0)[0] for seed in range(10)]
    assert chosen.count(METHODS[0]) >= 6


def test_the_losses_that_choose_are_of_posts_that_the_curve_was_not_fitted_to() -> None:
    margin, truth = logistic_data(60, slope=0)
    weight = np.ones(60)
    _, losses = choose_method(margin, truth, weight, np.arange(60), folds=5, seed=0)
    assert losses["isotonic"] > log_loss(fit_curve("isotonic", margin, truth, weight).probability(margin), truth, weight)


def test_copies_of_a_post_do_not_vote_on_each_other() -> None:
    """Each post is there ten times, with its own margin and a label by chance: only a fold that holds some of its copies could learn it."""
    rng = np.random.default_rng(0)
    margin, truth, group = (np.repeat(values, 10) for values in (np.sort(rng.normal(size=40)), rng.random(40) < 0.5, np.arange(40)))
    loss = {}
    for name, groups in {"cut": np.arange(400), "whole": group}.items():
        loss[name] = choose_method(margin, truth, np.ones(400), groups, folds=5, seed=0)[1]["isotonic"]
    assert loss["whole"] > loss["cut"] + 0.05


def test_as_few_as_two_groups_of_a_class_can_choose() -> None:
    margin, truth = np.linspace(-1, 1, 20), np.arange(20) >= 18
    assert choose_method(margin, truth, np.ones(20), np.arange(20), folds=5, seed=0)[0] in METHODS


@pytest.mark.parametrize("expected", [0.5, 0.05, 0.01])
def test_precision_elsewhere_is_what_a_reweighted_count_gives(expected: float) -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(3000) < 0.2
    flagged = rng.random(3000) < np.where(truth, 0.7, 0.04)
    weight = np.where(truth, expected / truth.mean(), (1 - expected) / (1 - truth.mean()))
    counted = weight[flagged & truth].sum() / weight[flagged].sum()
    assert precision_elsewhere(truth[flagged].mean(), truth.mean(), expected) == pytest.approx(counted)


@pytest.mark.parametrize("precision", [0.0, 1.0])
def test_where_all_or_none_is_right_the_base_rate_does_not_matter(precision: float) -> None:
    assert precision_elsewhere(precision, 0.2, 0.01) == precision


def test_calibration_error_of_a_hand_made_example() -> None:
    probability = np.array([0.1] * 5 + [0.9] * 5)
    truth = np.array([1, 0, 0, 0, 0, 1, 1, 1, 0, 0], dtype=bool)
    assert calibration_error(truth, probability, bins=2) == pytest.approx((0.1 + 0.3) / 2)


def test_calibration_error_is_zero_where_every_bin_keeps_its_word_and_one_where_none_does() -> None:
    truth = np.array([1, 0, 0, 0, 1, 1, 1, 0], dtype=bool)
    assert calibration_error(truth, np.repeat([0.25, 0.75], 4), bins=2) == pytest.approx(0)
    assert calibration_error(np.array([True, True, False]), np.array([0.0, 0.0, 1.0])) == 1


def test_calibration_error_does_not_depend_on_the_order_of_the_posts() -> None:
    """Many posts share a probability after isotonic calibration, and corpora are often sorted by label."""
    probability = np.full(100, 0.3)
    sorted_by_label = np.arange(100) < 30
    assert calibration_error(sorted_by_label, probability) == pytest.approx(0, abs=1e-12)
    rng = np.random.default_rng(0)
    probability, truth = np.round(rng.random(500), 1), rng.random(500) < 0.4
    order = rng.permutation(500)
    assert calibration_error(truth[order], probability[order]) == pytest.approx(calibration_error(truth, probability))


def test_log_loss_weighs_and_stays_finite() -> None:
    half = np.array([0.5, 0.5])
    assert log_loss(half, np.array([True, False]), np.ones(2)) == pytest.approx(math.log(2))
    probability, truth = np.array([0.9, 0.2]), np.array([True, True])
    assert log_loss(probability, truth, np.array([3.0, 1.0])) == pytest.approx(-(3 * math.log(0.9) + math.log(0.2)) / 4)
    assert 10 < log_loss(np.array([0.0]), np.array([True]), np.ones(1)) < math.inf
