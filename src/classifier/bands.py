"""Bands with a promise: chooses where `clear` ends and `flag` starts by risk control, and says what the promise rests on."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
from mapie.risk_control import BinaryClassificationController
from scipy.stats import binom

from classifier.calibration import precision_elsewhere
from classifier.params import RoutingParams
from classifier.routing import Band
from classifier.taxonomy import NEVER_FLAGGED

_CANDIDATES = 100
"""Thresholds tried for each band."""
_MOST_POSTS = 10_000_000


@dataclass(frozen=True)
class OutOfFold:
    """What is known of the training posts, each predicted by weights that were not fitted to it.

    Attributes
    ----------
    probability : numpy.ndarray, shape (m,)
    positive : numpy.ndarray, shape (m,), bool
    slices : numpy.ndarray, shape (m,)
        The protected slice of each post, empty for a violation.
    """

    probability: np.ndarray
    positive: np.ndarray
    slices: np.ndarray


@dataclass(frozen=True)
class Promise:
    """What one band of one category promises about posts like those that it was chosen on, and what that rests on.

    Attributes
    ----------
    target : float
        `flag`: the precision promised at least; `clear`: the share of violations missed promised at most.
    confidence : float
        Chance, over the draw of the calibration posts, that the promise holds.
    threshold : float or None
        Where the band starts or ends; None where nothing can be promised and the band stays closed.
    observed : float
        The same figure on the calibration posts; NaN where the band is closed.
    n : int
        Calibration posts that it was observed on: those flagged, or the violations.
    needed : int or None
        Further labelled posts for calibration with which a closed band would open, if what is seen so far holds; None
        where the band is open, or where no threshold looks good enough, so that posts alone would not help.
    """

    target: float
    confidence: float
    threshold: float | None
    observed: float
    n: int
    needed: int | None


@dataclass(frozen=True)
class ChosenBand:
    """A category's band with its promises; `flag` is None where the category is never flagged."""

    band: Band
    clear: Promise
    flag: Promise | None


def choose_band(
    category: str,
    probability: np.ndarray,
    positive: np.ndarray,
    out_of_fold: OutOfFold,
    targets: RoutingParams,
    expected_rate: float | None = None,
) -> ChosenBand:
    """Choose a category's band on held-out posts so that both promises hold with the confidence asked.

    Thresholds are tested by MAPIE's risk control (Learn Then Test): each threshold's promise is a hypothesis, and the chance
    of accepting any wrong one is at most one minus the confidence. `clear` thresholds are tested from the lowest up, because
    misses only grow. For `flag` no order is known beforehand, so it is learnt on the out-of-fold probabilities of the
    training posts, among thresholds from which on hardly any protected slice was hit there. `clear` ends at
    `clear_probability` and where `flag` starts at the latest: narrower bands break no promise about misses.

    Parameters
    ----------
    category : str
        Categories in `NEVER_FLAGGED` get no flag band.
    probability : numpy.ndarray, shape (n,)
        Calibrated probabilities of posts that were not trained on.
    positive : numpy.ndarray, shape (n,), bool
        Whether the category holds.
    out_of_fold : OutOfFold
        The training posts.
    targets : RoutingParams
    expected_rate : float, optional
        Share of violations among the posts that will be scored; the promise on precision is then about those.

    Returns
    -------
    ChosenBand

    References
    ----------
    Angelopoulos, Bates, Candès, Jordan, Lei (2022), Learn then test: calibrating predictive algorithms to achieve risk control.
    """
    candidates = _quantiles(out_of_fold.probability[out_of_fold.positive])
    flag = None if category in NEVER_FLAGGED else _flag_promise(probability, positive, candidates, out_of_fold, targets, expected_rate)
    clear = _clear_promise(probability, positive, candidates, targets)
    flag_from = None if flag is None else flag.threshold
    if clear.threshold is not None:
        end = min(clear.threshold, targets.clear_probability, 1.0 if flag_from is None else flag_from)
        clear = replace(clear, threshold=end, observed=float((probability[positive] < end).mean()))
    return ChosenBand(Band(clear.threshold or 0.0, flag_from), clear, flag)


def _clear_promise(probability: np.ndarray, positive: np.ndarray, candidates: np.ndarray, targets: RoutingParams) -> Promise:
    recall = 1 - targets.clear_miss_rate
    valid = _valid_thresholds("recall", "fixed_sequence", candidates, (probability, positive), recall, targets.confidence)
    n = int(positive.sum())
    if not len(valid):
        needed = _needed_for_clear(probability, positive, candidates, targets)
        return Promise(targets.clear_miss_rate, targets.confidence, None, float("nan"), n, needed)
    threshold = float(valid.max())
    return Promise(targets.clear_miss_rate, targets.confidence, threshold, float((probability[positive] < threshold).mean()), n, None)


