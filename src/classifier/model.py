"""One calibrated linear head a category over shared features."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.svm import LinearSVC
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from classifier.attribution import Attribution
from classifier.calibration import METHODS, choose_method, fit_curve, prior_shift
from classifier.features import PostVectorizer, Prepared
from classifier.predictor import FittedClassifier, FittedHead
from classifier.taxonomy import CATEGORIES

_TOLERANCE = 0.1
"""Of liblinear's solver: average precision is the same to 0.0001 as at its own 0.0001, in less than half the time."""


FitFeatures = Callable[[PostVectorizer, Prepared], tuple[PostVectorizer, sparse.csr_matrix]]


class FittedFold(NamedTuple):
    """A fold of the training rows with the features of all of them as fitted on `rest` alone.

    Attributes
    ----------
    rest, held_out : numpy.ndarray of int
        Row numbers.
    rest_features, held_out_features : scipy.sparse.csr_matrix
        The features of these rows.
    """

    rest: np.ndarray
    held_out: np.ndarray
    rest_features: sparse.csr_matrix
    held_out_features: sparse.csr_matrix


class CalibratedLinearHead(FittedHead, ClassifierMixin, BaseEstimator):
    """A linear support vector machine whose margin a fitted curve turns into a probability.

    The curve is fitted to out-of-fold margins, the weights to all rows. Log-odds are an affine function of the features, so
    each feature's share of them is exact; isotonic calibration, where it is chosen, bends the probability after that.

    Parameters
    ----------
    regularization : float
        C of `sklearn.svm.LinearSVC`.
    class_weight : {"balanced"} or None
    calibration : str
        One of `classifier.calibration.METHODS`, or "auto" for the one that validates best out of fold.
    folds : int
        Folds for the curve; lowered where the rarer class has fewer groups.
    seed : int
    expected_rate : float, optional
        Share of violations among the posts that will be scored, where it differs from that of the training rows.

    Attributes
    ----------
    coef_, intercept_, bend_, method_, method_losses_, rate_
        See `classifier.predictor.FittedHead`.
    out_of_fold_ : (numpy.ndarray, numpy.ndarray), each of shape (number of natural rows,)
        Probabilities of the natural training rows by weights that were not fitted to them, and whether each is a
        violation; not saved with the model.
    classes_ : numpy.ndarray, shape (2,)
    """

    def __init__(
        self,
        regularization: float = 0.2,
        class_weight: str | None = "balanced",
        calibration: str = "auto",
        folds: int = 5,
        seed: int = 0,
        expected_rate: float | None = None,
    ) -> None:
        self.regularization = regularization
        self.class_weight = class_weight
        self.calibration = calibration
        self.folds = folds
        self.seed = seed
        self.expected_rate = expected_rate

    def fit(
        self,
        X: sparse.csr_matrix,
        y: np.ndarray,
        sample_weight: np.ndarray | None = None,
        groups: np.ndarray | None = None,
        natural: np.ndarray | None = None,
        folds: Sequence[FittedFold] | None = None,
    ) -> "CalibratedLinearHead":
        """Fit weights and curve.

        Parameters
        ----------
        X : sparse matrix, shape (n, n_features)
        y : numpy.ndarray, shape (n,)
            0 or 1.
        sample_weight : numpy.ndarray, shape (n,), optional
        groups : numpy.ndarray, shape (n,), optional
            Rows of one group share a fold.
        natural : numpy.ndarray, shape (n,), bool, optional
            Rows that are like the posts to come; the curve is fitted to these alone. All, where it is not given.
        folds : sequence of FittedFold, optional
            Folds shared with other heads; used where both classes are in every part of them that is trained on.

        Returns
        -------
        CalibratedLinearHead
            Itself.

        Raises
        ------
        ValueError
            If one of the two classes has fewer than two groups among the natural rows, or the calibration is not a known method.
        """
        if self.calibration not in ("auto", *METHODS):
            raise ValueError(f"calibration is {self.calibration!r}; it must be auto or one of {', '.join(METHODS)}")
        y = np.asarray(y).astype(int)
        self.classes_ = np.unique(y)
        weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
        groups = np.arange(len(y)) if groups is None else np.asarray(groups)
        natural = np.ones(len(y), dtype=bool) if natural is None else np.asarray(natural)
        rarest = min(len(set(groups[natural & (y == label)])) for label in (0, 1))
        if rarest < 2:
            raise ValueError(f"both classes need at least 2 groups of posts, the rarer has {rarest}")
        svm = LinearSVC(C=self.regularization, class_weight=self.class_weight, tol=_TOLERANCE, random_state=self.seed)
        if not folds or any(len(np.unique(y[fold.rest])) < 2 for fold in folds):
            splitter = StratifiedGroupKFold(min(self.folds, rarest), shuffle=True, random_state=self.seed)
            folds = [FittedFold(rest, held_out, X[rest], X[held_out]) for rest, held_out in splitter.split(X, y, groups)]
        margin = np.zeros(len(y))
        for fold in folds:
            fitted = clone(svm).fit(fold.rest_features, y[fold.rest], sample_weight=weight[fold.rest])
            margin[fold.held_out] = fitted.decision_function(fold.held_out_features)
        svm.fit(X, y, sample_weight=weight)

        margin = margin[natural]
        truth, weight, groups = y[natural] == 1, weight[natural], groups[natural]
        self.method_: str = self.calibration
        self.method_losses_: dict[str, float] = {}
        if self.calibration == "auto":
            self.method_, self.method_losses_ = choose_method(margin, truth, weight, groups, self.folds, self.seed)
        curve = fit_curve(self.method_, margin, truth, weight)
        self.rate_ = float(np.average(truth, weights=weight))
        if self.expected_rate is not None:
            curve = curve.shifted(prior_shift(self.rate_, self.expected_rate))
        self.out_of_fold_ = (curve.probability(margin), truth)
        self.coef_ = curve.slope * svm.coef_.ravel()
        self.intercept_ = float(curve.slope * svm.intercept_[0] + curve.intercept)
        self.bend_ = curve.bend
        return self

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "out_of_fold_"}

    def decision_function(self, X: sparse.csr_matrix) -> np.ndarray:
        """Return the log-odds of each row, shape (n,)."""
        check_is_fitted(self, "coef_")
        return np.asarray(X @ self.coef_ + self.intercept_)

    def predict_proba(self, X: sparse.csr_matrix) -> np.ndarray:
        """Return the probabilities of both classes, shape (n, 2)."""
        positive = self.probability(self.decision_function(X))
        return np.column_stack([1 - positive, positive])

    def predict(self, X: sparse.csr_matrix) -> np.ndarray:
        """Return 0 or 1 for each row, shape (n,): the likelier class."""
        return self.classes_[(self.probability(self.decision_function(X)) > 0.5).astype(int)]


