"""The best linear model of a public corpus: settings and offsets chosen by cross-validation inside the training part.

Every model is a weighted sum of n-gram features a class, and a class with an offset; nothing else is read at prediction.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from linear_heads import SEED, Comments, Settings, featurize, fit_scores, read
from rich.console import Console
from rich.table import Table
from scipy.ndimage import uniform_filter
from sklearn.metrics import average_precision_score, f1_score
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

FOLDS, OUTER, INNER = 5, 3, 3
SHARES = np.geomspace(0.5, 2.5, 25)
"""How many times its share in training a class may be given by its offset."""


def macro_f1(labels: np.ndarray, scores: np.ndarray) -> float:
    return float(f1_score(labels, scores.argmax(axis=1), average="macro"))


def average_precision(labels: np.ndarray, scores: np.ndarray) -> float:
    """Mean over the classes, ranked by their lead over the best other class: steadier than macro-F1, so the choice goes by it."""
    leads = [scores[:, label] - np.delete(scores, label, axis=1).max(axis=1) for label in range(scores.shape[1])]
    return float(np.mean([average_precision_score(labels == label, lead) for label, lead in enumerate(leads)]))


def choose_offsets(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """What to add to the margins of each class for the best macro-F1, averaged with its neighbours so that no lucky peak wins.

    Parameters
    ----------
    labels : array of int, shape (n,)
        Classes 0, 1, ...
    scores : array of float, shape (n, n_classes)
        Margins out of fold.

    Returns
    -------
    array of float, shape (n_classes,)
        That of class 0 is 0.
    """
    leads = scores[:, 1:] - scores[:, :1]
    shares = np.bincount(labels)[1:] / len(labels)
    candidates = [-np.quantile(lead, 1 - np.minimum(share * SHARES, 0.99)) for lead, share in zip(leads.T, shares, strict=True)]
    n = scores.shape[1]
    found = np.array([_fast_macro_f1(labels, (scores + np.array([0.0, *offsets])).argmax(axis=1), n) for offsets in product(*candidates)])
    smooth = uniform_filter(found.reshape([len(SHARES)] * (n - 1)), 3, mode="nearest")
    places = np.unravel_index(smooth.argmax(), smooth.shape)
    return np.array([0.0, *(values[place] for values, place in zip(candidates, places, strict=True))])


def _fast_macro_f1(labels: np.ndarray, predicted: np.ndarray, n: int) -> float:
    confusion = np.bincount(labels * n + predicted, minlength=n * n).reshape(n, n)
    return float(np.mean(2 * np.diag(confusion) / np.maximum(confusion.sum(axis=0) + confusion.sum(axis=1), 1)))


def splits(labels: np.ndarray, n: int, groups: Sequence[str] | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Stratified folds; groups, if there are any, stay whole."""
    folds = StratifiedKFold if groups is None else StratifiedGroupKFold
    yield from folds(n, shuffle=True, random_state=SEED).split(labels, labels, groups)


def out_of_fold(comments: Comments, labels: np.ndarray, grid: Sequence[Settings], n: int, groups: Sequence[str] | None = None) -> list[np.ndarray]:
    """Margins of each comment by models that did not see it (or any of its group), for each of the settings."""
    used = np.max([settings.factors for settings in grid], axis=0)

    def one(train: np.ndarray, held_out: np.ndarray) -> list[np.ndarray]:
        fold = featurize(comments.take(train), comments.take(held_out), used)
        return fit_scores(fold, labels[train], grid)

    parts = list(splits(labels, n, groups))
    scores = Parallel(n_jobs=-1)(delayed(one)(*part) for part in parts)
    order = np.argsort(np.concatenate([held_out for _, held_out in parts]))
    return [np.concatenate(by_fold)[order] for by_fold in zip(*scores, strict=True)]


