"""Metrics with intervals, routes and protected slices: what a model is worth on posts it has not seen."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import beta
from sklearn.metrics import average_precision_score

from classifier.calibration import calibration_errors, precision_elsewhere
from classifier.params import EvaluationParams
from classifier.routing import decide
from classifier.taxonomy import CATEGORIES, SLICES, Route

Metric = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
_AT_ONCE = 100
"""Resamples held in memory together."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval.

    Attributes
    ----------
    value, low, high : float
        NaN where the data can't say.
    n : int
        Posts that it rests on.
    """

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return "–" if np.isnan(self.value) else f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def exact_share(hits: int, n: int, confidence: float) -> Estimate:
    """Return a share with its exact interval.

    Parameters
    ----------
    hits, n : int
    confidence : float

    Returns
    -------
    Estimate

    References
    ----------
    Clopper, Pearson (1934), The use of confidence or fiducial limits illustrated in the case of the binomial.
    """
    if n == 0:
        return Estimate(float("nan"), 0.0, 1.0, 0)
    tail = (1 - confidence) / 2
    low = 0.0 if hits == 0 else float(beta.ppf(tail, hits, n - hits + 1))
    high = 1.0 if hits == n else float(beta.ppf(1 - tail, hits + 1, n - hits))
    return Estimate(hits / n, low, high, n)


def bootstrap(metric: Metric, truth: np.ndarray, probability: np.ndarray, params: EvaluationParams, seed: int) -> Estimate:
    """Return a metric with its percentile bootstrap interval; resamples that hold one class only are drawn again.

    Parameters
    ----------
    metric : callable
        Takes truth, probability and `times`, shape (k, n): how often each of the n posts was drawn into each of k resamples.
        Returns its k values.
    truth : numpy.ndarray, shape (n,), bool
    probability : numpy.ndarray, shape (n,)
    params : EvaluationParams
    seed : int

    References
    ----------
    Efron, Tibshirani (1993), An Introduction to the Bootstrap.
    """
    if len(np.unique(truth)) < 2:
        return Estimate(float("nan"), 0.0, 1.0, len(truth))
    resamples = _resamples(truth, seed)
    values: list[float] = []
    while missing := params.bootstrap - len(values):
        values += metric(truth, probability, np.array(list(islice(resamples, min(missing, _AT_ONCE))))).tolist()
    tail = (1 - params.confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Estimate(float(metric(truth, probability, np.ones((1, len(truth))))[0]), float(low), float(high), len(truth))


def _resamples(truth: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    """How often each post is drawn, resample after resample."""
    rng = np.random.default_rng(seed)
    while True:
        times = np.bincount(rng.integers(len(truth), size=len(truth)), minlength=len(truth))
        if times[truth].any() and times[~truth].any():
            yield times


def _found_from(truth: np.ndarray, probability: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Violations and other posts from each threshold up, the highest first; no threshold divides equal probabilities."""
    order = np.argsort(-probability, kind="stable")
    whole = np.append(np.diff(probability[order]) != 0, True)
    violations, others = (np.cumsum(times[:, order] * kind[order], axis=1)[:, whole] for kind in (truth, ~truth))
    return violations, others


def _average_precision(truth: np.ndarray, probability: np.ndarray, times: np.ndarray) -> np.ndarray:
    violations, others = _found_from(truth, probability, times)
    precision = violations / np.maximum(violations + others, 1)
    return np.sum(np.diff(violations, axis=1, prepend=0) * precision, axis=1) / violations[:, -1]


def _roc_auc(truth: np.ndarray, probability: np.ndarray, times: np.ndarray) -> np.ndarray:
    violations, others = _found_from(truth, probability, times)
    above = violations - np.diff(violations, axis=1, prepend=0) / 2  # of equal probabilities half count as above
    return np.sum(np.diff(others, axis=1, prepend=0) * above, axis=1) / (violations[:, -1] * others[:, -1])


def _f1(truth: np.ndarray, probability: np.ndarray, times: np.ndarray) -> np.ndarray:
    found = probability >= 0.5
    return 2 * (times @ (found & truth)) / (times @ found + times @ truth.astype(int))


def _brier(truth: np.ndarray, probability: np.ndarray, times: np.ndarray) -> np.ndarray:
    return np.asarray(times @ (probability - truth) ** 2 / times.sum(axis=1))


CURVE_METRICS: dict[str, Metric] = {
    "average_precision": _average_precision,
    "roc_auc": _roc_auc,
    "f1": _f1,
    "brier": _brier,
    "calibration_error": calibration_errors,
}
RATES = (0.05, 0.02, 0.01)
"""Shares of violations for which the effect of rarer violations is worked out; real batches lie about there."""


