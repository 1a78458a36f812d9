"""Which words of a post carry which features: the exact link from n-grams back to words."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from classifier.forms import Prepared
from classifier.ngrams import character_ngrams
from classifier.text import fold
from classifier.views import FittedVectorizer, Pairs, WeighedTerms

_BLOCK = 128
"""Posts attributed at a time: their numbers fit into the processor's cache."""
_SPACE, _LINE_END, _JOINER = map(ord, " \n_")

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


def attribute(
    vectorizer: FittedVectorizer, prepared: Prepared, weighed: WeighedTerms, rows: np.ndarray, coefficients: np.ndarray
) -> Iterator[Attribution]:
    """Divide the log-odds of posts over their words.

    A feature contributes its value times its coefficient. That is divided evenly over the places where its n-gram stands
    and, at each place, over the words that the n-gram spans. The weights of all words and the intercept therefore add up
    to the log-odds.

    Parameters
    ----------
    vectorizer : FittedVectorizer
        Fitted.
    prepared : Prepared
        The forms of n posts.
    weighed : WeighedTerms
        What `vectorizer.weigh` made of them.
    rows : numpy.ndarray, shape (m,), int
        The posts that are asked about, in rising order.
    coefficients : numpy.ndarray, shape (n_features, n_categories)

    Yields
    ------
    Attribution
        One for each of the rows, without spans.
    """
    if not len(rows):
        return
    places = _Places.of(weighed)
    for start in range(0, len(rows), _BLOCK):
        asked = rows[start : start + _BLOCK]
        block = prepared.take(asked)
        regular = np.array([_is_regular(words, characters) for words, characters in zip(block.words, block.characters, strict=True)])
        together = iter(_weights(places, block.take(np.flatnonzero(regular)), asked[regular], coefficients))
        for row, is_regular, post in zip(asked, regular, map(_Post, *block), strict=True):
            weights = next(together) if is_regular else weights_alone(vectorizer, post, weighed.features[row], coefficients)
            yield Attribution(post.words, weights)


def _is_regular(words: str, characters: str) -> bool:
    """Whether words and text are the same letters, none of them a sign that joins syllables."""
    return bool(characters) and "_" not in characters and len(characters) - characters.count(" ") == len(words) - words.count(" ") - words.count("_")


class _Places(NamedTuple):
    """The found terms of a batch, post by post: where those of each post begin, and the entry of the features that each counts towards."""

    weighed: WeighedTerms
    starts: np.ndarray
    entries: np.ndarray

    @classmethod
    def of(cls, weighed: WeighedTerms) -> "_Places":
        starts = np.append(0, weighed.counts.cumsum())[weighed.features.indptr]
        return cls(weighed, starts, np.repeat(np.arange(len(weighed.counts)), weighed.counts))


def _weights(places: _Places, prepared: Prepared, rows: np.ndarray, coefficients: np.ndarray) -> list[np.ndarray]:
    """Weigh the words of regular posts, all at once: what `weights_alone` gives for each."""
    if not len(rows):
        return []
    weighed, starts, entries = places
    features, lengths = weighed.features, np.diff(starts)[rows]
    chosen = _ranges(starts[rows], lengths)
    entry, number, post = entries[chosen], weighed.order[chosen], np.repeat(np.arange(len(rows)), lengths)
    shares, columns = features.data[entry] / weighed.counts[entry], features.indices[entry]
    runs = {"words": _runs_of_words(prepared), "folded": _runs_of_folded(prepared)}
    low, words, terms, parts = 0, [], [], []
    for view, found in weighed.found.items():
        mine = np.flatnonzero((number >= low) & (number < low + len(found.columns)))
        place, earlier = number[mine] - low, _units_left_out(found.units.posts, rows)[post[mine]]
        covered, by_term = _covered(view, runs, found.firsts[place] - earlier, found.lasts[place] - earlier)
        words.append(covered)
        terms.append(np.repeat(mine, by_term))
        parts.append(np.repeat(shares[mine] / by_term, by_term))
        low += len(found.columns)
    sizes = [characters.count(" ") + 1 for characters in prepared.characters]
    word, added = np.concatenate(words), np.concatenate(parts)[:, None] * coefficients[columns[np.concatenate(terms)]]
    weights = np.column_stack([np.bincount(word, category, sum(sizes)) for category in added.T])
    return np.split(weights, np.cumsum(sizes)[:-1])


