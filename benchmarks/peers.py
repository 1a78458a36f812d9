"""Quality and speed of this project's classifier beside fastText, underthesea's TextClassifier and plain TF-IDF with LinearSVC.

On our corpus all learn from the train split; settings of the peers are chosen on the calibration split, ours are those of
params.yaml; average precision is that of the test split. On ViHSD settings are chosen on a fifth of train.csv, and so is what
is added to the score of each class, as `benchmarks/vihsd.py` does for ours; macro-F1 is that of dev.csv. Posts a second: raw
text to scores, one thread, in turn with bare word_tokenize; in training only fastText has more. The last line is JSON.

Usage: python benchmarks/peers.py [VIHSD_DIR]
"""

import json
import os
import re
import sys
import tempfile
import time
import unicodedata
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from linear_search import choose, choose_offsets, load, macro_f1, predict
from rich.console import Console
from rich.table import Column, Table
from scipy.special import logit
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import average_precision_score
from sklearn.model_selection import ParameterGrid, train_test_split
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC
from underthesea import word_tokenize
from vihsd import VIHSD

from classifier.corpus import load_corpus
from classifier.features import prepare
from classifier.params import load_params
from classifier.taxonomy import CATEGORIES
from classifier.training import fit_classifier

PROJECT = Path(__file__).parents[1]
SEED, ROUNDS, RESAMPLES, HELD_OUT = 2017, 5, 300, 0.2
OURS, BARE = "this project", "word_tokenize"
FIGURES = ("mean_ap", *CATEGORIES, "ratio_to_word_tokenize", "posts_a_second", "training_seconds")
PUBLISHED = (  # macro-F1 on the test parts of ViHSD and of ViCTSD (toxicity), source where it is known
    ("mBERT", 0.627, None, "arXiv 2103.11528"),
    ("PhoBERT v2", 0.666, 0.714, None),
    ("ViHateT5", 0.687, 0.716, "arXiv 2405.14141"),
)
Scorer = Callable[[Sequence[str]], np.ndarray]  # n texts to margins or probabilities, shape (n, labels)


def fit_fasttext(texts: Sequence[str], labels: np.ndarray, lr: float, epoch: int) -> Scorer:
    """Subwords of 2 to 5 letters, pairs of words; softmax where each text has one label, else a sigmoid a label."""
    import fasttext

    def line(text: str) -> str:
        return " ".join(re.findall(r"\w+|[^\w\s]", unicodedata.normalize("NFC", text).lower()))

    full = np.column_stack([labels, ~labels.any(axis=1)])  # fastText passes over lines without a label, so that is a label too
    lines = [" ".join([*(f"__label__{column}" for column in np.flatnonzero(row)), line(text)]) for row, text in zip(full, texts, strict=True)]
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as file:
        print(*lines, sep="\n", file=file, flush=True)
        # In fastText 0.9.2 each thread sets a tenth of the first weights: with fewer than ten the rest is whatever lay in memory.
        common = {"dim": 50, "bucket": 200_000, "wordNgrams": 2, "minn": 2, "maxn": 5, "thread": 10, "seed": SEED, "verbose": 0}
        model = fasttext.train_supervised(file.name, lr=lr, epoch=epoch, loss="softmax" if (labels.sum(axis=1) == 1).all() else "ova", **common)

    def scores(texts: Sequence[str]) -> np.ndarray:
        result = np.zeros((len(texts), full.shape[1]))
        for row, names, values in zip(result, *model.predict([line(text) for text in texts], k=-1), strict=True):
            row[[int(name.removeprefix("__label__")) for name in names]] = values
        return result[:, :-1]

    return scores


def fit_underthesea(texts: Sequence[str], labels: np.ndarray, max_features: int, c: float) -> Scorer:
    """One classifier a label, behind underthesea's own preprocessor; a confidence is the sigmoid of the winning class's margin."""
    from underthesea_core import TextClassifier, TextPreprocessor

    preprocess = TextPreprocessor().transform_batch
    preprocessed, heads = preprocess(list(texts)), []
    for column in labels.T:
        heads.append(TextClassifier(max_features=max_features, c=c))
        heads[-1].fit(preprocessed, np.where(column == 1, "yes", "no").tolist())

    def scores(texts: Sequence[str]) -> np.ndarray:
        preprocessed = preprocess(list(texts))
        predictions = zip(*(head.predict_with_scores(preprocessed) for head in heads), strict=True)
        return np.array([[logit(confidence) * (1 if label == "yes" else -1) for label, confidence in row] for row in predictions])

    return scores


