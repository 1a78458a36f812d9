"""How far two people who label the same posts agree: raw, Cohen's kappa, Gwet's AC1."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import cohen_kappa_score

from classifier.taxonomy import CATEGORIES


@dataclass(frozen=True)
class Agreement:
    """Agreement on one category.

    Attributes
    ----------
    posts : int
        Posts that both labelled.
    raw : float
        Share on which both said the same.
    kappa : float
        Cohen's kappa.
    ac1 : float
        Gwet's AC1, which stays meaningful where a label is rare.
    """

    posts: int
    raw: float
    kappa: float
    ac1: float


def gwet_ac1(first: np.ndarray, second: np.ndarray) -> float:
    """Return Gwet's AC1 of two raters over two classes.

    Parameters
    ----------
    first, second : numpy.ndarray, shape (n,), bool

    Returns
    -------
    float
        1 for full agreement, 0 for agreement by chance.

    References
    ----------
    Gwet (2008), Computing inter-rater reliability and its variance in the presence of high agreement.
    """
    observed = float((first == second).mean())
    positive = float((first.mean() + second.mean()) / 2)
    by_chance = 2 * positive * (1 - positive)
    return (observed - by_chance) / (1 - by_chance)


def agreement(posts: pd.DataFrame) -> dict[str, Agreement]:
    """Compare the columns `first` and `second` of labelled posts.

    Parameters
    ----------
    posts : pandas.DataFrame
        Each cell holds category names joined by `;`, `none`, or nothing where that person did not label the post.

    Returns
    -------
    dict of str to Agreement
        One a category; without posts that both labelled, an empty dict.
    """
    both = posts[(posts["first"] != "") & (posts["second"] != "")]
    if both.empty:
        return {}
    result = {}
    for category in CATEGORIES:
        first, second = (both[column].str.split(";").map(lambda names, c=category: c in names).to_numpy(dtype=bool) for column in ("first", "second"))
        kappa = float(cohen_kappa_score(first, second)) if first.any() or second.any() else float("nan")
        result[category] = Agreement(len(both), float((first == second).mean()), kappa, gwet_ac1(first, second))
    return result