def cross_fitted_macro_f1(labels: np.ndarray, scores: np.ndarray, groups: Sequence[str] | None = None) -> float:
    """Macro-F1 out of fold, with offsets chosen on the other folds."""
    shifted = scores.copy()
    for rest, held_out in splits(labels, FOLDS, groups):
        shifted[held_out] += choose_offsets(labels[rest], scores[rest])
    return macro_f1(labels, shifted)


class Choice(NamedTuple):
    """What cross-validation chose, and its macro-F1 there."""

    settings: Settings
    offsets: np.ndarray
    macro_f1: float


def choose(comments: Comments, labels: np.ndarray, grid: Sequence[Settings], n: int = FOLDS, show: Callable[[str], None] = lambda _: None) -> Choice:
    """Choose settings and offsets by cross-validation."""
    tried = []
    for settings, scores in zip(grid, out_of_fold(comments, labels, grid, n), strict=True):
        tried.append((average_precision(labels, scores), settings, scores))
        show(f"{describe(settings)}: average precision {tried[-1][0]:.4f} out of fold")
    _, settings, scores = max(tried, key=lambda one: one[0])
    return Choice(settings, choose_offsets(labels, scores), cross_fitted_macro_f1(labels, scores))


def predict(train: Comments, labels: np.ndarray, others: Comments, choice: Choice) -> np.ndarray:
    """Fit on all training comments and return the shifted margins of others."""
    fold = featurize(train, others, choice.settings.factors)
    return fit_scores(fold, labels, [choice.settings])[0] + choice.offsets


def nested_macro_f1(comments: Comments, labels: np.ndarray, grid: Sequence[Settings], show: Callable[[str], None]) -> float:
    """Macro-F1 of the whole procedure: every choice by inner folds, judged on outer ones."""
    scores = np.zeros((len(labels), len(np.unique(labels))))
    for rest, held_out in splits(labels, OUTER):
        choice = choose(comments.take(rest), labels[rest], grid, INNER)
        scores[held_out] = predict(comments.take(rest), labels[rest], comments.take(held_out), choice)
        show(f"outer fold, macro-F1 {macro_f1(labels[held_out], scores[held_out]):.4f}: {describe(choice.settings)}")
    return macro_f1(labels, scores)


def unseen_headlines_macro_f1(comments: Comments, labels: np.ndarray, settings: Settings) -> float:
    """Macro-F1 where no comment under the same headline was trained on: without what a model remembers of single articles."""
    (scores,) = out_of_fold(comments, labels, [settings], FOLDS, comments.headlines)
    return cross_fitted_macro_f1(labels, scores, comments.headlines)


def describe(settings: Settings) -> str:
    return ", ".join(f"{name} {value}" for name, value in asdict(settings).items())


def ablations(chosen: Settings) -> dict[str, Settings]:
    """The chosen settings with one part taken away or added."""
    words, characters, folded, _ = chosen.weights
    return {
        "as chosen": chosen,
        "without words": replace(chosen, weights=(0.0, characters, folded, 0.0)),
        "without characters": replace(chosen, weights=(words, 0.0, folded, 0.0)),
        "without the folded view": replace(chosen, weights=(words, characters, 0.0, 0.0)),
        "with pairs": replace(chosen, weights=(words, characters, folded, 0.5)),
        "without characters as typed": replace(chosen, typed=0.0),
        "with characters as typed": replace(chosen, typed=1.0),
        "without syllables": replace(chosen, syllables=0.0),
        "with syllables": replace(chosen, syllables=1.0),
        "syllables alone": replace(chosen, weights=(0.0,) * len(chosen.weights), typed=0.0, syllables=1.0),
        "without the headline": replace(chosen, headline=0.0),
        "no log-count ratio": replace(chosen, nb=0.0),
        "full log-count ratio": replace(chosen, nb=1.0),
        "classes not balanced": replace(chosen, balance=0.0),
        "classes balanced": replace(chosen, balance=1.0),
        "logistic loss": replace(chosen, logistic=True),
        "without naive Bayes": replace(chosen, bayes=0.0),
        "twice as much naive Bayes": replace(chosen, bayes=2 * chosen.bayes),
    }


