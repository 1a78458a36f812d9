"""Which words of a post carry which features: the exact link from n-grams back to words."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy import sparse

from classifier.features import PostVectorizer, Prepared
from classifier.text import fold


class Attribution(NamedTuple):
    """What each word of a post contributed to each category.

    Attributes
    ----------
    words : list of str, length w
        The normalised, hence masked, text split at spaces.
    weights : numpy.ndarray, shape (w, n_categories)
        Shares of the log-odds; positive speaks for the category.
    """

    words: list[str]
    weights: np.ndarray


def attribute(vectorizer: PostVectorizer, prepared: Prepared, features: sparse.csr_matrix, coefficients: np.ndarray) -> Iterator[Attribution]:
    """Divide the log-odds of posts over their words.

    A feature contributes its value times its coefficient. That is divided evenly over the places where its n-gram stands
    and, at each place, over the words that the n-gram spans. The weights of all words and the intercept therefore add up
    to the log-odds.

    Parameters
    ----------
    vectorizer : PostVectorizer
        Fitted.
    prepared : Prepared
        The forms of n posts.
    features : scipy.sparse.csr_matrix, shape (n, n_features)
        What `vectorizer` made of them.
    coefficients : numpy.ndarray, shape (n_features, n_categories)

    Yields
    ------
    Attribution
        One a post, in order.
    """
    views = _views(vectorizer)
    for row, forms in enumerate(zip(*prepared, strict=True)):
        start, end = features.indptr[row : row + 2]
        yield _attribute_one(views, forms, features.indices[start:end], features.data[start:end], coefficients)


class _View(NamedTuple):
    name: str
    vocabulary: dict[str, int]
    offset: int
    ngram_range: tuple[int, int]


def _views(vectorizer: PostVectorizer) -> list[_View]:
    views, offset = [], 0
    for name, view in vectorizer.views_.items():
        views.append(_View(name, view.vocabulary_, offset, view.ngram_range))
        offset += len(view.vocabulary_)
    return views


def _attribute_one(views: Sequence[_View], forms: Sequence[str], indices: np.ndarray, values: np.ndarray, coefficients: np.ndarray) -> Attribution:
    words = forms[1].split(" ") if forms[1] else []
    columns: list[int] = []
    spans: list[list[int]] = []
    for view in views:
        for term, span in _TERMS[view.name](view, words, forms):
            column = view.vocabulary.get(term)
            if column is not None:
                columns.append(view.offset + column)
                spans.append(span)
    places = np.array(columns, dtype=int)
    order = np.argsort(indices)
    position = order[np.searchsorted(indices, places, sorter=order)]
    occurrences = np.bincount(position, minlength=len(indices))
    lengths = np.array([len(span) for span in spans], dtype=int)
    share = np.repeat(values[position] / occurrences[position] / np.maximum(lengths, 1), lengths)
    owner = np.array([word for span in spans for word in span], dtype=int)
    weights = np.zeros((len(words), coefficients.shape[1]))
    np.add.at(weights, owner, share[:, None] * coefficients[np.repeat(places, lengths)])
    return Attribution(words, weights)


_Terms = Iterator[tuple[str, list[int]]]


def _word_terms(view: _View, words: list[str], forms: Sequence[str]) -> _Terms:
    tokens = forms[0].split(" ") if forms[0] else []
    return _ngrams(tokens, _align(tokens, words), view.ngram_range)


def _folded_terms(view: _View, words: list[str], forms: Sequence[str]) -> _Terms:
    tokens = forms[2].split(" ") if forms[2] else []
    return _ngrams(tokens, _align_folded(tokens, words), view.ngram_range)


def _character_terms(view: _View, words: list[str], forms: Sequence[str]) -> _Terms:
    """The n-grams of scikit-learn's `char_wb`: within a word and one space on each side of it."""
    shortest, longest = view.ngram_range
    for position, word in enumerate(words):
        padded, span = f" {word} ", [position]
        for size in range(shortest, min(longest, len(padded)) + 1):
            for start in range(len(padded) - size + 1):
                yield padded[start : start + size], span
        if len(padded) < shortest:
            yield padded, span


_TERMS = {"words": _word_terms, "characters": _character_terms, "folded": _folded_terms}


def _ngrams(tokens: list[str], spans: list[list[int]], ngram_range: tuple[int, int]) -> _Terms:
    for size in range(ngram_range[0], ngram_range[1] + 1):
        for start in range(len(tokens) - size + 1):
            covered = spans[start] if size == 1 else sorted({word for span in spans[start : start + size] for word in span})
            yield " ".join(tokens[start : start + size]), covered


def _align(tokens: list[str], words: list[str]) -> list[list[int]]:
    """Match tokens to words by their letters: both spell the same text, divided differently."""
    owner = [position for position, word in enumerate(words) for _ in word.replace("_", "")]
    spans, start = [], 0
    for token in tokens:
        end = start + len(token.replace("_", ""))
        spans.append(sorted(set(owner[start:end])) or [owner[min(start, len(owner)) - 1] if owner else 0])
        start = end
    return spans


def _align_folded(tokens: list[str], words: list[str]) -> list[list[int]]:
    """Match folded syllables to words: folding a word gives its syllables, or nothing for signs."""
    spans: list[list[int]] = []
    for position, word in enumerate(words):
        spans += [[position]] * (1 if word.isascii() and word.isalpha() else len(fold(word).split()))
    if len(spans) != len(tokens):  # letters joined across spaces: share out evenly
        edges = np.linspace(0, len(words), len(tokens) + 1).astype(int)
        spans = [list(range(low, max(high, low + 1))) for low, high in pairwise(edges)]
    return spans