def _flag_promise(
    probability: np.ndarray,
    positive: np.ndarray,
    candidates: np.ndarray,
    out_of_fold: OutOfFold,
    targets: RoutingParams,
    expected_rate: float | None,
) -> Promise:
    precision = targets.flag_precision
    if expected_rate is not None and 0 < positive.mean() < 1:
        precision = precision_elsewhere(precision, expected_rate, float(positive.mean()))
    candidates = candidates[candidates >= _harmless_from(out_of_fold, targets.flag_protected)]
    learn = (out_of_fold.probability, out_of_fold.positive)
    valid = _valid_thresholds("precision", "split_fixed_sequence", candidates, (probability, positive), precision, targets.confidence, learn)
    if not len(valid):
        needed = _needed_for_flag((probability, positive), learn, candidates, precision, targets.confidence)
        return Promise(targets.flag_precision, targets.confidence, None, float("nan"), 0, needed)
    threshold = float(valid.min())
    flagged = probability >= threshold
    observed = float(positive[flagged].mean())
    if expected_rate is not None:
        observed = precision_elsewhere(observed, float(positive.mean()), expected_rate)
    return Promise(targets.flag_precision, targets.confidence, threshold, observed, int(flagged.sum()), None)


def _harmless_from(out_of_fold: OutOfFold, most: float) -> float:
    """The lowest threshold at which no protected slice of the training posts is flagged by more than the share `most`."""
    threshold = 0.0
    for name in set(out_of_fold.slices) - {""}:
        protected = np.sort(out_of_fold.probability[out_of_fold.slices == name])[::-1]
        threshold = max(threshold, float(np.nextafter(protected[min(int(most * len(protected)), len(protected) - 1)], 2.0)))
    return threshold


def _quantiles(probability: np.ndarray) -> np.ndarray:
    """Thresholds that cut violations into equal parts, ascending; of training posts, or the tests would not be valid."""
    if not len(probability):
        return np.array([])
    return np.unique(np.quantile(probability, np.linspace(0, 1, _CANDIDATES + 1), method="inverted_cdf"))


def _valid_thresholds(
    risk: str,
    order: str,
    candidates: np.ndarray,
    held_out: tuple[np.ndarray, np.ndarray],
    level: float,
    confidence: float,
    learn: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """Return the candidates at which the risk is controlled, by MAPIE."""
    probability, positive = held_out
    if not len(candidates) or not positive.any() or not 0 < level < 1:
        return np.array([])
    controller = BinaryClassificationController(
        lambda column: np.column_stack([1 - column, column]),
        risk,
        target_level=float(level),
        confidence_level=confidence,
        list_predict_params=candidates,
        fwer_method=order,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that no threshold is valid is an answer here, not a fault
        if learn is not None:
            controller.learn_fixed_sequence_order(learn[0], learn[1], binary=True)
        controller.calibrate(probability, positive)
    return np.asarray(controller.valid_predict_params, dtype=float)


def _needed_for_clear(probability: np.ndarray, positive: np.ndarray, candidates: np.ndarray, targets: RoutingParams) -> int | None:
    """Posts for the lowest threshold, which is tested first, if violations go on to fall below it as often as they do."""
    if not len(candidates) or not positive.any():
        return None
    found = float((probability[positive] >= candidates[0]).mean())
    return _posts_needed(found, float(positive.mean()), 1 - targets.clear_miss_rate, targets.confidence, len(positive))


def _needed_for_flag(
    held_out: tuple[np.ndarray, np.ndarray], learn: tuple[np.ndarray, np.ndarray], candidates: np.ndarray, precision: float, confidence: float
) -> int | None:
    """Posts for the threshold that is tested first, the one that the training posts speak for most clearly.

    Its precision is taken from all posts at hand: the best of many thresholds on the few held-out ones would be the luckiest.
    """
    if not len(candidates) or not len(held_out[0]):
        return None
    flags = [learn[1][learn[0] >= threshold] for threshold in candidates]
    doubt = binom.cdf([np.sum(~right) for right in flags], [len(right) for right in flags], 1 - precision)
    probability, positive = (np.concatenate(pair) for pair in zip(held_out, learn, strict=True))
    flagged = probability >= candidates[np.argmin(doubt)]
    return _posts_needed(float(positive[flagged].mean()), float(flagged.mean()), precision, confidence, len(held_out[0]))


def _posts_needed(right: float, share: float, level: float, confidence: float, n: int) -> int | None:
    """Posts beyond n with which a share `right`, seen on that `share` of posts, is shown to be above a level."""
    if right <= level:
        return None
    posts = _smallest_proof(right, level, confidence) / share
    return None if posts > _MOST_POSTS else max(1, int(np.ceil(posts)) - n)


def _smallest_proof(observed: float, level: float, confidence: float) -> int:
    """Trials from which on an exact binomial test rejects that the share observed is below the level."""
    low, high = 1, 2
    while _p_value(high, observed, level) > 1 - confidence and high < _MOST_POSTS:
        low, high = high, high * 2
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if _p_value(middle, observed, level) > 1 - confidence else (low, middle)
    return high


def _p_value(n: int, observed: float, level: float) -> float:
    return float(binom.cdf(np.ceil(n * (1 - observed) - 1e-9), n, 1 - level))
