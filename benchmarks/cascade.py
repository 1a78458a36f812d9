"""Whether a cheap first stage that settles posts as clear would pay: agreement with the model in use, speed, and disguises.

A stage pays if what it settles disagrees with the model on at most 0.1 % of posts, no labelled violation among these, and it
at least doubles throughput at 2 % violations. Stages learn the model's own decisions, on its train split and mixtures of these
posts. Setting and threshold are chosen on the calibration split and mixtures of its posts without violations, then verified on
the test split and such mixtures; a file's posts go to both by halves. Processor time, words met before. The last line is JSON.

Usage: python benchmarks/cascade.py [posts.csv [text column]]   (needs a trained model)
"""

import json
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from peers import fit_fasttext
from scale import mixed_posts
from scipy.stats import beta
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from classifier.corpus import SPLITS, load_corpus
from classifier.evasion import TRANSFORMATIONS
from classifier.params import load_params
from classifier.prediction import Moderator
from classifier.taxonomy import CATEGORIES, Route

PROJECT = Path(__file__).parents[1]
SEED, CHUNK, REPEATS = 2017, 2000, 3
MIXED = 20_000  # mixtures of the posts of each split
DISAGREEMENT, SPEED_UP, RARE, CONFIDENCE = 0.001, 2.0, 0.02, 0.95
Stage = Callable[[list[str]], np.ndarray]  # n texts to n scores, the lower the likelier clear
Costs = tuple[float, float]  # the model's microseconds for a post that it calls clear, and for another


class Part(NamedTuple):
    """Posts, which are violations (1, 0, or NaN where nobody labelled the post), and which the model calls clear."""

    texts: list[str]
    violation: np.ndarray
    clear: np.ndarray


def load_parts(moderator: Moderator, path: Path | None, column: str) -> list[Part]:
    """Return what to learn from, to choose on and to verify on, by the split that the model was trained with."""
    params = load_params(PROJECT / "params.yaml")
    sources = tuple(source for source in params.corpus.sources if source.measured)
    posts = load_corpus(params.corpus.model_copy(update={"sources": sources}), PROJECT, params.seed).posts.dropna(subset=list(CATEGORIES))
    posts["split"] = posts["post_id"].map(pd.read_csv(moderator.folder / "split.csv", index_col="post_id")["split"])
    posts["violation"] = (posts[list(CATEGORIES)] == 1).any(axis=1).astype(float)
    others = pd.read_csv(path, dtype=str)[column].dropna().drop_duplicates().sample(frac=1, random_state=SEED).tolist() if path else []
    parts = []
    for name, more in zip(SPLITS, ([], others[::2], others[1::2]), strict=True):
        labelled = posts[posts["split"] == name]
        mixed = labelled.loc[(labelled["violation"] == 0) | (name == SPLITS[0]), "text"].tolist()
        unlabelled = [*islice(mixed_posts(mixed), MIXED), *more]
        texts = labelled["text"].tolist() + unlabelled
        parts.append(Part(texts, np.append(labelled["violation"], np.full(len(unlabelled), np.nan)), clear(moderator, texts)))
    return parts


def clear(moderator: Moderator, texts: list[str]) -> np.ndarray:
    chunks = [moderator.scores(texts[start : start + CHUNK]).routes for start in range(0, len(texts), CHUNK)]
    return np.vstack(chunks).max(axis=1) == Route.CLEAR


def fit_subwords(part: Part, epoch: int) -> Stage:
    scores = fit_fasttext(part.texts, np.column_stack([~part.clear, part.clear]).astype(int), lr=0.5, epoch=epoch)
    return lambda texts: np.subtract(*np.log(scores(texts) + 1e-9).T)


def fit_hashed(part: Part, C: float) -> Stage:
    hashed = HashingVectorizer(token_pattern=r"\w+", ngram_range=(1, 2), n_features=2**20, alternate_sign=False)
    return make_pipeline(hashed, LogisticRegression(C=C, max_iter=1000)).fit(part.texts, ~part.clear).decision_function


STAGES: dict[str, tuple[Callable[[Part, Any], Stage], tuple]] = {  # how to fit one, settings to try
    "fastText with subwords": (fit_subwords, (5, 25)),
    "hashed syllables and their pairs": (fit_hashed, (0.3, 3, 30)),
}


def microseconds(job: Stage, texts: list[str]) -> float:
    times = [time.process_time()]
    for _ in range(REPEATS):
        job(texts)
        times.append(time.process_time())
    return float(np.median(np.diff(times))) / len(texts) * 1e6


