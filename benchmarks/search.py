"""The linear model at its limit on our own posts: nested cross-validation of its settings, and what each part brings.

Uses the train and calibration splits of the seed corpus, never the test split. Features are worked out once a fold; settings
are then tried on them. The figure is average precision, mean over the four categories. The last line is JSON.

Usage: python benchmarks/search.py [--ablation]
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from rich.console import Console
from rich.table import Table
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.svm import LinearSVC

from classifier.corpus import load_corpus
from classifier.features import VIEWS, PostVectorizer, Prepared, prepare
from classifier.params import load_params
from classifier.taxonomy import CATEGORIES
from classifier.text import strip_accents

PROJECT = Path(__file__).parents[1]
OUTER, INNER = 4, 3


@dataclass(frozen=True)
class Settings:
    """One linear model."""

    weights: tuple[float, float, float, float]
    regularization: float
    copies: float
    balance: float = 0.0  # power of the inverse class frequency: 0 none, 1 `balanced`
    nb: float = 0.0  # power of the absolute log-count ratio that scales each feature (Wang, Manning 2012)
    logistic: bool = False
    stacked: bool = False  # a model a view, added up with weights fitted out of fold
    self_training: float = 0.0  # weight of outside posts labelled by a first model where it is sure
    vectorizer: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True)
class Fold:
    """The features of one split into training and held-out posts; the last rows of training are copies without accents."""

    train: sparse.csr_matrix
    held_out: sparse.csr_matrix
    labels: np.ndarray
    copied: np.ndarray
    views: np.ndarray
    outside: sparse.csr_matrix


class Corpus:
    """The posts, prepared once."""

    def __init__(self) -> None:
        self.params = load_params(PROJECT / "params.yaml")
        everything = load_corpus(self.params.corpus, PROJECT, self.params.seed).posts
        self.posts = everything[everything["measured"] & (everything["split"] != "test")].reset_index(drop=True)
        self.labels = self.posts[list(CATEGORIES)].to_numpy()
        texts = self.posts["text"].tolist()
        self.prepared, self.bare = prepare(texts, n_jobs=-1), prepare([strip_accents(text) for text in texts], n_jobs=-1)
        outside = everything.loc[~everything["measured"] & ~everything["source"].isin(["vihsd", "reviewed"]), "text"].iloc[:8000]
        self.outside = prepare(outside.tolist(), n_jobs=-1)

    def default(self) -> Settings:
        model = self.params.model
        return Settings(self.params.features.view_weights, model.regularization, model.bare_copies, float(model.class_weight == "balanced"))

    def folds(self, rows: np.ndarray, n: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        splitter = StratifiedGroupKFold(n, shuffle=True, random_state=self.params.seed)
        for rest, held_out in splitter.split(rows, self.labels[rows].max(axis=1), self.posts["group"].to_numpy()[rows]):
            yield rows[rest], rows[held_out]

    def fold(self, train: np.ndarray, held_out: np.ndarray, options: tuple[tuple[str, object], ...] = (), outside: bool = False) -> Fold:
        features = self.params.features
        vectorizer = PostVectorizer(
            features.word_ngrams, features.char_ngrams, features.folded_ngrams, features.pair_window, features.min_df, (1.0,) * 4
        )
        vectorizer.set_params(**dict(options))
        fitted = vectorizer.fit_transform(self.prepared.take(train).joined(self.bare.take(train)))
        sizes = [len(vectorizer.views_[name].vocabulary_) if name in vectorizer.views_ else 0 for name in VIEWS]
        unlabelled = vectorizer.transform(self.outside if outside else Prepared([], [], [])) if outside and self.outside.characters else fitted[:0]
        copied = np.arange(2 * len(train)) >= len(train)
        labels = np.tile(self.labels[train], (2, 1))
        return Fold(fitted, vectorizer.transform(self.prepared.take(held_out)), labels, copied, np.repeat(np.arange(len(VIEWS)), sizes), unlabelled)


def scores(fold: Fold, settings: Settings) -> np.ndarray:
    """Fit one head a category and return the margins of the held-out posts, shape (n, n_categories)."""
    scale = np.asarray(settings.weights)[fold.views]
    return np.column_stack([_head(fold, settings, scale, fold.labels[:, column] == 1) for column in range(fold.labels.shape[1])])


def _head(fold: Fold, settings: Settings, scale: np.ndarray, truth: np.ndarray) -> np.ndarray:
    weight = np.where(fold.copied, settings.copies, 1.0) * np.where(truth, ((~truth).sum() / truth.sum()) ** settings.balance, 1.0)
    used = weight > 0
    train, truth, weight = fold.train[used], truth[used], weight[used]
    if settings.nb:
        scale = scale * _ratio(train, truth) ** settings.nb
    if settings.stacked:
        margins = [_fit(train[:, fold.views == view], truth, weight, settings) for view in np.unique(fold.views)]
        parts = np.column_stack([model.decision_function(fold.held_out[:, fold.views == view]) for view, model in enumerate(margins)])
        return parts @ np.asarray(settings.weights)
    scaling = sparse.diags(scale)
    train, held_out = train @ scaling, fold.held_out @ scaling
    model = _fit(train, truth, weight, settings)
    if settings.self_training and fold.outside.shape[0]:
        outside = fold.outside @ scaling
        margin = model.decision_function(outside)
        sure = np.abs(margin) > 1
        train, truth = sparse.vstack([train, outside[sure]], format="csr"), np.concatenate([truth, margin[sure] > 0])
        model = _fit(train, truth, np.concatenate([weight, np.full(int(sure.sum()), settings.self_training)]), settings)
    return model.decision_function(held_out)


def _fit(features: sparse.csr_matrix, truth: np.ndarray, weight: np.ndarray, settings: Settings) -> LinearSVC | LogisticRegression:
    if settings.logistic:
        return LogisticRegression(C=20 * settings.regularization, solver="liblinear", tol=0.01).fit(features, truth, sample_weight=weight)
    return LinearSVC(C=settings.regularization, tol=0.01, random_state=0).fit(features, truth, sample_weight=weight)


def _ratio(features: sparse.csr_matrix, truth: np.ndarray) -> np.ndarray:
    with_, without = (np.asarray((features[rows] > 0).sum(axis=0)).ravel() + 1.0 for rows in (truth, ~truth))
    ratio = np.abs(np.log((with_ / with_.sum()) / (without / without.sum()))) + 0.1
    return ratio / ratio.mean()


def precision(labels: np.ndarray, margins: np.ndarray) -> np.ndarray:
    return np.array([average_precision_score(labels[:, column], margins[:, column]) for column in range(labels.shape[1])])


def nested(corpus: Corpus, grid: list[Settings]) -> dict[str, object]:
    """Choose by inner folds, judge on outer ones."""
    rows, margins, chosen = np.arange(len(corpus.posts)), np.zeros_like(corpus.labels), []

    def inner(train: np.ndarray, held_out: np.ndarray) -> np.ndarray:
        fold = corpus.fold(train, held_out)
        return np.array([precision(corpus.labels[held_out], scores(fold, settings)).mean() for settings in grid])

    for number, (train, held_out) in enumerate(corpus.folds(rows, OUTER), start=1):
        tried = np.mean(Parallel(n_jobs=-1)(delayed(inner)(*fold) for fold in corpus.folds(train, INNER)), axis=0)
        best = grid[int(tried.argmax())]
        chosen.append(str(best))
        margins[held_out] = scores(corpus.fold(train, held_out), best)
        print(f"outer fold {number}: {best} ({tried.max():.4f} inside)", flush=True)
    return {"nested_average_precision": precision(corpus.labels, margins).mean().round(4), "chosen": chosen}


def grid_around(settings: Settings) -> list[Settings]:
    words, characters, folded, pairs = settings.weights
    views = [(words, characters, folded, pairs), (words, characters, folded + 0.5, pairs), (words, characters, folded, pairs / 2)]
    return [replace(settings, weights=w, regularization=c, balance=b) for w, c, b in product(views, (0.3, 0.6, 1.0), (0.0, 0.25))]


def ablations(settings: Settings) -> dict[str, Settings]:
    """What is taken away from, or added to, the settings in use."""
    without = {f"without {name}": tuple(0.0 if view == name else w for view, w in zip(VIEWS, settings.weights, strict=True)) for name in VIEWS}
    return {
        "settings in params.yaml": settings,
        **{name: replace(settings, weights=weights) for name, weights in without.items()},
        "views weighed alike": replace(settings, weights=(1.0, 1.0, 1.0, 1.0)),
        "no copies without accents": replace(settings, copies=0.0),
        "classes half balanced": replace(settings, balance=0.5),
        "classes balanced": replace(settings, balance=1.0),
        "NB-weighted features": replace(settings, nb=0.5),
        "logistic instead of squared hinge": replace(settings, logistic=True),
        "stacked views": replace(settings, stacked=True),
        "self-training on outside posts": replace(settings, self_training=0.1),
        "words of 1 to 3": replace(settings, vectorizer=(("word_ngrams", (1, 3)),)),
        "characters of 3 to 6": replace(settings, vectorizer=(("char_ngrams", (3, 6)),)),
        "folded of 1 to 2": replace(settings, vectorizer=(("folded_ngrams", (1, 2)),)),
        "pairs up to 12 apart": replace(settings, vectorizer=(("pair_window", 12),)),
        "terms in one post too": replace(settings, vectorizer=(("min_df", 1),)),
    }


def ablate(corpus: Corpus) -> dict[str, object]:
    rows, tried = np.arange(len(corpus.posts)), ablations(corpus.default())

    def one(train: np.ndarray, held_out: np.ndarray) -> dict[str, np.ndarray]:
        folds = {
            options: corpus.fold(train, held_out, options, outside=not options) for options in {settings.vectorizer for settings in tried.values()}
        }
        return {name: precision(corpus.labels[held_out], scores(folds[settings.vectorizer], settings)) for name, settings in tried.items()}

    by_fold = Parallel(n_jobs=-1)(delayed(one)(*fold) for fold in corpus.folds(rows, OUTER))
    figures = {name: np.array([fold[name] for fold in by_fold]) for name in tried}
    reference = figures["settings in params.yaml"].mean(axis=1)
    table = Table("settings", *CATEGORIES, "mean", "difference", "± standard error", title=f"Average precision over {OUTER} folds")
    for name, values in figures.items():
        difference = values.mean(axis=1) - reference
        error = difference.std(ddof=1) / np.sqrt(len(difference))
        table.add_row(name, *(f"{value:.3f}" for value in values.mean(axis=0)), f"{values.mean():.4f}", f"{difference.mean():+.4f}", f"{error:.4f}")
    Console(width=140).print(table)
    return {name: round(float(values.mean()), 4) for name, values in figures.items()}


def main(ablation: bool) -> None:
    corpus = Corpus()
    print(f"{len(corpus.posts):,} posts, {len(corpus.outside.characters):,} outside ones without labels", flush=True)
    result = ablate(corpus) if ablation else nested(corpus, grid_around(corpus.default()))
    print(json.dumps({"benchmark": "search", "ablation" if ablation else "nested": result}, default=str))


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--ablation"]):
        sys.exit("usage: python benchmarks/search.py [--ablation]")
    main("--ablation" in sys.argv)
