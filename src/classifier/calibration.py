"""From margins to probabilities: the curves, how they are compared out of fold, and what another base rate does to them."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

METHODS = ("sigmoid", "temperature", "isotonic")
"""Simplest first: a later one is taken only where it is clearly better."""


@dataclass(frozen=True)
class Curve:
    """A monotone way from margins to probabilities, in two steps.

    The first step is affine and gives log-odds, so that whatever adds up to the margin adds up to them; for most methods it
    is all. Isotonic calibration bends the outcome of it once more.

    Attributes
    ----------
    slope, intercept : float
        Log-odds are slope * margin + intercept.
    bend : numpy.ndarray, shape (2, k), or None
        Log-odds, ascending, and the probabilities there; between them the probability is interpolated.
    """

    slope: float
    intercept: float
    bend: np.ndarray | None = None

    def probability(self, margin: np.ndarray) -> np.ndarray:
        """Return the probability for each margin, shape (n,)."""
        return bent(self.slope * margin + self.intercept, self.bend)

    def shifted(self, shift: float) -> "Curve":
        """Return the curve whose log-odds are all higher by `shift`."""
        bend = None if self.bend is None else np.vstack([self.bend[0] + shift, expit(logit(self.bend[1]) + shift)])
        return Curve(self.slope, self.intercept + shift, bend)


def bent(log_odds: np.ndarray, bend: np.ndarray | None) -> np.ndarray:
    """Return the probabilities for log-odds, of any shape; see `Curve.bend`."""
    return expit(log_odds) if bend is None else np.interp(log_odds, bend[0], bend[1])


def fit_curve(method: str, margin: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> Curve:
    """Fit a curve of one method of `METHODS`.

    Parameters
    ----------
    method : str
    margin : numpy.ndarray, shape (n,)
        Margins of posts that the linear model was not fitted to.
    truth : numpy.ndarray, shape (n,), bool
    weight : numpy.ndarray, shape (n,)

    Returns
    -------
    Curve

    References
    ----------
    Platt (1999), Probabilistic outputs for support vector machines.
    Guo, Pleiss, Sun, Weinberger (2017), On calibration of modern neural networks (temperature).
    Zadrozny, Elkan (2002), Transforming classifier scores into accurate multiclass probability estimates (isotonic).
    """
    sigmoid = _fit_sigmoid(margin, truth, weight)
    if method == "temperature":
        return _fit_temperature(margin, truth, weight)
    return _bend_isotonic(sigmoid, margin, truth, weight) if method == "isotonic" else sigmoid


def _fit_sigmoid(margin: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> Curve:
    from sklearn.linear_model import LogisticRegression  # here and below: what only predicts starts sooner without

    target = _drawn_in(truth, weight)
    both = np.repeat([1, 0], len(margin))
    shares = np.concatenate([weight * target, weight * (1 - target)])
    fitted = LogisticRegression(C=np.inf).fit(np.tile(margin, 2)[:, None], both, sample_weight=shares)
    return Curve(float(fitted.coef_[0, 0]), float(fitted.intercept_[0]))


def _fit_temperature(margin: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> Curve:
    from scipy.optimize import minimize_scalar

    target = _drawn_in(truth, weight)

    def loss(log_slope: float) -> float:
        log_odds = np.exp(log_slope) * margin
        return float(np.average(np.logaddexp(0, log_odds) - target * log_odds, weights=weight))

    return Curve(float(np.exp(minimize_scalar(loss, bounds=(-5, 5), method="bounded").x)), 0.0)


def _drawn_in(truth: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Targets off 0 and 1, without which posts that are all told apart would make a curve certain (Platt 1999, eq. 6)."""
    positives, negatives = weight[truth].sum(), weight[~truth].sum()
    return np.where(truth, (positives + 1) / (positives + 2), 1 / (negatives + 2))