def fit_plain(texts: Sequence[str], labels: np.ndarray, C: float, class_weight: str | None) -> Scorer:
    vectorizer, svm = TfidfVectorizer(ngram_range=(1, 2)), LinearSVC(C=C, class_weight=class_weight, max_iter=5000, random_state=SEED)
    heads = OneVsRestClassifier(svm).fit(vectorizer.fit_transform(texts), labels)
    return lambda texts: heads.decision_function(vectorizer.transform(texts))


PEERS: dict[str, tuple[Callable[..., Scorer], dict[str, list], str, str]] = {  # fit, settings to try, module, package
    "fastText": (fit_fasttext, {"lr": [0.1, 0.2, 0.5], "epoch": [15, 25]}, "fasttext", "fasttext-numpy2-wheel"),
    "underthesea TextClassifier": (fit_underthesea, {"max_features": [20_000, 10**6], "c": [0.3, 1, 3, 10]}, "underthesea_core", "underthesea"),
    "TF-IDF + LinearSVC": (fit_plain, {"C": [0.1, 0.3, 1, 3, 10], "class_weight": [None, "balanced"]}, "sklearn", "scikit-learn"),
}


def timed(job: Callable, *arguments: Any, **settings: Any) -> tuple[float, Any]:
    started = time.perf_counter()
    result = job(*arguments, **settings)
    return time.perf_counter() - started, result


def choose_setting(name: str, train: tuple, held_out: tuple, quality: Callable) -> tuple[Scorer, dict, float]:
    """Fit a peer with each setting; return the one best on the held-out posts, its setting and its seconds of training."""
    fit, grid, *_ = PEERS[name]
    tried = []
    for setting in ParameterGrid(grid):
        seconds, scorer = timed(fit, *train, **setting)
        tried.append((quality(held_out[1], scorer(held_out[0])), scorer, setting, seconds))
    best = max(tried, key=lambda trial: trial[0])
    print(f"{name}: best of {len(tried)} on held-out posts, {best[0]:.3f}, is {best[2]}", flush=True)
    return best[1:]


def behind(truth: np.ndarray, ours: np.ndarray, other: np.ndarray) -> list[float]:
    """95 % interval of how far another's mean average precision lies below ours, over the same resampled posts."""
    draws = np.random.default_rng(SEED).integers(len(truth), size=(RESAMPLES, len(truth)))
    gaps = [average_precision_score(truth[rows], ours[rows]) - average_precision_score(truth[rows], other[rows]) for rows in draws]
    return [round(float(gap), 4) for gap in np.quantile(gaps, [0.025, 0.975])]


def posts_a_second(scorers: dict[str, Callable], texts: list[str]) -> dict[str, float]:
    times = [[timed(scorer, texts)[0] for scorer in scorers.values()] for _ in range(ROUNDS + 1)]
    return dict(zip(scorers, len(texts) / np.median(times[1:], axis=0), strict=True))  # the first round warms up


