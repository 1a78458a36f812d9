"""Whether a post's score depends on whom it names: subgroup AUCs over identity terms, and spreads over minimal pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score

_FEWEST = 5
"""Posts of either kind below which an AUC says nothing."""


@dataclass(frozen=True)
class SubgroupAuc:
    """How well a score tells violations from other posts where a group is mentioned.

    Attributes
    ----------
    subgroup : float
        Among posts that mention the group.
    bpsn : float
        Background positive, subgroup negative: low where harmless mentions of the group score like violations.
    bnsp : float
        Background negative, subgroup positive: low where violations against the group score like harmless posts.
    n_positive, n_negative : int
        Violations and other posts that mention the group.
    """

    subgroup: float
    bpsn: float
    bnsp: float
    n_positive: int
    n_negative: int

    @property
    def lowest(self) -> float:
        """The worst of the three; NaN where none could be measured."""
        known = [value for value in (self.subgroup, self.bpsn, self.bnsp) if not np.isnan(value)]
        return min(known, default=float("nan"))


def subgroup_auc(truth: np.ndarray, score: np.ndarray, member: np.ndarray) -> SubgroupAuc:
    """Measure the bias of a score towards posts that mention a group.

    Parameters
    ----------
    truth : numpy.ndarray, shape (n,), bool
    score : numpy.ndarray, shape (n,)
    member : numpy.ndarray, shape (n,), bool
        Whether a post mentions the group.

    Returns
    -------
    SubgroupAuc
        A figure is NaN where fewer than five posts of a kind are there.

    References
    ----------
    Borkan, Dixon, Sorensen, Thain, Vasserman (2019), Nuanced metrics for measuring unintended bias with real data for text
    classification, section 3.2.
    """
    return SubgroupAuc(
        _auc(truth, score, member),
        _auc(truth, score, (member & ~truth) | (~member & truth)),
        _auc(truth, score, (member & truth) | (~member & ~truth)),
        int((member & truth).sum()),
        int((member & ~truth).sum()),
    )


def _auc(truth: np.ndarray, score: np.ndarray, chosen: np.ndarray) -> float:
    positives = int(truth[chosen].sum())
    if min(positives, int(chosen.sum()) - positives) < _FEWEST:
        return float("nan")
    return float(roc_auc_score(truth[chosen], score[chosen]))


def spreads(sentences: Sequence[str], probability: np.ndarray) -> Mapping[str, float]:
    """Return how far apart the scores of each sentence's variants lie.

    Parameters
    ----------
    sentences : sequence of str, length n
        For each scored text, which sentence it is a variant of.
    probability : numpy.ndarray, shape (n, n_categories)

    Returns
    -------
    mapping of str to float
        For each sentence the largest difference, over the categories, between two of its variants.
    """
    names = np.asarray(sentences, dtype=object)
    return {name: float(np.ptp(probability[names == name], axis=0).max()) for name in dict.fromkeys(sentences)}
