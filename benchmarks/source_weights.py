"""How much an outside comment should weigh beside a post of ours, and what ViCTSD's toxic comments should count as.

Measured on folds of our own training split only: each fold leaves out whole files of the seed corpus (other voices, other
settings) and a share of the outside sentences. For each choice of weights it prints the average precision of each
category, the share of protected posts that would go to review if a tenth of the violations were missed, and the share of
left-out students' feedback (legitimate criticism) that would go with them. The last line is JSON.

Usage: python benchmarks/source_weights.py   (after `classifier corpus import` of vihsd, victsd and vsfc)
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.svm import LinearSVC

from classifier.corpus import load_corpus
from classifier.corpus.adapters import ADAPTERS
from classifier.features import PostVectorizer, Prepared, prepare
from classifier.params import Params, load_params
from classifier.taxonomy import CATEGORIES

PROJECT = Path(__file__).parents[1]
FOLDS = 4
MISSED = 0.1
TOXIC = "victsd_toxic"
CHOICES: tuple[dict[str, float], ...] = (
    {},
    {"vihsd": 0.02},
    {"vihsd": 0.05},
    {"vihsd": 0.2},
    {"victsd": 0.05},
    {"victsd": 0.05, f"{TOXIC}=1": 0.05},
    {"victsd": 0.05, f"{TOXIC}=0": 0.05},
    {"vsfc": 0.02},
    {"vsfc": 0.05},
    {"vsfc": 0.2},
    {"victsd": 0.05, "vsfc": 0.05},
    {"vihsd": 0.02, "victsd": 0.05, "vsfc": 0.05},
    {"vihsd": 0.05, "victsd": 0.05, "vsfc": 0.05},
)


def load(params: Params) -> pd.DataFrame:
    """Our training split and the outside rows, with the toxic comments that the adapter leaves out as a source of their own."""
    sources = tuple(source.model_copy(update={"weight": 1.0}) for source in params.corpus.sources)
    posts = load_corpus(params.corpus.model_copy(update={"sources": sources}), PROJECT, params.seed).split("train")
    toxic = pd.read_csv(PROJECT / "data" / "external" / "victsd" / "ViCTSD_train.csv").query("Toxicity == 1")["Comment"]
    rows = pd.DataFrame({"post_id": [f"{TOXIC}-{n}" for n in range(len(toxic))], "text": toxic.astype(str), "source": TOXIC, "measured": False})
    return pd.concat([posts, rows], ignore_index=True)


def fold_numbers(posts: pd.DataFrame) -> np.ndarray:
    """Whole files of the seed corpus share a fold; outside rows are dealt out in turn."""
    files = posts["post_id"].str.rsplit("-", n=1).str[0]
    names = {name: number for number, name in enumerate(sorted(files[posts["measured"]].unique()))}
    return np.where(posts["measured"], files.map(names).fillna(0), np.arange(len(posts))).astype(int) % FOLDS


def weights_and_labels(posts: pd.DataFrame, choice: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    labels = posts[list(CATEGORIES)].to_numpy(dtype=float)
    weights = np.where(posts["measured"], 1.0, 0.0)
    for name, weight in choice.items():
        source, _, label = name.partition("=")
        chosen = (posts["source"] == source).to_numpy()
        weights[chosen] = weight
        if label:
            labels[chosen, 0] = float(label)
    return weights, labels


def margins_of_fold(posts: pd.DataFrame, prepared: Prepared, folds: np.ndarray, fold: int, choice: dict[str, float], params: Params) -> np.ndarray:
    weights, labels = weights_and_labels(posts, choice)
    train, held_out = np.flatnonzero((folds != fold) & (weights > 0)), np.flatnonzero(folds == fold)
    features = params.features
    ngrams = (features.word_ngrams, features.char_ngrams, features.folded_ngrams)
    vectorizer = PostVectorizer(*ngrams, features.pair_window, features.min_df, features.view_weights)
    train_features, other_features = vectorizer.fit_transform(prepared.take(train)), vectorizer.transform(prepared.take(held_out))
    columns = []
    for column in range(len(CATEGORIES)):
        known = ~np.isnan(labels[train, column])
        head = LinearSVC(C=params.model.regularization, class_weight=params.model.class_weight, random_state=params.seed)
        head.fit(train_features[known], labels[train[known], column], sample_weight=weights[train[known]])
        columns.append(head.decision_function(other_features))
    return np.column_stack(columns)


def measure(posts: pd.DataFrame, prepared: Prepared, choice: dict[str, float], params: Params) -> dict[str, float]:
    folds = fold_numbers(posts)
    parts = Parallel(n_jobs=-1)(delayed(margins_of_fold)(posts, prepared, folds, fold, choice, params) for fold in range(FOLDS))
    margins = np.zeros((len(posts), len(CATEGORIES)))
    for fold, part in enumerate(parts):
        margins[folds == fold] = part
    ours = posts["measured"].to_numpy()
    truth = posts.loc[ours, list(CATEGORIES)].to_numpy() == 1
    result, probability = {}, np.zeros_like(margins)
    for column, category in enumerate(CATEGORIES):
        result[f"AP {category}"] = average_precision_score(truth[:, column], margins[ours, column])
        curve = LogisticRegression().fit(margins[ours, column : column + 1], truth[:, column])
        probability[:, column] = curve.predict_proba(margins[:, column : column + 1])[:, 1]
    highest = probability.max(axis=1)
    threshold = np.quantile(highest[ours][truth.any(axis=1)], MISSED)
    result["AP mean"] = float(np.mean([result[f"AP {category}"] for category in CATEGORIES]))
    result["protected to review"] = float((highest[ours][~truth.any(axis=1)] >= threshold).mean())
    result["feedback to review"] = float((highest[(posts["source"] == "vsfc").to_numpy()] >= threshold).mean())
    return {name: round(float(value), 4) for name, value in result.items()}


def main() -> None:
    params = load_params(PROJECT / "params.yaml")
    missing = [name for name in ADAPTERS if not (PROJECT / "data" / "external" / name).is_dir()]
    if missing:
        raise SystemExit(f"not imported: {', '.join(missing)}; run: classifier corpus import NAME --from DIR")
    posts = load(params)
    prepared = prepare(posts["text"].tolist(), n_jobs=-1)
    rows = []
    for choice in CHOICES:
        rows.append({"weights": json.dumps(choice), **measure(posts, prepared, choice, params)})
        print(rows[-1], flush=True)
    print(pd.DataFrame(rows).to_string(index=False))
    print(json.dumps({"benchmark": "source_weights", "rows": rows}))


if __name__ == "__main__":
    main()