def measure_corpus(names: list[str]) -> dict[str, dict[str, Any]]:
    params = load_params(PROJECT / "params.yaml")
    params = params.model_copy(update={"prediction": params.prediction.model_copy(update={"processes": 1})})
    sources = tuple(source for source in params.corpus.sources if source.measured)
    corpus = load_corpus(params.corpus.model_copy(update={"sources": sources}), PROJECT, params.seed)
    posts = [corpus.split(name).dropna(subset=list(CATEGORIES)) for name in ("train", "calibration", "test")]
    train, calibration, (texts, truth) = ((part["text"].tolist(), part[list(CATEGORIES)].to_numpy(dtype=int)) for part in posts)
    seconds, ours = timed(lambda: fit_classifier(params, posts[0], prepare(train[0])))
    peers = {name: choose_setting(name, train, calibration, average_precision_score) for name in names}
    fitted = {OURS: (ours.predict_proba, "params.yaml", seconds), **peers}
    rates = posts_a_second({BARE: lambda texts: [word_tokenize(text) for text in texts], **{name: fit[0] for name, fit in fitted.items()}}, texts)
    rows: dict[str, dict[str, Any]] = {}
    scores = {name: fit[0](texts) for name, fit in fitted.items()}
    for name, (_, setting, seconds) in fitted.items():
        precisions = average_precision_score(truth, scores[name], average=None)
        figures = (precisions.mean(), *precisions, rates[name] / rates[BARE], rates[name], seconds)
        rows[name] = {key: round(float(figure), 4) for key, figure in zip(FIGURES, figures, strict=True)}
        rows[name] |= {"behind_ours": behind(truth, scores[OURS], scores[name]), "setting": setting}
    return rows


def measure_vihsd(folder: Path, names: list[str]) -> dict[str, float]:
    (train, labels), (dev, truth) = (load(VIHSD, folder / VIHSD.parts[part]) for part in ("train", "dev"))
    figures = {OURS: macro_f1(truth, predict(train, labels, dev, choose(train, labels, VIHSD.grid)))}
    one_hot = np.eye(labels.max() + 1, dtype=int)
    parts = train_test_split(train.typed, labels, test_size=HELD_OUT, stratify=labels, random_state=SEED)
    inner, held_out = (parts[0], one_hot[parts[2]]), (parts[1], parts[3])
    for name in names:
        scorer, setting, _ = choose_setting(name, inner, held_out, lambda truth, scores: macro_f1(truth, scores + choose_offsets(truth, scores)))
        offsets = choose_offsets(held_out[1], scorer(held_out[0]))
        figures[name] = macro_f1(truth, PEERS[name][0](train.typed, one_hot[labels], **setting)(dev.typed) + offsets)
    return {name: round(figure, 4) for name, figure in figures.items()}


def show(rows: dict[str, dict[str, Any]], vihsd: dict[str, float]) -> None:
    table = Table(Column("classifier", no_wrap=True), "mean AP", "behind ours", *CATEGORIES, "ViHSD", "ViCTSD", "× tokenize", "posts/s", "training s")
    for name, row in rows.items():
        gap = "" if name == OURS else "{:.3f}…{:.3f}".format(*row["behind_ours"])
        mean, *precisions, ratio, rate, seconds = (row[figure] for figure in FIGURES)
        cells = [f"{value:.3f}" for value in precisions] + [f"{vihsd[name]:.3f}" if vihsd else "", ""]
        table.add_row(name, f"{mean:.3f}", gap, *cells, f"{ratio:.2f}", f"{rate:,.0f}", f"{seconds:.1f}")
    for name, hate, toxicity, _ in PUBLISHED:
        table.add_row(f"{name}: published, not run here", *[""] * 6, f"{hate:.3f}", f"{toxicity:.3f}" if toxicity else "")
    Console(width=160).print(table)


def main(folder: Path | None) -> None:
    os.environ["RAYON_NUM_THREADS"] = "1"  # before their first use: underthesea's Rust threads would take all cores
    names = [name for name, (*_, module, _) in PEERS.items() if find_spec(module)]
    for name in PEERS.keys() - names:
        print(f"{name}: skipped; to have it: python -m pip install {PEERS[name][-1]}")
    rows = measure_corpus(names)
    vihsd = measure_vihsd(folder, names) if folder else {}
    show(rows, vihsd)
    print(json.dumps({"benchmark": "peers", "seed_test": rows, "vihsd_macro_f1_dev": vihsd, "published_not_run_here": PUBLISHED}))


if __name__ == "__main__":
    if len(sys.argv) > 2 or (len(sys.argv) == 2 and not (Path(sys.argv[1]) / "train.csv").is_file()):
        sys.exit("usage: python benchmarks/peers.py [VIHSD_DIR], where VIHSD_DIR holds train.csv and dev.csv")
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
