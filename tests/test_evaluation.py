"""Metrics, intervals and gates."""

import math

import numpy as np
import pandas as pd
import pytest

from classifier.evaluation import average_precision_losses, bootstrap, evaluate, exact_share, judge
from classifier.params import EvaluationParams, GateParams
from classifier.taxonomy import CATEGORIES, SLICES, Route

SETTINGS = EvaluationParams(bootstrap=200, confidence=0.95)
GATES = GateParams(protected_flagged=0.02, average_precision_loss=0.02)


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


def test_bootstrap_interval_holds_the_value_and_narrows_with_more_data() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(2000) < 0.3
    score = truth + rng.normal(size=2000)
    widths = []
    for n in (100, 2000):
        estimate = bootstrap(lambda t, s: float(s[t].mean() - s[~t].mean()), truth[:n], score[:n], SETTINGS, 1)
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


def test_a_model_that_flags_opinion_fails_the_gate_of_that_slice_only() -> None:
    posts, scores = posts_and_scores()
    routes = np.zeros(scores.shape, dtype=np.int8)
    routes[(posts["slice"] == "political").to_numpy(), 0] = Route.FLAG
    failed = [gate.name for gate in judge(evaluate(posts, scores, routes, SETTINGS, 0), None, GATES) if not gate.passed]
    assert failed == ["flagged in political"]


def test_a_loss_beyond_the_limit_fails_and_a_gain_passes() -> None:
    posts, scores = posts_and_scores()
    report = evaluate(posts, scores, np.zeros(scores.shape, dtype=np.int8), SETTINGS, 0)
    losses = {"insult": 0.03, "false_info": 0.02, "unlawful": -0.2, "ethics": float("nan")}
    failed = [gate.name for gate in judge(report, losses, GATES) if not gate.passed]
    assert failed == ["loss of average precision in insult"]


def test_loss_is_measured_on_the_same_posts() -> None:
    posts, scores = posts_and_scores()
    worse = scores.copy()
    worse[:, 2] = np.random.default_rng(0).random(len(posts))
    losses = average_precision_losses(posts, worse, scores)
    assert losses["unlawful"] > 0.3
    assert losses["insult"] == 0
