"""What a trained model needs to predict, without scikit-learn: features in, calibrated probabilities and shares of words out."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import sparse
from scipy.special import expit, logit

from classifier.attribution import Attribution, attribute
from classifier.calibration import bent, prior_shift
from classifier.forms import Prepared
from classifier.views import FittedVectorizer


class FittedHead:
    """The linear model of one category.

    Attributes
    ----------
    coef_ : numpy.ndarray, shape (n_features,)
        Weight of each feature in the log-odds.
    intercept_ : float
        Log-odds of a row without features.
    bend_ : numpy.ndarray, shape (2, k), or None
        See `classifier.calibration.Curve`.
    method_ : str
        Of calibration.
    method_losses_ : dict of str to float
        Out-of-fold logarithmic loss of each method; empty where none was chosen.
    rate_ : float
        Weighted share of violations in the natural training rows.
    expected_rate : float, optional
        Share of violations among the posts that will be scored, where it differs from that of the training rows.
    """

    coef_: np.ndarray
    intercept_: float
    bend_: np.ndarray | None
    method_: str
    method_losses_: dict[str, float]
    rate_: float
    expected_rate: float | None

    def probability(self, log_odds: np.ndarray) -> np.ndarray:
        """Return the calibrated probability for log-odds, shape (n,)."""
        return bent(log_odds, self.bend_)


class FittedClassifier:
    """Posts in, a probability for each category out.

    Attributes
    ----------
    vectorizer_ : FittedVectorizer
    heads_ : mapping of str to FittedHead
        By category.
    """

    vectorizer_: FittedVectorizer
    heads_: Mapping[str, FittedHead]

    def decision_function(self, X: Sequence[str] | Prepared) -> np.ndarray:
        """Return log-odds, shape (n, n_categories)."""
        return self.log_odds(self.vectorizer_.transform(X))

    def log_odds(self, features: sparse.csr_matrix) -> np.ndarray:
        """Return log-odds for features of `vectorizer_`, shape (n, n_categories)."""
        intercepts = np.array([head.intercept_ for head in self.heads_.values()])
        return np.asarray(features @ self.coefficients() + intercepts)

    def coefficients(self) -> np.ndarray:
        """Return the weights of all heads, shape (n_features, n_categories)."""
        return np.column_stack([head.coef_ for head in self.heads_.values()])

    def probability(self, log_odds: np.ndarray) -> np.ndarray:
        """Return the calibrated probabilities for log-odds, both of shape (n, n_categories)."""
        return np.column_stack([head.probability(log_odds[:, column]) for column, head in enumerate(self.heads_.values())])

    def at_training_balance(self, probability: np.ndarray) -> np.ndarray:
        """Take the expected rates out of probabilities again, shape (n, n_categories): what holds among posts like the training ones."""
        shifts = [0.0 if head.expected_rate is None else prior_shift(head.expected_rate, head.rate_) for head in self.heads_.values()]
        return expit(logit(probability) + np.array(shifts))

    def predict_proba(self, X: Sequence[str] | Prepared) -> np.ndarray:
        """Return the calibrated probability of each category, shape (n, n_categories); they need not add up to 1."""
        return self.probability(self.decision_function(X))

    def predict(self, X: Sequence[str] | Prepared) -> np.ndarray:
        """Return 0 or 1 for each category, shape (n, n_categories): whether it is likelier than not."""
        return (self.predict_proba(X) > 0.5).astype(int)

    def explain(self, X: Sequence[str] | Prepared) -> list[Attribution]:
        """Say for each post what each of its words adds to the log-odds of each category; see `attribute`."""
        prepared = self.vectorizer_.prepared(X)
        rows = np.arange(len(prepared.characters))
        return list(attribute(self.vectorizer_, prepared, self.vectorizer_.weigh(prepared), rows, self.coefficients()))