def _bend_isotonic(sigmoid: Curve, margin: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> Curve:
    """A step at the very end would claim certainty: probabilities stay off 0 and 1 by what one more post would change."""
    from sklearn.isotonic import IsotonicRegression

    edge = 1 / (weight.sum() + 2)
    log_odds = sigmoid.slope * margin + sigmoid.intercept
    fitted = IsotonicRegression(y_min=edge, y_max=1 - edge).fit(log_odds, truth, sample_weight=weight)
    return Curve(sigmoid.slope, sigmoid.intercept, np.vstack([fitted.X_thresholds_, fitted.y_thresholds_]))


def log_loss(probability: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> float:
    """Return the weighted mean logarithmic loss."""
    return float(np.average(_losses(probability, truth), weights=weight))


def _losses(probability: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return -np.log(np.clip(np.where(truth, probability, 1 - probability), 1e-12, 1))


def choose_method(
    margin: np.ndarray, truth: np.ndarray, weight: np.ndarray, groups: np.ndarray, folds: int, seed: int
) -> tuple[str, dict[str, float]]:
    """Choose the method whose curves, fitted on some folds, have the lowest logarithmic loss on the others.

    A method is preferred to a simpler one only if its loss is lower by more than two standard errors of the difference:
    isotonic steps, for one, make posts equal that the margin tells apart.

    Parameters
    ----------
    margin, truth, weight : numpy.ndarray, shape (n,)
    groups : numpy.ndarray, shape (n,)
        Rows of one group share a fold.
    folds : int
    seed : int

    Returns
    -------
    method : str
    losses : dict of str to float
        Of each method.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    rarest = min(len(set(groups[truth == label])) for label in (True, False))
    splitter = StratifiedGroupKFold(max(2, min(folds, rarest)), shuffle=True, random_state=seed)
    losses = {method: np.zeros(len(margin)) for method in METHODS}
    for rest, held_out in splitter.split(margin, truth, groups):
        for method in METHODS:
            curve = fit_curve(method, margin[rest], truth[rest], weight[rest])
            losses[method][held_out] = _losses(curve.probability(margin[held_out]), truth[held_out])
    chosen = METHODS[0]
    for method in METHODS[1:]:
        gain = losses[chosen] - losses[method]
        mean = np.average(gain, weights=weight)
        error = np.sqrt(np.average((gain - mean) ** 2, weights=weight) / max(1.0, weight.sum()))
        if mean > 2 * error:
            chosen = method
    return chosen, {method: float(np.average(values, weights=weight)) for method, values in losses.items()}


def prior_shift(observed: float, expected: float) -> float:
    """Return what to add to log-odds when violations make up another share of posts than where the curve was fitted.

    Only the shares differ, not what violations look like (label shift).

    Parameters
    ----------
    observed, expected : float
        Shares of violations, in (0, 1).

    References
    ----------
    Saerens, Latinne, Decaestecker (2002), Adjusting the outputs of a classifier to new a priori probabilities, eq. 2.4.

    Examples
    --------
    >>> round(prior_shift(0.5, 0.1), 3)
    -2.197
    """
    return float(logit(expected) - logit(observed))


def precision_elsewhere(precision: float, observed: float, expected: float) -> float:
    """Return the precision that the same threshold has where violations make up another share of posts.

    Hits keep their rate among violations and among other posts, so the odds of the precision move as those of the share do.

    Parameters
    ----------
    precision : float
        Where the share of violations is `observed`.
    observed, expected : float

    Examples
    --------
    >>> round(precision_elsewhere(0.9, 0.15, 0.03), 3)
    0.612
    """
    if precision in (0.0, 1.0):
        return precision
    return float(expit(logit(precision) + prior_shift(observed, expected)))


def calibration_error(truth: np.ndarray, probability: np.ndarray, bins: int = 10) -> float:
    """Return the expected calibration error: the mean distance between predicted and true shares over bins of equal size.

    Parameters
    ----------
    truth : numpy.ndarray, shape (n,), bool
    probability : numpy.ndarray, shape (n,)
    bins : int
        Posts are sorted by probability and cut into so many bins.

    References
    ----------
    Naeini, Cooper, Hauskrecht (2015), Obtaining well calibrated probabilities using Bayesian binning; bins of equal size
    after Nguyen, O'Connor (2015), Posterior calibration and exploratory analysis for natural language processing models.
    """
    return float(calibration_errors(truth, probability, np.ones((1, len(truth))), bins)[0])


def calibration_errors(truth: np.ndarray, probability: np.ndarray, times: np.ndarray, bins: int = 10) -> np.ndarray:
    """Return the expected calibration error of each of several resamples, shape (k,); see `calibration_error`.

    Parameters
    ----------
    truth : numpy.ndarray, shape (n,), bool
    probability : numpy.ndarray, shape (n,)
    times : numpy.ndarray, shape (k, n)
        How often each post was drawn into each resample; all resamples are of one size.
    bins : int
    """
    order = np.argsort(probability, kind="stable")
    whole = np.append(np.diff(probability[order]) != 0, True)  # posts of one probability may fall on both sides of a cut: which, must not matter
    drawn = times[:, order]
    place, missing = (np.pad(np.cumsum(part, axis=1)[:, whole], ((0, 0), (1, 0))) for part in (drawn, drawn * (probability - truth)[order]))
    size = int(place[0, -1])
    cuts = np.cumsum([0, *(size // bins + (number < size % bins) for number in range(bins))])
    at_cuts = np.array([np.interp(cuts, *row) for row in zip(place, missing, strict=True)])
    return np.asarray(np.abs(np.diff(at_cuts, axis=1)).sum(axis=1) / size)