def print_ablation(comments: Comments, labels: np.ndarray, chosen: Settings) -> dict[str, list[float]]:
    rows = {name: settings for name, settings in ablations(chosen).items() if name == "as chosen" or settings != chosen}
    scores = dict(zip(rows, out_of_fold(comments, labels, list(rows.values()), FOLDS), strict=True))
    figures = {name: [cross_fitted_macro_f1(labels, one), average_precision(labels, one)] for name, one in scores.items()}
    figures["as chosen, no offsets"] = [macro_f1(labels, scores["as chosen"]), figures["as chosen"][1]]
    table = Table("model", "macro-F1", "difference", "average precision", "difference", title=f"Inside train, {FOLDS} folds")
    for name, values in figures.items():
        pairs = zip(values, figures["as chosen"], strict=True)
        table.add_row(name, *(cell for value, base in pairs for cell in (f"{value:.4f}", f"{value - base:+.4f}")))
    Console(width=110).print(table)
    return {name: [round(value, 4) for value in values] for name, values in figures.items()}


class Benchmark(NamedTuple):
    """A corpus: file of each part, its columns, and the settings to choose from."""

    name: str
    parts: dict[str, str]
    text: str
    label: str
    grid: tuple[Settings, ...]
    headline: str | None = None


def load(benchmark: Benchmark, path: Path) -> tuple[Comments, np.ndarray]:
    table = pd.read_csv(path, dtype={benchmark.text: str}, keep_default_na=False)
    headlines = table[benchmark.headline].tolist() if benchmark.headline else None
    return read(table[benchmark.text].tolist(), headlines), table[benchmark.label].to_numpy()


def run(benchmark: Benchmark, folder: Path, ablation: bool) -> None:
    """Choose inside train, judge the procedure by nested folds, then measure the other parts; the last line is JSON."""
    started, say = time.perf_counter(), partial(print, flush=True)
    train, labels = load(benchmark, folder / benchmark.parts["train"])
    choice = choose(train, labels, benchmark.grid, show=say)
    result = {
        "benchmark": benchmark.name,
        "view_weights": choice.settings.weights,
        **{name: value for name, value in asdict(choice.settings).items() if name != "weights"},
        "offsets": choice.offsets.round(3).tolist(),
        "macro_f1_out_of_fold": round(choice.macro_f1, 4),
    }
    if ablation:
        result["ablation"] = print_ablation(train, labels, choice.settings)
    else:
        result["macro_f1_nested"] = round(nested_macro_f1(train, labels, benchmark.grid, say), 4)
        if benchmark.headline:
            result["macro_f1_unseen_headlines"] = round(unseen_headlines_macro_f1(train, labels, choice.settings), 4)
    for part, file in benchmark.parts.items():
        if part != "train" and not ablation and (folder / file).is_file():
            others, truth = load(benchmark, folder / file)
            scores = predict(train, labels, others, choice)
            result[f"macro_f1_{part}"] = round(macro_f1(truth, scores), 4)
            result[f"f1_by_class_{part}"] = f1_score(truth, scores.argmax(axis=1), average=None).round(4).tolist()
    print(json.dumps({**result, "seconds": round(time.perf_counter() - started)}))


def main(benchmark: Benchmark, arguments: list[str]) -> None:
    folders = [Path(argument) for argument in arguments if argument != "--ablation"]
    if len(folders) != 1 or not (folders[0] / benchmark.parts["train"]).is_file():
        options = "[--headline] [--ablation]" if benchmark.headline else "[--ablation]"
        sys.exit(f"usage: python benchmarks/{benchmark.name}.py DIR {options}, where DIR holds {' and '.join(list(benchmark.parts.values())[:2])}")
    run(benchmark, folders[0], "--ablation" in arguments)