def _ranges(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return one behind another the numbers from each start on, as many as its length."""
    return np.arange(lengths.sum()) + np.repeat(starts - (lengths.cumsum() - lengths), lengths)


def _units_left_out(posts: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """How many units, of which `posts` are given, stand before each of the rows in posts that are none of the rows."""
    first, behind = np.searchsorted(posts, rows), np.searchsorted(posts, rows, side="right")
    own = behind - first
    return first - (own.cumsum() - own)


def _covered(view: str, runs: "dict[str, _Runs]", firsts: np.ndarray, lasts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the words that terms cover, those of each behind one another, and how many each covers."""
    if view == "characters":
        return firsts, np.ones(len(firsts), dtype=np.int64)
    first, last, owners = runs["words" if view == "words" else "folded"]
    low, span = first[firsts], last[lasts] - first[firsts]
    if view == "pairs":
        lengths, step = 1 + np.minimum(span, 1), np.maximum(span, 1)
    else:
        lengths, step = 1 + span, np.ones(len(span), dtype=np.int64)
    term = np.repeat(np.arange(len(span)), lengths)
    return owners[_ranges(np.zeros(len(span), dtype=np.int64), lengths) * step[term] + low[term]], lengths


_Runs = tuple[np.ndarray, np.ndarray, np.ndarray]
"""For each unit its first and last place in a list of words, and that list."""


def _runs_of_words(prepared: Prepared) -> _Runs:
    """Match segmented words to the words of the text by their letters: both spell the same, divided differently."""
    segmented, text = (np.frombuffer("\n".join(form).encode("utf-32-le"), dtype=np.uint32) for form in (prepared.words, prepared.characters))
    ends, text_ends = ((codes == _SPACE) | (codes == _LINE_END) for codes in (segmented, text))
    unit = ends.cumsum()[~ends & (segmented != _JOINER)]
    word = text_ends.cumsum()[~text_ends]
    firsts = np.flatnonzero(np.diff(unit, prepend=-1))
    lasts = np.append(firsts[1:], len(unit)) - 1
    return word[firsts], word[lasts], np.arange(len(word))


def _runs_of_folded(prepared: Prepared) -> _Runs:
    """Match folded syllables to the words of the text: each word folds by itself, some to nothing."""
    counts = [len(_fold_word(word)) for characters in prepared.characters for word in characters.split(" ")]
    owner = np.repeat(np.arange(len(counts)), counts)
    new = np.diff(owner, prepend=-1) > 0
    run = new.cumsum() - 1
    return run, run, owner[new]


def weights_alone(vectorizer: FittedVectorizer, post: "_Post", features: sparse.csr_matrix, coefficients: np.ndarray) -> np.ndarray:
    """Weigh the words of one post by spelling out its terms."""
    offsets = _offsets(vectorizer)
    indices, values = features.indices, features.data
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
    return weights


def _offsets(vectorizer: FittedVectorizer) -> dict[str, int]:
    """Where the columns of each view begin."""
    sizes = [len(view.vocabulary_) for view in vectorizer.views_.values()]
    return dict(zip(vectorizer.views_, np.cumsum([0, *sizes]).tolist(), strict=False))


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
        return self._folded, [[position] for position, word in enumerate(self.words) for _ in _fold_word(word)]


_Terms = Iterator[tuple[str, Sequence[int]]]


def _word_terms(view: Any, post: _Post) -> _Terms:
    return _ngrams(*post.segmented, view.ngram_range)


def _folded_terms(view: Any, post: _Post) -> _Terms:
    return _ngrams(*post.folded, view.ngram_range)


def _pair_terms(view: Pairs, post: _Post) -> _Terms:
    tokens, owners = post.folded
    for pair, one, other in view.placed(tokens):
        yield pair, sorted({*owners[one], *owners[other]})


def _character_terms(view: Any, post: _Post) -> _Terms:
    """The n-grams of scikit-learn's `char_wb`: within a word and one space on each side of it."""
    for position, word in enumerate(post.words):
        for term in character_ngrams(word, *view.ngram_range):
            yield term, [position]


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


@lru_cache(maxsize=50_000)
def _fold_word(word: str) -> tuple[str, ...]:
    return tuple(fold(word).split())
