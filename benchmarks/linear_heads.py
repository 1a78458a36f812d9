"""Linear heads over n-gram features: squared-hinge or logistic, helped by naive Bayes; every margin is a weighted sum of features."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.svm import LinearSVC

from classifier.features import VIEWS, PostVectorizer, Prepared, prepare

SEED = 2017


class Comments(NamedTuple):
    """Comments as typed, the forms that the project's features read, and the words of the headlines they stand under ("" for none)."""

    typed: list[str]
    prepared: Prepared
    headlines: list[str]

    def take(self, rows: np.ndarray) -> "Comments":
        return Comments([self.typed[row] for row in rows], self.prepared.take(rows), [self.headlines[row] for row in rows])


@dataclass(frozen=True)
class Settings:
    """One linear model."""

    weights: tuple[float, ...] = (1.0, 1.0, 1.0, 0.0)  # of the views of PostVectorizer
    typed: float = 0.0  # weight of characters of the comment as typed: case, repeats and teencode are still in it
    syllables: float = 0.0  # weight of syllables of the normalised comment
    headline: float = 0.0  # weight of the words of the headline
    nb: float = 0.0  # power of the absolute log-count ratio that scales each feature (Wang, Manning 2012)
    balance: float = 0.0  # power of the inverse class frequency: 0 none, 1 `balanced`
    regularization: float = 0.1
    logistic: bool = False
    bayes: float = 0.0  # weight of the log-odds of multinomial naive Bayes, added to the margin of the head

    @property
    def factors(self) -> np.ndarray:
        return np.array([*self.weights, self.typed, self.syllables, self.headline])


class Fold(NamedTuple):
    """Features of training and held-out comments, and for each column the number of its view."""

    train: sparse.csr_matrix
    held_out: sparse.csr_matrix
    views: np.ndarray


def read(texts: Sequence[str], headlines: Sequence[str] | None = None) -> Comments:
    words = [""] * len(texts) if headlines is None else prepare(headlines, n_jobs=-1).words
    return Comments(list(texts), prepare(texts, n_jobs=-1), words)


def featurize(train: Comments, held_out: Comments, used: np.ndarray) -> Fold:
    """Fit the views in use on the training comments.

    Parameters
    ----------
    train, held_out : Comments
    used : array of float, shape (n_views,)
        A view with factor 0 is left out: those of `PostVectorizer`, then characters as typed, syllables, words of the headline.

    Returns
    -------
    Fold
        Features not yet multiplied by the factors.
    """
    blocks = [(number, *_fit_view(number, train, held_out)) for number in np.flatnonzero(used)]
    views = np.concatenate([np.full(ours.shape[1], number) for number, ours, _ in blocks])
    return Fold(sparse.hstack([ours for _, ours, _ in blocks], format="csr"), sparse.hstack([other for *_, other in blocks], format="csr"), views)


def _fit_view(number: int, train: Comments, held_out: Comments) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    if number < len(VIEWS):
        vectorizer = PostVectorizer(weights=tuple(float(view == number) for view in range(len(VIEWS))))
        return vectorizer.fit_transform(train.prepared), vectorizer.transform(held_out.prepared)
    form, terms = (
        (lambda comments: comments.typed, {"analyzer": "char_wb", "ngram_range": (2, 5)}),
        (lambda comments: comments.prepared.characters, {"token_pattern": r"\w+|[^\w\s]", "ngram_range": (1, 2)}),
        (lambda comments: comments.headlines, {"token_pattern": r"\S+", "ngram_range": (1, 2)}),
    )[number - len(VIEWS)]
    view = TfidfVectorizer(lowercase=False, min_df=2, sublinear_tf=True, **terms)
    return view.fit_transform(form(train)), view.transform(form(held_out))


