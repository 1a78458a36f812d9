"""The three forms of a post that features read, worked out once a batch: words, normalised text, folded syllables."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from classifier.neutral import neutralize
from classifier.segment import SEGMENTERS
from classifier.text import fold, normalize

_CHUNK = 500
_WORTH_A_POOL = 4000
"""Fewer posts than this are prepared sooner than worker processes start."""


class Prepared(NamedTuple):
    """The three forms of a batch of posts, worked out once and shared by all views and heads."""

    words: list[str]
    characters: list[str]
    folded: list[str]

    def take(self, rows: Sequence[int] | np.ndarray) -> "Prepared":
        """Return the same forms for some of the posts."""
        return Prepared(*([form[row] for row in rows] for form in self))

    def joined(self, other: "Prepared") -> "Prepared":
        """Return the same forms for these posts and then those of another batch."""
        return Prepared(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


def normal_form(text: str) -> str:
    """Bring a post into the form that the features read: normalised, and blind to which institution, group or person is named."""
    return neutralize(normalize(text))


def prepare(texts: Sequence[str], n_jobs: int = 1, segmenter: str = "tables") -> Prepared:
    """Normalise, segment and fold posts.

    Parameters
    ----------
    texts : sequence of str, length n
        Posts as typed.
    n_jobs : int
        Processes for large batches; -1 means one a core. Threads would gain nothing, because most of the work holds the lock.
    segmenter : str
        One of `classifier.segment.SEGMENTERS`.

    Returns
    -------
    Prepared
        Three lists of n strings: words divided by spaces, the normalised text, folded syllables divided by spaces.
    """
    normal = _in_chunks(_normal_forms, texts, n_jobs)
    distinct = list(dict.fromkeys(normal))  # disguises of one post come to one form, which is segmented and folded once
    forms = dict(zip(distinct, _in_chunks(partial(_words_and_folded, segmenter), distinct, n_jobs), strict=True))
    return Prepared([forms[form][0] for form in normal], normal, [forms[form][1] for form in normal])


def _normal_forms(texts: Sequence[str]) -> list[str]:
    return [normal_form(text) for text in texts]


def _words_and_folded(segmenter: str, forms: Sequence[str]) -> list[tuple[str, str]]:
    return list(zip(SEGMENTERS[segmenter](forms), map(fold, forms), strict=True))


def _in_chunks(work: Callable[[Sequence[str]], list[Any]], texts: Sequence[str], n_jobs: int) -> list[Any]:
    """What `work` makes of the texts, in order; of many texts in worker processes."""
    if n_jobs == 1 or len(texts) < _WORTH_A_POOL:
        return work(texts)
    from joblib import Parallel, delayed  # 0.04 s, which few posts need not wait for

    chunks = [texts[start : start + _CHUNK] for start in range(0, len(texts), _CHUNK)]
    return [made for part in Parallel(n_jobs=n_jobs)(delayed(work)(chunk) for chunk in chunks) for made in part]
