"""Suspected label errors: posts whose labels the model, trained on the others, finds hard to believe."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from cleanlab.rank import get_label_quality_scores
from sklearn.model_selection import GroupKFold

from classifier.taxonomy import CATEGORIES

Fit = Callable[[np.ndarray], Callable[[np.ndarray], np.ndarray]]
"""From the rows to train on to a function that gives probabilities, shape (n, n_categories), for other rows."""


def out_of_fold_probabilities(posts: pd.DataFrame, fit: Fit, folds: int) -> np.ndarray:
    """Score every post by a model that was trained without it and without its near-duplicates.

    Parameters
    ----------
    posts : pandas.DataFrame, n rows
        Needs `group`.
    fit : callable
    folds : int

    Returns
    -------
    numpy.ndarray, shape (n, n_categories)
    """
    probability = np.zeros((len(posts), len(CATEGORIES)))
    for train, held_out in GroupKFold(folds, shuffle=True, random_state=0).split(posts, groups=posts["group"]):
        probability[held_out] = fit(train)(held_out)
    return probability


def suspected_errors(posts: pd.DataFrame, probability: np.ndarray, below: float = 0.1) -> pd.DataFrame:
    """List labels that look wrong, the least plausible first.

    Parameters
    ----------
    posts : pandas.DataFrame, n rows
        Categories as 1.0, 0.0 or NaN, `post_id`.
    probability : numpy.ndarray, shape (n, n_categories)
        Out of fold.
    below : float
        Labels whose quality is lower are listed.

    Returns
    -------
    pandas.DataFrame
        `post_id`, `category`, `label`, `probability` and `quality` (self-confidence: the probability of the given label).

    References
    ----------
    Northcutt, Jiang, Chuang (2021), Confident Learning: Estimating Uncertainty in Dataset Labels.
    """
    tables = []
    for column, category in enumerate(CATEGORIES):
        known = posts[category].notna().to_numpy()
        labels = posts.loc[known, category].to_numpy(dtype=int)
        positive = probability[known, column]
        quality = get_label_quality_scores(labels, np.column_stack([1 - positive, positive]), method="self_confidence")
        table = pd.DataFrame({"post_id": posts.loc[known, "post_id"].to_numpy(), "label": labels, "probability": positive, "quality": quality})
        tables.append(table.assign(category=category)[quality < below])
    listed = pd.concat(tables, ignore_index=True).sort_values("quality", kind="stable", ignore_index=True)
    return listed[["post_id", "category", "label", "probability", "quality"]]
