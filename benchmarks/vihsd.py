"""ViHSD with this project's own text, features and linear heads, as a three-class model.

Trains on DIR/train.csv; every choice is made by cross-validation inside it. Prints macro-F1 on dev.csv, and on test.csv
if it is there; the last line is JSON.

Usage: python benchmarks/vihsd.py DIR
"""

import json
import sys
import time
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

from classifier.features import PostVectorizer, Prepared, prepare

CLASSES = (0, 1, 2)
VIEW_WEIGHTS = ((1.0, 1.0, 1.0), (1.0, 0.5, 1.5), (1.0, 1.0, 0.5))
REGULARIZATIONS = (0.05, 0.1, 0.2)
FOLDS = 4
OFFSETS = np.arange(-0.5, 0.51, 0.05)
SEED = 2017


def load(path: Path) -> tuple[Prepared, np.ndarray]:
    table = pd.read_csv(path, dtype={"free_text": str}, keep_default_na=False)
    return prepare(table["free_text"].tolist(), n_jobs=-1), table["label_id"].to_numpy()


def fit_scores(train: tuple, others: Prepared, weights: tuple, regularization: float) -> np.ndarray:
    """Fit one linear head a class and return the margins of other posts, shape (n, 3)."""
    posts, labels = train
    vectorizer = PostVectorizer(weights=weights)
    features, other_features = vectorizer.fit_transform(posts), vectorizer.transform(others)
    heads = (LinearSVC(C=regularization, class_weight="balanced", random_state=SEED).fit(features, labels == label) for label in CLASSES)
    return np.column_stack([head.decision_function(other_features) for head in heads])


def macro_f1(labels: np.ndarray, scores: np.ndarray) -> float:
    return float(f1_score(labels, scores.argmax(axis=1), average="macro"))


def best_offsets(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Choose what to add to the margins of classes 1 and 2, on out-of-fold margins."""
    candidates = (np.array([0.0, one, two]) for one, two in product(OFFSETS, OFFSETS))
    return max(candidates, key=lambda offsets: macro_f1(labels, scores + offsets))


def cross_validate(posts: Prepared, labels: np.ndarray, weights: tuple, regularization: float) -> tuple[float, np.ndarray]:
    scores = np.zeros((len(labels), len(CLASSES)))
    for inner, held_out in StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(labels, labels):
        scores[held_out] = fit_scores((posts.take(inner), labels[inner]), posts.take(held_out), weights, regularization)
    offsets = best_offsets(labels, scores)
    return macro_f1(labels, scores + offsets), offsets


def main(folder: Path) -> None:
    started = time.perf_counter()
    posts, labels = load(folder / "train.csv")
    tried = {}
    for weights, regularization in product(VIEW_WEIGHTS, REGULARIZATIONS):
        tried[weights, regularization] = cross_validate(posts, labels, weights, regularization)
        print(f"views {weights}, C {regularization}: macro-F1 {tried[weights, regularization][0]:.4f} out of fold", flush=True)
    weights, regularization = max(tried, key=lambda choice: tried[choice][0])
    offsets = tried[weights, regularization][1]
    result = {
        "benchmark": "vihsd",
        "view_weights": weights,
        "regularization": regularization,
        "offsets": offsets.round(2).tolist(),
        "macro_f1_out_of_fold": round(tried[weights, regularization][0], 4),
    }
    for part in ("dev", "test"):
        if (folder / f"{part}.csv").is_file():
            others, truth = load(folder / f"{part}.csv")
            scores = fit_scores((posts, labels), others, weights, regularization) + offsets
            result[f"macro_f1_{part}"] = round(macro_f1(truth, scores), 4)
            result[f"f1_by_class_{part}"] = f1_score(truth, scores.argmax(axis=1), average=None).round(4).tolist()
    print(json.dumps({**result, "seconds": round(time.perf_counter() - started)}))


if __name__ == "__main__":
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "train.csv").is_file():
        sys.exit("usage: python benchmarks/vihsd.py DIR, where DIR holds train.csv and dev.csv")
    main(Path(sys.argv[1]))