def evaluate(posts: pd.DataFrame, probability: np.ndarray, routes: np.ndarray, params: EvaluationParams, seed: int) -> dict[str, Any]:
    """Measure a model on labelled posts that it was not trained on.

    Parameters
    ----------
    posts : pandas.DataFrame, n rows
        Categories as 1.0, 0.0 or NaN, and `slice`.
    probability : numpy.ndarray, shape (n, n_categories)
    routes : numpy.ndarray, shape (n, n_categories), int8
    params : EvaluationParams
    seed : int

    Returns
    -------
    dict
        `categories`: for each one its metrics, confusion at the bands (violations and others by route), precision of flag
        and share missed, and what a reviewer or moderator would meet where violations are rarer (`elsewhere`); `slices`: for
        each one the shares flagged and sent to review; `overall`: the post decisions. Every figure with an interval is a
        dict of value, low, high and n.
    """
    return {
        "posts": len(posts),
        "categories": {
            category: _category(posts[category].to_numpy(), probability[:, column], routes[:, column], params, seed)
            for column, category in enumerate(CATEGORIES)
        },
        "slices": _slices(posts, decide(routes), params.confidence),
        "overall": _overall(posts, decide(routes), params.confidence),
    }


def _category(labels: np.ndarray, probability: np.ndarray, routes: np.ndarray, params: EvaluationParams, seed: int) -> dict[str, Any]:
    known = ~np.isnan(labels)
    truth, probability, routes = labels[known] == 1, probability[known], routes[known]
    figures: dict[str, Any] = {name: asdict(bootstrap(metric, truth, probability, params, seed)) for name, metric in CURVE_METRICS.items()}
    flagged, cleared = routes == Route.FLAG, routes == Route.CLEAR
    shares = {
        "flag_precision": exact_share(int((flagged & truth).sum()), int(flagged.sum()), params.confidence),
        "missed": exact_share(int((cleared & truth).sum()), int(truth.sum()), params.confidence),
        "review_load": exact_share(int((routes == Route.REVIEW).sum()), len(routes), params.confidence),
    }
    figures |= {name: asdict(share) for name, share in shares.items()}
    figures["violations"] = int(truth.sum())
    figures["confusion"] = {
        route.label: {"violation": int((truth & (routes == route)).sum()), "other": int((~truth & (routes == route)).sum())} for route in Route
    }
    figures["elsewhere"] = _elsewhere(truth, routes)
    return figures


def _elsewhere(truth: np.ndarray, routes: np.ndarray) -> list[dict[str, float]]:
    """The same bands over posts of which another share are violations: the routes of either kind of post keep their shares."""
    if truth.all() or not truth.any():
        return []
    rates = [float(truth.mean()), *RATES]
    return [
        {
            "rate": rate,
            "sent_to_people": float(rate * (routes[truth] > Route.CLEAR).mean() + (1 - rate) * (routes[~truth] > Route.CLEAR).mean()),
            "precision_of_flag": _precision_at(truth, routes == Route.FLAG, rate),
            "precision_of_flag_and_review": _precision_at(truth, routes > Route.CLEAR, rate),
        }
        for rate in rates
    ]


def _precision_at(truth: np.ndarray, chosen: np.ndarray, rate: float) -> float:
    return precision_elsewhere(float(truth[chosen].mean()), float(truth.mean()), rate) if chosen.any() else float("nan")


def _slices(posts: pd.DataFrame, decisions: np.ndarray, confidence: float) -> dict[str, Any]:
    result = {}
    for name in SLICES:
        chosen = decisions[(posts["slice"] == name).to_numpy()]
        result[name] = {
            "flagged": asdict(exact_share(int((chosen == Route.FLAG).sum()), len(chosen), confidence)),
            "reviewed": asdict(exact_share(int((chosen == Route.REVIEW).sum()), len(chosen), confidence)),
        }
    return result


def _overall(posts: pd.DataFrame, decisions: np.ndarray, confidence: float) -> dict[str, Any]:
    violation = (posts[list(CATEGORIES)] == 1).any(axis=1).to_numpy()

    def share(chosen: np.ndarray, route: Route) -> dict[str, Any]:
        return asdict(exact_share(int((decisions[chosen] == route).sum()), int(chosen.sum()), confidence))

    everything = np.ones(len(posts), dtype=bool)
    return {
        "violations_cleared": share(violation, Route.CLEAR),
        "violations_flagged": share(violation, Route.FLAG),
        "protected_flagged": share(~violation, Route.FLAG),
        "protected_reviewed": share(~violation, Route.REVIEW),
        "review_load": share(everything, Route.REVIEW),
    }


def average_precision_losses(posts: pd.DataFrame, new: np.ndarray, current: np.ndarray) -> dict[str, float]:
    """Return for each category the average precision of the current model minus that of the new one on the same posts.

    Parameters
    ----------
    posts : pandas.DataFrame, n rows
    new, current : numpy.ndarray, shape (n, n_categories)
        Probabilities.
    """
    losses = {}
    for column, category in enumerate(CATEGORIES):
        known = posts[category].notna().to_numpy()
        truth = posts[category].to_numpy()[known] == 1
        if truth.any() and not truth.all():
            losses[category] = float(average_precision_score(truth, current[known, column]) - average_precision_score(truth, new[known, column]))
        else:
            losses[category] = float("nan")
    return losses
