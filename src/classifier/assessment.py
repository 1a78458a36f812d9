"""Everything a model must answer for, measured on posts it has not seen: quality, promises, fairness, evasion."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.metrics import roc_auc_score

from classifier.bands import ChosenBand
from classifier.cache import FeatureCache
from classifier.calibration import precision_elsewhere
from classifier.evaluation import evaluate
from classifier.fairness import spreads, subgroup_auc
from classifier.params import Params
from classifier.predictor import FittedClassifier
from classifier.probes import IDENTITY_KINDS, mentions, probe_sets
from classifier.robustness import evasion_costs
from classifier.routing import Band, route_posts
from classifier.taxonomy import CATEGORIES, Category

Score = Callable[[list[str]], np.ndarray]
_POSTS_A_TASK = 5000


def assess(
    classifier: FittedClassifier,
    bands: Mapping[str, Band],
    test: pd.DataFrame,
    probability: np.ndarray,
    params: Params,
    disguised: pd.DataFrame | None = None,
    cache: FeatureCache | None = None,
) -> dict[str, Any]:
    """Measure a model on labelled posts that neither trained it nor chose its bands.

    Parameters
    ----------
    classifier : FittedClassifier
    bands : mapping of str to Band
    test : pandas.DataFrame, n rows
        Of a `Corpus`.
    probability : numpy.ndarray, shape (n, n_categories)
        What the classifier says of them.
    params : Params
    disguised : pandas.DataFrame, optional
        The posts on which the cost of disguises is measured: it compares a post with itself, so posts that chose the bands
        serve as well, and more of them make it surer. Those of `test`, where they are not given.
    cache : FeatureCache, optional
        Where the forms of disguised posts may be known from before.

    Returns
    -------
    dict
        What `classifier.evaluation.evaluate` returns, and `identity`: for each kind of identity term the figures of
        `classifier.fairness.SubgroupAuc` for `insult`; `pairs`: for each set of minimal pairs the spread of its sentences;
        `evasion`: for each transformation the fields of `classifier.robustness.EvasionCost`; `calibration`: for each
        category the method and the out-of-fold losses that chose it.
    """
    processes = params.prediction.processes
    cache = cache or FeatureCache(None)

    def score(texts: list[str]) -> np.ndarray:
        """Probabilities; posts that come to the same normal form are scored once."""
        prepared = cache.forms(texts, processes, classifier.vectorizer_.segmenter)
        _, first, position = np.unique(np.array(prepared.characters, dtype=object), return_index=True, return_inverse=True)
        parts = np.array_split(first, max(1, len(first) // _POSTS_A_TASK))
        scored = Parallel(n_jobs=processes if len(parts) > 1 else 1)(delayed(classifier.predict_proba)(prepared.take(rows)) for rows in parts)
        return np.concatenate(scored)[position]

    disguised = test if disguised is None else disguised
    measured = disguised[list(CATEGORIES)].notna().all(axis=1)
    return {
        **evaluate(test, classifier.at_training_balance(probability), route_posts(probability, bands), params.evaluation, params.seed),
        "identity": identity_bias(test, probability),
        "pairs": pair_spreads(score),
        "evasion": evasion_costs(disguised[measured], bands, score, params.seed, n_jobs=processes),
        "calibration": {category: {"method": head.method_, "log_losses": dict(head.method_losses_)} for category, head in classifier.heads_.items()},
    }


def identity_bias(test: pd.DataFrame, probability: np.ndarray) -> dict[str, dict[str, float]]:
    """Return for each kind of identity term the AUCs of `insult` over posts that mention one, and how far the worst falls short."""
    column = CATEGORIES.index(Category.INSULT)
    known = test[Category.INSULT].notna().to_numpy()
    truth, score, texts = test[Category.INSULT].to_numpy()[known] == 1, probability[known, column], test["text"][known]
    if truth.all() or not truth.any():
        return {}
    overall = float(roc_auc_score(truth, score))
    result = {}
    for kind in IDENTITY_KINDS:
        figures = subgroup_auc(truth, score, np.array([mentions(text, kind) for text in texts], dtype=bool))
        result[kind] = {**asdict(figures), "overall": overall, "auc_lost": overall - figures.lowest}
    return result


def pair_spreads(score: Score) -> dict[str, dict[str, Any]]:
    """Return for each set of minimal pairs the largest, the mean and every sentence's spread of probability."""
    sets = probe_sets()
    probability = score([probe.text for probes in sets.values() for probe in probes])
    ends = np.cumsum([len(probes) for probes in sets.values()])
    result = {}
    for (name, probes), part in zip(sets.items(), np.split(probability, ends[:-1]), strict=True):
        spread = spreads([probe.sentence for probe in probes], part)
        values = list(spread.values())
        result[name] = {"largest": max(values), "mean": float(np.mean(values)), "sentences": len(values), "by_sentence": dict(spread)}
    return result


def promises_kept(report: Mapping[str, Any], chosen: Mapping[str, ChosenBand], expected_rates: Mapping[str, float] | None) -> dict[str, Any]:
    """Set what each band promised beside what the test posts show.

    Parameters
    ----------
    report : mapping
        Of `assess`.
    chosen : mapping of str to ChosenBand
    expected_rates : mapping of str to float, or None
        Of the categories whose promise is about batches with another share of violations; the test figure is carried over.

    Returns
    -------
    dict
        For each category and band the fields of `classifier.bands.Promise` and `test`, the figure with its interval.
    """
    result: dict[str, Any] = {}
    for category, choice in chosen.items():
        figures = report["categories"][category]
        result[category] = {"clear": {**asdict(choice.clear), "test": figures["missed"]}}
        if choice.flag is not None:
            test = figures["flag_precision"]
            if expected_rates and category in expected_rates:
                observed = figures["violations"] / figures["brier"]["n"]
                test = {**test, **{key: precision_elsewhere(test[key], observed, expected_rates[category]) for key in ("value", "low", "high")}}
            result[category]["flag"] = {**asdict(choice.flag), "test": test}
    return result