def choose_threshold(part: Part, scores: np.ndarray) -> tuple[float, float]:
    """Return the largest share of posts that a stage may settle, and the score up to which it does."""
    order = np.argsort(scores, kind="stable")
    wrong = ~part.clear[order]
    harmless = (np.cumsum(wrong) <= DISAGREEMENT * len(order)) & (np.cumsum(wrong & (part.violation[order] == 1)) == 0)
    allowed = np.flatnonzero(harmless & np.append(np.diff(scores[order]) > 0, True))  # no threshold divides equal scores
    return ((allowed[-1] + 1) / len(order), float(scores[order][allowed[-1]])) if len(allowed) else (0.0, -np.inf)


def speed_up(weights: np.ndarray, agreed: np.ndarray, settled: np.ndarray, full: Costs, stage: float) -> float:
    costs = np.where(agreed, *full)
    return round(float(np.average(costs, weights=weights) / (stage + np.average(costs * ~settled, weights=weights))), 3)


def verify(stage: Stage, threshold: float, part: Part, full: Costs, disguised: list[tuple[list[str], np.ndarray]]) -> dict[str, Any]:
    settled, cost, posts = stage(part.texts) <= threshold, microseconds(stage, part.texts), len(part.texts)
    wrong, (plain, violation) = settled & ~part.clear, (part.violation == label for label in (0, 1))
    figures: dict[str, Any] = {"microseconds_a_post": round(cost, 1), "posts": posts}
    for name, weights in (("mix", np.ones(posts)), ("rare", (1 - RARE) * plain / plain.sum() + RARE * violation / violation.sum())):
        figures[f"settled_{name}"] = round(float(np.average(settled, weights=weights)), 4)
        figures[f"speed_up_{name}"] = speed_up(weights, part.clear, settled, full, cost)
        figures[f"speed_up_{name}_if_it_cost_nothing"] = speed_up(weights, part.clear, settled, full, 0)
        figures[f"speed_up_{name}_if_it_settled_all_that_is_clear"] = speed_up(weights, part.clear, part.clear, full, cost)
    count, grave = int(wrong.sum()), int((wrong & violation).sum())
    figures |= {"disagreements": count, "violations_among_them": grave, "disagreement": round(count / posts, 6)}
    figures["disagreement_at_most"] = round(float(beta.ppf(CONFIDENCE, count + 1, posts - count)), 6)  # Clopper and Pearson 1934
    caught = np.concatenate([agreed[stage(texts) <= threshold] for texts, agreed in disguised])
    figures |= {"disguised_violations_settled": len(caught), "of_these_not_clear_to_the_model": int((~caught).sum())}
    return figures | {"pays": count <= DISAGREEMENT * posts and not grave and figures["speed_up_rare"] >= SPEED_UP}


def main(path: Path | None, column: str) -> None:
    moderator = Moderator.load(PROJECT / "models")
    learn, choose, part = load_parts(moderator, path, column)
    *kinds, violations = (np.array(part.texts, dtype=object)[rows].tolist() for rows in (part.clear, ~part.clear, part.violation == 1))
    full = tuple(round(microseconds(lambda texts: clear(moderator, texts), texts), 1) for texts in kinds)
    rng = np.random.default_rng(SEED)
    variants = ([change(text, rng) for text in violations] for change in TRANSFORMATIONS.values())
    disguised = [(texts, clear(moderator, texts)) for texts in variants]
    print(f"the model: {full[0]} µs for a post it calls clear ({part.clear.mean():.1%} of {len(part.texts):,}), {full[1]} µs for another")
    rows = {}
    for name, (fit, settings) in STAGES.items():
        fitted = [(*choose_threshold(choose, stage(choose.texts)), stage) for stage in (fit(learn, setting) for setting in settings)]
        _, threshold, stage = max(fitted, key=lambda candidate: candidate[0])
        rows[name] = verify(stage, threshold, part, full, disguised)
        print(f"\n{name} {'pays' if rows[name]['pays'] else 'does not pay'}:")
        print(*(f"  {figure.replace('_', ' '):55s} {value:.5g}" for figure, value in rows[name].items() if figure != "pays"), sep="\n", flush=True)
    print(json.dumps({"benchmark": "cascade", "model": moderator.version, "model_microseconds_clear_and_other": full, "stages": rows}))


if __name__ == "__main__":
    if len(sys.argv) > 3:
        sys.exit("usage: python benchmarks/cascade.py [posts.csv [text column]]")
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None, sys.argv[2] if len(sys.argv) > 2 else "text")