class PostClassifier(FittedClassifier, ClassifierMixin, BaseEstimator):
    """Posts in, a probability for each category out.

    Parameters
    ----------
    vectorizer : PostVectorizer, optional
        Made with its defaults where it is not given.
    head : CalibratedLinearHead, optional
        Copied for each category.
    categories : tuple of str
        Names of the columns of `y`.
    expected_rates : dict of str to float, optional
        Share of violations among the posts to come, of the categories where it differs from that of the training posts.
    n_jobs : int
        Processes that fit heads; -1 means one a core. Threads would share the solver's one random generator.

    Attributes
    ----------
    vectorizer_ : PostVectorizer
    heads_ : dict of str to CalibratedLinearHead
    classes_ : numpy.ndarray of str
        The categories.
    """

    vectorizer_: PostVectorizer
    heads_: dict[str, CalibratedLinearHead]

    def __init__(
        self,
        vectorizer: PostVectorizer | None = None,
        head: CalibratedLinearHead | None = None,
        categories: tuple[str, ...] = CATEGORIES,
        expected_rates: Mapping[str, float] | None = None,
        n_jobs: int = 1,
    ) -> None:
        self.vectorizer = vectorizer
        self.head = head
        self.categories = categories
        self.expected_rates = expected_rates
        self.n_jobs = n_jobs

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.classifier_tags.multi_label = True
        return tags

    def fit(
        self,
        X: Sequence[str] | Prepared,
        y: np.ndarray,
        sample_weight: np.ndarray | None = None,
        groups: np.ndarray | None = None,
        natural: np.ndarray | None = None,
        fit_features: FitFeatures | None = None,
    ) -> "PostClassifier":
        """Fit features on all posts and each head on the posts where its category is annotated.

        Parameters
        ----------
        X : sequence of str, or Prepared, length n
        y : numpy.ndarray, shape (n, n_categories), float
            1, 0, or NaN where the category was not annotated.
        sample_weight : numpy.ndarray, shape (n,), optional
        groups : numpy.ndarray, shape (n,), optional
            Posts of one group never stand on both sides of a calibration fold.
        natural : numpy.ndarray, shape (n,), bool, optional
            Posts like those to come; probabilities are calibrated on these alone.
        fit_features : callable, optional
            Gives a fitted vectoriser and the features of posts for an unfitted one, where they may be known from before;
            `classifier.cache.FeatureCache.features` is one.

        Returns
        -------
        PostClassifier
            Itself.

        Raises
        ------
        ValueError
            If shapes disagree, or a category lacks positive or negative posts.
        """
        y = np.asarray(y, dtype=float)
        size = len(X.characters) if isinstance(X, Prepared) else len(X)
        if y.shape != (size, len(self.categories)):
            raise ValueError(f"y must have shape ({size}, {len(self.categories)}), got {y.shape}")
        vectorizer = clone(self.vectorizer) if self.vectorizer is not None else PostVectorizer()
        head = self.head if self.head is not None else CalibratedLinearHead()
        self.vectorizer_, features = (fit_features or _fit_features)(vectorizer, vectorizer.prepared(X))
        folds = self._folds(features, y, groups, head)
        rates = {category: (self.expected_rates or {}).get(category, head.expected_rate) for category in self.categories}
        fitted = Parallel(n_jobs=self.n_jobs)(
            delayed(_fitted)(category, clone(head).set_params(expected_rate=rate), features, y[:, column], (sample_weight, groups, natural), folds)
            for column, (category, rate) in enumerate(rates.items())
        )
        self.heads_ = {}
        for category, (fitted_head, out_of_fold) in zip(self.categories, fitted, strict=True):
            fitted_head.out_of_fold_ = out_of_fold
            self.heads_[category] = fitted_head
        self.classes_ = np.array(self.categories)
        return self

    def _folds(self, features: sparse.csr_matrix, y: np.ndarray, groups: np.ndarray | None, head: CalibratedLinearHead) -> list[FittedFold]:
        """Divide the posts once for all heads, so that features need refitting only once a fold; even over categories, rarest first."""
        rarest_first = np.argsort(np.nansum(y, axis=0))
        positive = (y[:, rarest_first] == 1) @ (2 ** np.arange(y.shape[1], 0, -1))
        stratum = np.floor(np.log2(np.maximum(positive, 1))).astype(int)
        groups = np.arange(len(y)) if groups is None else np.asarray(groups)
        n = min(head.folds, len(np.unique(groups)))
        if n < 2:
            return []
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The least populated class")  # the heads check what they need
            splits = list(StratifiedGroupKFold(n, shuffle=True, random_state=head.seed).split(features, stratum, groups))
        folds = []
        for rest, held_out in splits:
            refitted = self.vectorizer_.refitted(features, rest)
            folds.append(FittedFold(rest, held_out, refitted[rest], refitted[held_out]))
        return folds

    def decision_function(self, X: Sequence[str] | Prepared) -> np.ndarray:
        """Return log-odds, shape (n, n_categories)."""
        check_is_fitted(self, "heads_")
        return super().decision_function(X)

    def explain(self, X: Sequence[str] | Prepared) -> list[Attribution]:
        """Say for each post what each of its words adds to the log-odds of each category; see `attribute`."""
        check_is_fitted(self, "heads_")
        return super().explain(X)


