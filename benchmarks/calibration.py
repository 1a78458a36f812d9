"""Which calibration is right, and what rarer violations do to probabilities.

On the train and calibration splits of the seed corpus: margins out of fold, then each method fitted on some folds and
judged on the others. Below that, violations are thinned out to a smaller share, and the probabilities are judged with and
without `expected_rate`. The last line is JSON.

Usage: python benchmarks/calibration.py
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.special import expit, logit
from sklearn.model_selection import StratifiedGroupKFold
from venn_abers import VennAbers

from classifier.calibration import METHODS, calibration_error, fit_curve, log_loss, prior_shift
from classifier.corpus import load_corpus
from classifier.features import prepare
from classifier.params import load_params
from classifier.taxonomy import CATEGORIES
from classifier.training import fit_classifier

PROJECT = Path(__file__).parents[1]
VENN_ABERS = "Venn-Abers"
RATE = 0.02
Predict = Callable[[np.ndarray], np.ndarray]


def fit(method: str, log_odds: np.ndarray, truth: np.ndarray) -> Predict:
    if method != VENN_ABERS:
        return fit_curve(method, log_odds, truth, np.ones(len(truth))).probability
    calibrator = VennAbers()
    as_probabilities = lambda values: np.column_stack([1 - expit(values), expit(values)])  # noqa: E731
    calibrator.fit(as_probabilities(log_odds), truth.astype(int))
    return lambda values: calibrator.predict_proba(as_probabilities(values))[0][:, 1]


def judged(probability: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    return {
        "log_loss": round(log_loss(probability, truth, np.ones(len(truth))), 4),
        "brier": round(float(np.mean((probability - truth) ** 2)), 4),
        "calibration_error": round(calibration_error(truth, probability), 4),
    }


def thinned(truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rows of all other posts and of as many violations as make up `RATE`."""
    violations, others = np.flatnonzero(truth), np.flatnonzero(~truth)
    return np.concatenate([rng.choice(violations, round(len(others) * RATE / (1 - RATE)), replace=False), others])


def main() -> None:
    params = load_params(PROJECT / "params.yaml")
    seed_only = tuple(source for source in params.corpus.sources if source.name == "seed")
    posts = load_corpus(params.corpus.model_copy(update={"sources": seed_only}), PROJECT, params.seed).posts
    posts = posts[posts["split"] != "test"].reset_index(drop=True)
    prepared = prepare(posts["text"].tolist(), n_jobs=params.prediction.processes)
    labels, rng = posts[list(CATEGORIES)].to_numpy(), np.random.default_rng(params.seed)
    splitter = StratifiedGroupKFold(params.model.folds, shuffle=True, random_state=params.seed)
    folds = list(splitter.split(labels, labels.max(axis=1), posts["group"]))
    log_odds = np.zeros_like(labels)
    for number, (rest, held_out) in enumerate(folds, start=1):
        print(f"fold {number} of {len(folds)} …", flush=True)
        log_odds[held_out] = fit_classifier(params, posts.iloc[rest], prepared.take(rest)).decision_function(prepared.take(held_out))

    methods = Table("category", "method", "log loss", "Brier", "calibration error", title="Out of fold")
    rarer = Table("category", "probabilities", "log loss", "Brier", "calibration error", title=f"Violations thinned out to {RATE:.0%}")
    result: dict[str, dict[str, dict[str, float]]] = {}
    for column, category in enumerate(CATEGORIES):
        truth = labels[:, column] == 1
        result[category] = {}
        for method in (*METHODS, VENN_ABERS):
            probability = np.zeros(len(truth))
            for rest, held_out in folds:
                probability[held_out] = fit(method, log_odds[rest, column], truth[rest])(log_odds[held_out, column])
            result[category][method] = judged(probability, truth)
            methods.add_row(category, method, *map(str, result[category][method].values()))
            if method == METHODS[0]:
                as_they_are = np.clip(probability, 1e-9, 1 - 1e-9)
        rows = thinned(truth, rng)
        shifted = expit(logit(as_they_are) + prior_shift(float(truth.mean()), RATE))
        for name, probability in {"as in the corpus": as_they_are, f"expected_rate {RATE}": shifted}.items():
            result[category][name] = judged(probability[rows], truth[rows])
            rarer.add_row(category, name, *map(str, result[category][name].values()))
    for table in (methods, rarer):
        Console(width=120).print(table)
    print(json.dumps({"benchmark": "calibration", "posts": len(posts), "rate": RATE, **result}))


if __name__ == "__main__":
    main()
