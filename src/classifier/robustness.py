"""What disguising a post costs: violations lost and protected posts hit, transformation by transformation."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from classifier.evasion import TRANSFORMATIONS, Transformation
from classifier.routing import Band, decide, route_posts
from classifier.taxonomy import CATEGORIES, Route


@dataclass(frozen=True)
class EvasionCost:
    """What one transformation does to a set of labelled posts.

    Attributes
    ----------
    recall_lost : float
        Over all violations of all categories: the share found before minus the share found at equal precision after.
    recall_lost_by_category : dict of str to float
    recall_lost_at_thresholds : float
        The same at the thresholds in use.
    more_flagged : float
        Share of protected posts flagged after minus before.
    more_reviewed : float
        Share of protected posts not clear after minus before.
    """

    recall_lost: float
    recall_lost_by_category: dict[str, float]
    recall_lost_at_thresholds: float
    more_flagged: float
    more_reviewed: float


def evasion_costs(
    posts: pd.DataFrame,
    bands: Mapping[str, Band],
    score: Callable[[list[str]], np.ndarray],
    seed: int,
    transformations: Mapping[str, Transformation] = TRANSFORMATIONS,
    n_jobs: int = 1,
) -> dict[str, dict[str, Any]]:
    """Measure what each transformation costs.

    Recall is that of "not clear". Its loss is taken at equal precision, since a disguise that raised all scores alike would
    otherwise count as harmless: on plain and on disguised posts alike, the threshold is moved as low as the precision of "not
    clear" on plain posts allows.

    Parameters
    ----------
    posts : pandas.DataFrame, n rows
        `text` and the categories, without NaN.
    bands : mapping of str to Band
    score : callable
        Texts to probabilities, shape (n, n_categories).
    seed : int
    transformations : mapping of str to callable
    n_jobs : int
        Processes for disguising; -1 means one a core.

    Returns
    -------
    dict of str to dict
        For each transformation the fields of `EvasionCost`.
    """
    truth = posts[list(CATEGORIES)].to_numpy() == 1
    texts = posts["text"].tolist()
    disguised = Parallel(n_jobs=n_jobs)(delayed(_disguised)(transform, texts, seed) for transform in transformations.values())
    plain, *scores = np.split(score([text for variant in [texts, *disguised] for text in variant]), len(transformations) + 1)
    return {name: asdict(_cost(truth, plain, after, bands)) for name, after in zip(transformations, scores, strict=True)}


def _disguised(transform: Transformation, texts: list[str], seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return [transform(text, rng) for text in texts]


def _cost(truth: np.ndarray, plain: np.ndarray, disguised: np.ndarray, bands: Mapping[str, Band]) -> EvasionCost:
    protected = ~truth.any(axis=1)
    before, after = route_posts(plain, bands), route_posts(disguised, bands)
    lost = np.zeros(len(bands))
    for column in range(len(bands)):
        lost[column] = _lost(truth[:, column], plain[:, column], disguised[:, column], before[:, column] > Route.CLEAR)
    violations = truth.sum(axis=0)
    found_before, found_after = ((routes > Route.CLEAR) & truth for routes in (before, after))
    return EvasionCost(
        float(lost.sum() / max(1, violations.sum())),
        {category: float(count / max(1, n)) for category, count, n in zip(bands, lost, violations, strict=True)},
        float((found_before.sum() - found_after.sum()) / max(1, truth.sum())),
        _share(decide(after)[protected] == Route.FLAG) - _share(decide(before)[protected] == Route.FLAG),
        _share(decide(after)[protected] > Route.CLEAR) - _share(decide(before)[protected] > Route.CLEAR),
    )


def _lost(truth: np.ndarray, plain: np.ndarray, disguised: np.ndarray, found: np.ndarray) -> float:
    """Violations found before minus those found after, each at the lowest threshold that is as precise as the one in use was."""
    hits = int((found & truth).sum())
    if not hits:
        return 0.0
    precision = hits / int(found.sum())
    return float(_hits_at_precision(truth, plain, precision) - _hits_at_precision(truth, disguised, precision))


def _hits_at_precision(truth: np.ndarray, score: np.ndarray, precision: float) -> int:
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(truth[order])
    whole = np.append(np.diff(score[order]) != 0, True)  # no threshold divides equal scores
    precise = np.flatnonzero(whole & (hits / np.arange(1, len(order) + 1) >= precision - 1e-12))
    return int(hits[precise[-1]]) if len(precise) else 0


def _share(chosen: np.ndarray) -> float:
    return float(chosen.mean()) if len(chosen) else 0.0
