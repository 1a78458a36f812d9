"""Which words of a post carry which features: the exact link from n-grams back to words."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, cast

import numpy as np
from scipy import sparse

from classifier.aligned import Aligned
from classifier.features import PairView, PostVectorizer, Prepared, TfidfView
from classifier.text import fold

Span = tuple[int, int]


class Attribution(NamedTuple):
    """What each word of a post contributed to each category.

    Attributes
    ----------
    words : list of str, length w
        The normalised, hence masked, text split at spaces.
    weights : numpy.ndarray, shape (w, n_categories)
        Shares of the log-odds; positive speaks for the category.
    spans : sequence of (int, int), length w
        Where each word stands in the text as typed, start and end; never decreasing. Words written as one abbreviation share
        its span. Empty until `classifier.highlighting.locate` fills it in.
    """

    words: list[str]
    weights: np.ndarray
    spans: Sequence[Span] = ()


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
        One a post, in order, without spans.
    """
    offsets = _offsets(vectorizer)
    for row, forms in enumerate(zip(*prepared, strict=True)):
        start, end = features.indptr[row : row + 2]
        post = _Post(**dict(zip(prepared._fields, forms, strict=True)))
        yield _attribute_one(vectorizer, offsets, post, features.indices[start:end], features.data[start:end], coefficients)


def _offsets(vectorizer: PostVectorizer) -> dict[str, int]:
    """Where the columns of each view begin."""
    sizes = [len(view.vocabulary_) for view in vectorizer.views_.values()]
    return dict(zip(vectorizer.views_, np.cumsum([0, *sizes]).tolist(), strict=False))


def _attribute_one(
    vectorizer: PostVectorizer, offsets: dict[str, int], post: "_Post", indices: np.ndarray, values: np.ndarray, coefficients: np.ndarray
) -> Attribution:
    columns: list[int] = []
    owners: list[Sequence[int]] = []
    for name, view in vectorizer.views_.items():
        offset, vocabulary = offsets[name], view.vocabulary_
        for term, words in _TERMS[name](view, post):
            column = vocabulary.get(term)
            if column is not None:
                columns.append(offset + column)
                owners.append(words)
    places = np.array(columns, dtype=int)
    order = np.argsort(indices)
    position = order[np.searchsorted(indices, places, sorter=order)]
    occurrences = np.bincount(position, minlength=len(indices))
    lengths = np.array([len(words) for words in owners], dtype=int)
    share = np.repeat(values[position] / occurrences[position] / np.maximum(lengths, 1), lengths)
    owner = np.array([word for words in owners for word in words], dtype=int)
    weights = np.zeros((len(post.words), coefficients.shape[1]))
    np.add.at(weights, owner, share[:, None] * coefficients[np.repeat(places, lengths)])
    return Attribution(post.words, weights)


class _Post:
    """The forms of one post as lists of units, each unit with the positions of the words that it stands in."""

    def __init__(self, words: str, characters: str, folded: str) -> None:
        self.words = characters.split(" ") if characters else []
        self._segmented, self._folded = (form.split(" ") if form else [] for form in (words, folded))

    @cached_property
    def segmented(self) -> tuple[list[str], list[list[int]]]:
        return self._segmented, _align(self._segmented, self.words)

    @cached_property
    def folded(self) -> tuple[list[str], list[list[int]]]:
        return self._folded, _align_folded(self._folded, self.words)


_Terms = Iterator[tuple[str, Sequence[int]]]


def _word_terms(view: TfidfView, post: _Post) -> _Terms:
    return _ngrams(*post.segmented, view.ngram_range)


def _folded_terms(view: TfidfView, post: _Post) -> _Terms:
    return _ngrams(*post.folded, view.ngram_range)


def _pair_terms(view: PairView, post: _Post) -> _Terms:
    tokens, owners = post.folded
    for pair, one, other in view.placed(tokens):
        yield pair, sorted({*owners[one], *owners[other]})


def _character_terms(view: TfidfView, post: _Post) -> _Terms:
    """The n-grams of scikit-learn's `char_wb`: within a word and one space on each side of it."""
    shortest, longest = view.ngram_range
    for position, word in enumerate(post.words):
        padded, owner = f" {word} ", [position]
        for size in range(shortest, min(longest, len(padded)) + 1):
            for start in range(len(padded) - size + 1):
                yield padded[start : start + size], owner
        if len(padded) < shortest:
            yield padded, owner


_TERMS: dict[str, Callable[[Any, _Post], _Terms]] = {
    "words": _word_terms,
    "characters": _character_terms,
    "folded": _folded_terms,
    "pairs": _pair_terms,
}
"""For each view the terms of a post as its analyser counts them, each with the words that it is made of."""


def _ngrams(tokens: list[str], owners: list[list[int]], ngram_range: tuple[int, int]) -> _Terms:
    for size in range(ngram_range[0], ngram_range[1] + 1):
        for start in range(len(tokens) - size + 1):
            covered = owners[start] if size == 1 else sorted({word for owner in owners[start : start + size] for word in owner})
            yield " ".join(tokens[start : start + size]), covered


def _align(tokens: list[str], words: list[str]) -> list[list[int]]:
    """Match tokens to words by their letters: both spell the same text, divided differently."""
    owner = [position for position, word in enumerate(words) for _ in word.replace("_", "")]
    owners, start = [], 0
    for token in tokens:
        end = start + len(token.replace("_", ""))
        owners.append(sorted(set(owner[start:end])) or [owner[min(start, len(owner)) - 1] if owner else 0])
        start = end
    return owners


def _align_folded(tokens: list[str], words: list[str]) -> list[list[int]]:
    """Match folded syllables to words: each word folds by itself, unless letters were joined across spaces."""
    syllables = [(syllable, position) for position, word in enumerate(words) for syllable in _fold_word(word)]
    if tokens == [syllable for syllable, _ in syllables]:
        return [[position] for _, position in syllables]
    form = cast(Aligned, fold(Aligned.of(" ".join(words))))
    owner = [position for position, word in enumerate(words) for _ in f"{word} "]
    owners, start = [], 0
    for token in tokens:
        low, high = form.span(start, start + len(token))
        owners.append(sorted(set(owner[low:high])))
        start += len(token) + 1
    return owners


@lru_cache(maxsize=50_000)
def _fold_word(word: str) -> tuple[str, ...]:
    return tuple(fold(word).split())
