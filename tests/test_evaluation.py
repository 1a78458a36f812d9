"""Metrics and intervals."""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score, roc_auc_score

from classifier.calibration import calibration_error
from classifier.evaluation import CURVE_METRICS, average_precision_losses, bootstrap, evaluate, exact_share
from classifier.params import EvaluationParams
from classifier.taxonomy import CATEGORIES, SLICES, Route

SETTINGS = EvaluationParams(bootstrap=200, confidence=0.95)


def posts_and_scores(n: int = 400) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(3)
    truth = rng.random((n, len(CATEGORIES))) < 0.2
    posts = pd.DataFrame(truth.astype(float), columns=list(CATEGORIES))
    posts["slice"] = np.where(truth.any(axis=1), "", rng.choice(SLICES, size=n))
    return posts, np.clip(truth * 0.5 + rng.random(truth.shape) * 0.6, 0, 1)


@pytest.mark.parametrize(("hits", "n", "low", "high"), [(0, 10, 0, 0.3085), (5, 10, 0.1871, 0.8129), (10, 10, 0.6915, 1)])
def test_exact_interval_agrees_with_published_values(hits: int, n: int, low: float, high: float) -> None:
    share = exact_share(hits, n, 0.95)
    assert (share.low, share.high) == pytest.approx((low, high), abs=1e-4)


def test_share_of_nothing_is_unknown() -> None:
    share = exact_share(0, 0, 0.95)
    assert math.isnan(share.value)
    assert (share.low, share.high) == (0, 1)


def distance_of_means(truth: np.ndarray, score: np.ndarray, times: np.ndarray) -> np.ndarray:
    return times @ (score * truth) / (times @ truth.astype(int)) - times @ (score * ~truth) / (times @ (~truth).astype(int))


@pytest.mark.parametrize(
    ("name", "published"),
    {
        "average_precision": average_precision_score,
        "roc_auc": roc_auc_score,
        "brier": brier_score_loss,
        "f1": lambda truth, probability: f1_score(truth, probability >= 0.5),
        "calibration_error": calibration_error,
    }.items(),
)
@pytest.mark.parametrize("decimals", [1, 6])
def test_metrics_of_resamples_are_those_of_the_posts_drawn(name: str, published: Callable[..., float], decimals: int) -> None:
    """With one decimal many probabilities are equal."""
    rng = np.random.default_rng(7)
    truth = rng.random(203) < 0.3
    probability = np.round(np.clip(truth * 0.3 + rng.random(203) * 0.7, 0, 1), decimals)
    drawn = [rng.integers(203, size=203) for _ in range(20)]
    times = np.array([np.bincount(rows, minlength=203) for rows in drawn])
    expected = [published(truth[rows], probability[rows]) for rows in drawn]
    assert CURVE_METRICS[name](truth, probability, times) == pytest.approx(expected)


def test_bootstrap_interval_holds_the_value_and_narrows_with_more_data() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(2000) < 0.3
    score = truth + rng.normal(size=2000)
    widths = []
    for n in (100, 2000):
        estimate = bootstrap(distance_of_means, truth[:n], score[:n], SETTINGS, 1)
        assert estimate.low <= estimate.value <= estimate.high
        widths.append(estimate.high - estimate.low)
    assert widths[1] < widths[0]


def test_report_counts_every_post_once() -> None:
    posts, scores = posts_and_scores()
    routes = np.digitize(scores, [0.4, 0.9]).astype(np.int8)
    report = evaluate(posts, scores, routes, SETTINGS, 0)
    for column, category in enumerate(CATEGORIES):
        confusion = report["categories"][category]["confusion"]
        assert sum(cell for row in confusion.values() for cell in row.values()) == len(posts)
        cleared = (posts[category] == 1) & (routes[:, column] == Route.CLEAR)
        assert report["categories"][category]["missed"]["value"] == pytest.approx(cleared.sum() / (posts[category] == 1).sum())
    assert sum(report["slices"][name]["flagged"]["n"] for name in SLICES) == (posts["slice"] != "").sum()


def test_rows_without_annotation_are_left_out() -> None:
    posts, scores = posts_and_scores()
    posts.loc[:99, "insult"] = np.nan
    report = evaluate(posts, scores, np.zeros(scores.shape, dtype=np.int8), SETTINGS, 0)
    assert report["categories"]["insult"]["average_precision"]["n"] == len(posts) - 100


def test_every_metric_has_an_interval_and_is_unknown_without_violations() -> None:
    posts, scores = posts_and_scores()
    figures = evaluate(posts.assign(ethics=0.0), scores, np.zeros(scores.shape, dtype=np.int8), SETTINGS, 0)["categories"]
    for name in ("average_precision", "roc_auc", "f1", "brier", "calibration_error"):
        assert 0 <= figures["insult"][name]["low"] < figures["insult"][name]["high"] <= 1
        assert math.isnan(figures["ethics"][name]["value"])


def test_calibration_error_tells_honest_probabilities_from_boastful_ones() -> None:
    rng = np.random.default_rng(0)
    honest = rng.random((4000, len(CATEGORIES)))
    posts = pd.DataFrame((rng.random(honest.shape) < honest).astype(float), columns=list(CATEGORIES)).assign(slice="")
    scores = np.where(np.arange(len(CATEGORIES)) == 0, np.round(honest), honest)
    figures = evaluate(posts, scores, np.zeros(scores.shape, dtype=np.int8), SETTINGS, 0)["categories"]
    assert figures["insult"]["calibration_error"]["value"] == pytest.approx(0.25, abs=0.03)
    assert figures["ethics"]["calibration_error"]["value"] < 0.03


def test_elsewhere_is_what_reweighted_posts_would_show() -> None:
    posts, scores = posts_and_scores()
    routes = np.digitize(scores, [0.4, 0.9]).astype(np.int8)
    here, *rarer = evaluate(posts, scores, routes, SETTINGS, 0)["categories"]["unlawful"]["elsewhere"]
    truth, route = (posts["unlawful"] == 1).to_numpy(), routes[:, CATEGORIES.index("unlawful")]
    assert here["rate"] == truth.mean()
    assert 0 < min(entry["rate"] for entry in rarer) < max(entry["rate"] for entry in rarer) < here["rate"]
    for entry in (here, *rarer):
        weight = np.where(truth, entry["rate"] / truth.mean(), (1 - entry["rate"]) / (1 - truth.mean()))
        for name, chosen in {"precision_of_flag": route == Route.FLAG, "precision_of_flag_and_review": route > Route.CLEAR}.items():
            assert entry[name] == pytest.approx(weight[chosen & truth].sum() / weight[chosen].sum())
        assert entry["sent_to_people"] == pytest.approx(weight[route > Route.CLEAR].sum() / weight.sum())


def test_elsewhere_is_unknown_where_nothing_is_flagged_or_nothing_is_a_violation() -> None:
    posts, scores = posts_and_scores()
    routes = np.zeros(scores.shape, dtype=np.int8)
    figures = evaluate(posts.assign(ethics=0.0), scores, routes, SETTINGS, 0)["categories"]
    assert all(math.isnan(entry["precision_of_flag"]) and entry["sent_to_people"] == 0 for entry in figures["insult"]["elsewhere"])
    assert figures["ethics"]["elsewhere"] == []


def test_loss_is_measured_on_the_same_posts() -> None:
    posts, scores = posts_and_scores()
    worse = scores.copy()
    worse[:, 2] = np.random.default_rng(0).random(len(posts))
    losses = average_precision_losses(posts, worse, scores)
    assert losses["unlawful"] > 0.3
    assert losses["insult"] == 0
