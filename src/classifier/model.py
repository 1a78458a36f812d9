"""One calibrated linear head a category over shared features."""

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.svm import LinearSVC
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from classifier.attribution import Attribution, attribute
from classifier.features import PostVectorizer, Prepared, prepare
from classifier.taxonomy import CATEGORIES


class CalibratedLinearHead(ClassifierMixin, BaseEstimator):
    """A linear support vector machine whose margin a fitted logistic curve turns into a probability.

    The curve is fitted to out-of-fold margins, the weights to all rows. Log-odds are therefore an affine function of the
    features, and each feature's share of them is exact.

    Parameters
    ----------
    regularization : float
        C of `sklearn.svm.LinearSVC`.
    class_weight : {"balanced"} or None
    folds : int
        Folds for the curve; lowered where the rarer class has fewer groups.
    seed : int

    Attributes
    ----------
    coef_ : numpy.ndarray, shape (n_features,)
        Weight of each feature in the log-odds.
    intercept_ : float
        Log-odds of a row without features.
    classes_ : numpy.ndarray, shape (2,)

    References
    ----------
    Platt (1999), Probabilistic outputs for support vector machines and comparisons to regularized likelihood methods.
    """

    def __init__(self, regularization: float = 0.2, class_weight: str | None = "balanced", folds: int = 5, seed: int = 0) -> None:
        self.regularization = regularization
        self.class_weight = class_weight
        self.folds = folds
        self.seed = seed

    def fit(
        self, X: sparse.csr_matrix, y: np.ndarray, sample_weight: np.ndarray | None = None, groups: np.ndarray | None = None
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

        Returns
        -------
        CalibratedLinearHead
            Itself.

        Raises
        ------
        ValueError
            If one of the two classes has fewer than two groups.
        """
        y = np.asarray(y).astype(int)
        self.classes_ = np.unique(y)
        groups = np.arange(len(y)) if groups is None else np.asarray(groups)
        rarest = min(len(set(groups[y == label])) for label in (0, 1))
        if rarest < 2:
            raise ValueError(f"both classes need at least 2 groups of posts, the rarer has {rarest}")
        folds = StratifiedGroupKFold(min(self.folds, rarest), shuffle=True, random_state=self.seed).split(X, y, groups)
        svm = LinearSVC(C=self.regularization, class_weight=self.class_weight, random_state=self.seed)
        calibrated = CalibratedClassifierCV(svm, method="sigmoid", cv=list(folds), ensemble=False).fit(X, y, sample_weight=sample_weight)
        fitted = calibrated.calibrated_classifiers_[0]
        curve = fitted.calibrators[0]  # probability = expit(-(a * margin + b))
        self.coef_ = -curve.a_ * fitted.estimator.coef_.ravel()
        self.intercept_ = float(-curve.a_ * fitted.estimator.intercept_[0] - curve.b_)
        return self

    def decision_function(self, X: sparse.csr_matrix) -> np.ndarray:
        """Return the log-odds of each row, shape (n,)."""
        check_is_fitted(self, "coef_")
        return np.asarray(X @ self.coef_ + self.intercept_)

    def predict_proba(self, X: sparse.csr_matrix) -> np.ndarray:
        """Return the probabilities of both classes, shape (n, 2)."""
        positive = expit(self.decision_function(X))
        return np.column_stack([1 - positive, positive])

    def predict(self, X: sparse.csr_matrix) -> np.ndarray:
        """Return 0 or 1 for each row, shape (n,): the likelier class."""
        return self.classes_[(self.decision_function(X) > 0).astype(int)]


class PostClassifier(ClassifierMixin, BaseEstimator):
    """Posts in, a probability for each category out.

    Parameters
    ----------
    vectorizer : PostVectorizer, optional
        Made with its defaults where it is not given.
    head : CalibratedLinearHead, optional
        Copied for each category.
    categories : tuple of str
        Names of the columns of `y`.

    Attributes
    ----------
    vectorizer_ : PostVectorizer
    heads_ : dict of str to CalibratedLinearHead
    classes_ : numpy.ndarray of str
        The categories.
    """

    def __init__(
        self, vectorizer: PostVectorizer | None = None, head: CalibratedLinearHead | None = None, categories: tuple[str, ...] = CATEGORIES
    ) -> None:
        self.vectorizer = vectorizer
        self.head = head
        self.categories = categories

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
        self.vectorizer_ = clone(self.vectorizer) if self.vectorizer is not None else PostVectorizer()
        head = self.head if self.head is not None else CalibratedLinearHead()
        features = self.vectorizer_.fit_transform(X)
        self.heads_ = {}
        for column, category in enumerate(self.categories):
            known = np.flatnonzero(~np.isnan(y[:, column]))
            try:
                self.heads_[category] = clone(head).fit(features[known], y[known, column], _take(sample_weight, known), _take(groups, known))
            except ValueError as error:
                raise ValueError(f"{category}: {error}") from error
        self.classes_ = np.array(self.categories)
        return self

    def decision_function(self, X: Sequence[str] | Prepared) -> np.ndarray:
        """Return log-odds, shape (n, n_categories)."""
        check_is_fitted(self, "heads_")
        return self.log_odds(self.vectorizer_.transform(X))

    def log_odds(self, features: sparse.csr_matrix) -> np.ndarray:
        """Return log-odds for features of `vectorizer_`, shape (n, n_categories)."""
        intercepts = np.array([head.intercept_ for head in self.heads_.values()])
        return np.asarray(features @ self.coefficients() + intercepts)

    def coefficients(self) -> np.ndarray:
        """Return the weights of all heads, shape (n_features, n_categories)."""
        return np.column_stack([head.coef_ for head in self.heads_.values()])

    def predict_proba(self, X: Sequence[str] | Prepared) -> np.ndarray:
        """Return the calibrated probability of each category, shape (n, n_categories); they need not add up to 1."""
        return expit(self.decision_function(X))

    def predict(self, X: Sequence[str] | Prepared) -> np.ndarray:
        """Return 0 or 1 for each category, shape (n, n_categories): whether it is likelier than not."""
        return (self.decision_function(X) > 0).astype(int)

    def explain(self, X: Sequence[str] | Prepared) -> list[Attribution]:
        """Say for each post what each of its words adds to the log-odds of each category; see `attribute`."""
        check_is_fitted(self, "heads_")
        prepared = X if isinstance(X, Prepared) else prepare(X)
        features = self.vectorizer_.transform(prepared)
        return list(attribute(self.vectorizer_, prepared, features, self.coefficients()))


def _take(values: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
    return None if values is None else np.asarray(values)[rows]