def _fit_features(vectorizer: PostVectorizer, prepared: Prepared) -> tuple[PostVectorizer, sparse.csr_matrix]:
    return vectorizer, vectorizer.fit_transform(prepared)


def _fitted(
    category: str,
    head: CalibratedLinearHead,
    features: sparse.csr_matrix,
    labels: np.ndarray,
    by_row: tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None],
    folds: Sequence[FittedFold],
) -> tuple[CalibratedLinearHead, tuple[np.ndarray, np.ndarray]]:
    """A head fitted to the rows where its category is annotated, and its out-of-fold probabilities, which no pickle of it holds."""
    known = np.flatnonzero(~np.isnan(labels))
    weight, groups, natural = (_take(rows, known) for rows in by_row)
    try:
        head.fit(features[known], labels[known], weight, groups, natural, [_among(fold, known) for fold in folds])
    except ValueError as error:
        raise ValueError(f"{category}: {error}") from error
    return head, head.out_of_fold_


def _take(values: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
    return None if values is None else np.asarray(values)[rows]


def _among(fold: FittedFold, known: np.ndarray) -> FittedFold:
    """The same fold over some of the rows, which are numbered anew."""
    n = len(fold.rest) + len(fold.held_out)
    if len(known) == n:
        return fold
    number = np.full(n, -1)
    number[known] = np.arange(len(known))
    rest, held_out = (number[rows] >= 0 for rows in (fold.rest, fold.held_out))
    return FittedFold(number[fold.rest[rest]], number[fold.held_out[held_out]], fold.rest_features[rest], fold.held_out_features[held_out])