def fit_scores(fold: Fold, labels: np.ndarray, grid: Sequence[Settings]) -> list[np.ndarray]:
    """Margins of the held-out comments by each of the settings; settings that differ in `bayes` alone share their heads.

    Parameters
    ----------
    fold : Fold
    labels : array of int, shape (n_train,)
    grid : sequence of Settings

    Returns
    -------
    list of array, shape (n_held_out, n_classes)
        Of two classes, the first has the margin 0.
    """
    plain = {settings: replace(settings, bayes=0.0) for settings in grid}
    heads = {settings: _one_vs_rest(fold, labels, settings, _fit_head) for settings in dict.fromkeys(plain.values())}
    with_bayes = {settings: settings.bayes * _one_vs_rest(fold, labels, settings, _fit_bayes) for settings in grid if settings.bayes}
    return [heads[plain[settings]] + with_bayes.get(settings, 0.0) for settings in grid]


def _one_vs_rest(fold: Fold, labels: np.ndarray, settings: Settings, fit: Callable[..., np.ndarray]) -> np.ndarray:
    scale = settings.factors[fold.views]
    used = scale != 0
    train, held_out = (fold.train, fold.held_out) if used.all() else (fold.train[:, used], fold.held_out[:, used])
    classes = np.unique(labels)
    margins = [fit(train, held_out, scale[used], labels == label, settings) for label in (classes if len(classes) > 2 else classes[1:])]
    return np.column_stack(margins if len(classes) > 2 else [np.zeros(len(margins[0])), *margins])


def _fit_head(train: sparse.csr_matrix, held_out: sparse.csr_matrix, scale: np.ndarray, truth: np.ndarray, settings: Settings) -> np.ndarray:
    if settings.nb:  # rows stay as long on average as without the ratio, so that C means the same
        length = np.linalg.norm(_scaled(train, scale).data)
        scale = scale * log_count_ratio(train, truth) ** settings.nb
        scale *= length / np.linalg.norm(_scaled(train, scale).data)
    class_weight = {label: (len(truth) / (2 * (truth == label).sum())) ** settings.balance for label in (True, False)}
    if settings.logistic:
        model = LogisticRegression(C=10 * settings.regularization, solver="liblinear", class_weight=class_weight, tol=0.01, random_state=SEED)
    else:
        model = LinearSVC(C=settings.regularization, class_weight=class_weight, tol=0.01, random_state=SEED)
    return model.fit(_scaled(train, scale), truth).decision_function(_scaled(held_out, scale))


def _fit_bayes(train: sparse.csr_matrix, held_out: sparse.csr_matrix, scale: np.ndarray, truth: np.ndarray, _: Settings) -> np.ndarray:
    """Log-odds by naive Bayes: a weighted sum as well, whose weights are set by each feature alone, so it errs elsewhere than the head."""
    model = MultinomialNB(alpha=0.3).fit(_scaled(train, scale), truth)
    weights = model.feature_log_prob_[1] - model.feature_log_prob_[0]
    return _scaled(held_out, scale) @ weights + np.subtract(*model.class_log_prior_[::-1])


def _scaled(features: sparse.csr_matrix, scale: np.ndarray) -> sparse.csr_matrix:
    return sparse.csr_matrix((features.data * scale[features.indices], features.indices, features.indptr), shape=features.shape)


def log_count_ratio(features: sparse.csr_matrix, truth: np.ndarray) -> np.ndarray:
    """How far apart the shares of comments with a feature lie in the two classes (after Wang, Manning 2012).

    Parameters
    ----------
    features : sparse matrix, shape (n_comments, n_features)
    truth : array of bool, shape (n_comments,)

    Returns
    -------
    array of float, shape (n_features,)
        |log p/q|, one added to each count.

    Examples
    --------
    >>> log_count_ratio(sparse.csr_matrix([[1.0, 1.0], [0.0, 1.0]]), np.array([True, False])).round(3)
    array([0.693, 0.   ])
    """
    n = features.shape[1]
    positive, negative = ((np.bincount(features[rows].indices, minlength=n) + 1) / (rows.sum() + 2) for rows in (truth, ~truth))
    return np.abs(np.log(positive / negative))
