"""How often the bands keep their promise.

Every post of the seed corpus gets a probability from a model that was not trained on it (folds over whole groups). Then the
corpus is split anew many times: bands are chosen on one part as in training, and what they promised is compared with what
the posts that had no part in the choice show. The last line is JSON.

Usage: python benchmarks/promises.py [RESPLITS]   (200 where it is not given)
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from sklearn.model_selection import StratifiedGroupKFold

from classifier.bands import OutOfFold, choose_band
from classifier.corpus import load_corpus
from classifier.features import prepare
from classifier.params import Params, load_params
from classifier.taxonomy import CATEGORIES
from classifier.training import fit_classifier

PROJECT = Path(__file__).parents[1]
LEARN, CALIBRATION = 0.4, 0.2  # shares of the groups; the rest judges


def out_of_fold(params: Params, posts: pd.DataFrame) -> np.ndarray:
    """Return probabilities of all posts, shape (n, n_categories), each from a model that has not seen its group."""
    prepared = prepare(posts["text"].tolist(), n_jobs=params.prediction.processes)
    labels = posts[list(CATEGORIES)].to_numpy()
    probability = np.zeros_like(labels)
    folds = StratifiedGroupKFold(params.model.folds, shuffle=True, random_state=params.seed)
    for number, (rest, held_out) in enumerate(folds.split(labels, labels.max(axis=1), posts["group"]), start=1):
        print(f"fold {number} of {params.model.folds} …", flush=True)
        probability[held_out] = fit_classifier(params, posts.iloc[rest], prepared.take(rest)).predict_proba(prepared.take(held_out))
    return probability


def resplit(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return 0 (to learn the order of thresholds), 1 (calibration) or 2 (judge) for each post; groups stay whole."""
    names, members = np.unique(groups, return_inverse=True)
    part = np.searchsorted([LEARN, LEARN + CALIBRATION], rng.permutation(len(names)) / len(names), side="right")
    return part[members]


def try_once(params: Params, category: str, probability: np.ndarray, posts: pd.DataFrame, part: np.ndarray) -> dict[str, tuple[bool, float]]:
    """Return for each band whether it opened, and the promised figure on the posts that judge."""
    learn, calibration, judge = (part == number for number in range(3))
    truth = posts[category].to_numpy() == 1
    out_of_fold = OutOfFold(probability[learn], truth[learn], posts["slice"].to_numpy()[learn])
    chosen = choose_band(category, probability[calibration], truth[calibration], out_of_fold, params.routing)
    seen = {"clear": (chosen.clear.threshold is not None, float((probability[judge & truth] < chosen.band.clear_below).mean()))}
    if chosen.flag is not None:
        flagged = judge & (probability >= (2.0 if chosen.band.flag_from is None else chosen.band.flag_from))
        seen["flag"] = (chosen.band.flag_from is not None, float(truth[flagged].mean()) if flagged.any() else float("nan"))
    return seen


def main(resplits: int) -> None:
    params = load_params(PROJECT / "params.yaml")
    seed_only = tuple(source for source in params.corpus.sources if source.name == "seed")
    posts = load_corpus(params.corpus.model_copy(update={"sources": seed_only}), PROJECT, params.seed).posts
    probability = out_of_fold(params, posts)
    rng = np.random.default_rng(params.seed)
    parts = [resplit(posts["group"].to_numpy(), rng) for _ in range(resplits)]
    targets = {"clear": params.routing.clear_miss_rate, "flag": params.routing.flag_precision}
    table = Table("category", "band", "promised", "open in", "kept in", "kept where open", "mean seen", "worst seen", title=f"{resplits} re-splits")
    result = {}
    for column, category in enumerate(CATEGORIES):
        tries = [try_once(params, category, probability[:, column], posts, part) for part in parts]
        for band in tries[0]:
            opened = np.array([seen[band][0] for seen in tries])
            figure = np.array([seen[band][1] for seen in tries])
            broken = opened & ((figure > targets[band]) if band == "clear" else (figure < targets[band]))
            kept_where_open = 1 - broken.sum() / max(1, opened.sum())
            known = figure[opened & ~np.isnan(figure)]
            mean, worst = (float(known.mean()), float(known.max() if band == "clear" else known.min())) if len(known) else (float("nan"),) * 2
            result[f"{category}/{band}"] = {"open": opened.mean(), "kept": 1 - broken.mean(), "kept_where_open": kept_where_open, "mean": mean}
            promised = f"missed ≤ {targets[band]:.0%}" if band == "clear" else f"right ≥ {targets[band]:.0%}"
            table.add_row(category, band, promised, *(f"{value:.1%}" for value in (opened.mean(), 1 - broken.mean(), kept_where_open, mean, worst)))
    Console(width=140).print(table)
    figures = {name: {key: round(float(value), 4) for key, value in entry.items()} for name, entry in result.items()}
    print(json.dumps({"benchmark": "promises", "resplits": resplits, "confidence": params.routing.confidence, **figures}))


if __name__ == "__main__":
    if len(sys.argv) > 2 or (len(sys.argv) == 2 and not sys.argv[1].isdigit()):
        sys.exit("usage: python benchmarks/promises.py [RESPLITS]")
    main(int(sys.argv[1]) if len(sys.argv) == 2 else 200)
