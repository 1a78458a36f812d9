"""Whether a batch, or what people decide on it, has drifted from what the model was measured on when it was trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2, ks_2samp, kstwobign, norm

from classifier.distributions import CLAIMS, CategoryDistributions, Distributions, Share
from classifier.params import MonitoringParams
from classifier.taxonomy import CATEGORIES, Route

_FALSE_ALARM = 0.01
"""Share of batches like the reference that may be called drifted, over all checks together."""
_BINS = 10


@dataclass(frozen=True)
class Drift:
    """One check of a batch.

    Attributes
    ----------
    check : str
        The limit's name in params.
    subject : str
        A category, a category and a route, or `words`.
    reference, batch : float
        The two shares; of a distance between distributions, 0 and the distance.
    distance : float
        What the limit is about.
    limit : float
        Of params.
    noise : float
        What chance alone may bring in samples of these sizes; a smaller distance says nothing.
    """

    check: str
    subject: str
    reference: float
    batch: float
    distance: float
    limit: float
    noise: float

    @property
    def drifted(self) -> bool:
        """Whether the distance is beyond both the limit and chance."""
        return self.distance > max(self.limit, self.noise)


def compare(
    training: Distributions, batch: Distributions, limits: MonitoringParams, overruled_by_people: Mapping[str, Mapping[str, Share]] | None = None
) -> list[Drift]:
    """Compare a batch with what the model was measured on.

    A distance counts only if it is beyond its limit and beyond what chance brings in samples of these sizes, so that a
    batch of sixty posts raises no alarm by being small. All checks together raise a false one in at most about 1 % of batches.

    Parameters
    ----------
    training : Distributions
        Of `read_reference`.
    batch : Distributions
    limits : MonitoringParams
    overruled_by_people : mapping of str to mapping of str to Share, optional
        For categories the shares of `overruled` among the posts that people have decided on.

    Returns
    -------
    list of Drift
        All checks, whether drifted or not.

    References
    ----------
    Kolmogorov-Smirnov: `scipy.stats.ks_2samp`. Population stability index: see `population_stability`. Chance in the
    difference of two shares: Agresti, Caffo (2000), Simple and effective confidence intervals for proportions and differences
    of proportions result from adding two successes and two failures.
    """
    people = overruled_by_people or {}
    alpha = _FALSE_ALARM / (len(CATEGORIES) * (2 + len(Route) + len(CLAIMS)) + 1)
    checks: list[Drift] = []
    for category in CATEGORIES:
        mine, other = training.categories[category], batch.categories[category]
        checks += [_by_stability(category, mine, other, limits, alpha), _by_distance(category, mine, other, limits, alpha)]
        for route in Route:
            before, now = (Share(value=each.routes[route.label], size=each.size) for each in (mine, other))
            checks.append(_by_share("route_share", f"{category}/{route.label}", before, now, limits.route_share, alpha, one_sided=False))
        for label, share in people.get(category, {}).items():
            if label in mine.overruled:
                checks.append(_by_share("override_rate", f"{category}/{label}", mine.overruled[label], share, limits.override_rate, alpha))
    if training.unknown_words and batch.unknown_words:
        checks.append(_by_share("unknown_words", "words", training.unknown_words, batch.unknown_words, limits.unknown_words, alpha))
    return checks


def _by_stability(category: str, training: CategoryDistributions, batch: CategoryDistributions, limits: MonitoringParams, alpha: float) -> Drift:
    edges = np.unique(np.quantile(training.probability, np.linspace(0, 1, _BINS + 1)[1:-1]))
    counts = [np.bincount(np.searchsorted(edges, each.probability, side="right"), minlength=len(edges) + 1) for each in (training, batch)]
    index = population_stability(*counts)
    noise = stability_noise(training.size, batch.size, len(edges) + 1, alpha)
    return Drift("probability_psi", category, 0.0, index, index, limits.probability_psi, noise)


def population_stability(expected: Sequence[int] | np.ndarray, observed: Sequence[int] | np.ndarray) -> float:
    """Return the population stability index of two distributions over the same bins.

    It is the sum over bins of (q - p) ln(q / p); half a post is added to each bin, so that an empty one stays finite.

    Parameters
    ----------
    expected, observed : sequence of int, length n_bins

    Returns
    -------
    float
        0 for equal shares; by common usage above 0.1 a moderate and above 0.25 a major shift.

    References
    ----------
    Siddiqi (2006), Credit Risk Scorecards, chapter 7.

    Examples
    --------
    >>> population_stability([50, 50], [100, 100])
    0.0
    >>> round(population_stability([50, 50], [20, 80]), 2)
    0.41
    """
    p, q = ((np.asarray(counts) + 0.5) / (np.sum(counts) + 0.5 * len(counts)) for counts in (expected, observed))
    return float(np.sum((q - p) * np.log(q / p)))


def stability_noise(expected_size: float, observed_size: float, bins: int, alpha: float) -> float:
    """Return what the index stays below by chance, but for a share `alpha` of samples of equal distribution.

    References
    ----------
    Yurdakul, Naranjo (2020), Statistical properties of the population stability index.
    """
    return float((1 / expected_size + 1 / observed_size) * chi2.isf(alpha, max(bins - 1, 1)))


def _by_distance(category: str, training: CategoryDistributions, batch: CategoryDistributions, limits: MonitoringParams, alpha: float) -> Drift:
    distance = float(ks_2samp(training.probability, batch.probability, method="asymp").statistic)
    noise = float(kstwobign.isf(alpha)) * (1 / training.size + 1 / batch.size) ** 0.5
    return Drift("probability_ks", category, 0.0, distance, distance, limits.probability_ks, noise)


def _by_share(check: str, subject: str, training: Share, batch: Share, limit: float, alpha: float, one_sided: bool = True) -> Drift:
    variance = sum(p * (1 - p) / (share.size + 2) for share in (training, batch) for p in [(share.value * share.size + 1) / (share.size + 2)])
    difference = batch.value - training.value
    distance, tail = (difference, alpha) if one_sided else (abs(difference), alpha / 2)
    return Drift(check, subject, training.value, batch.value, distance, limit, float(norm.isf(tail)) * variance**0.5)
