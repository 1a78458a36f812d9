"""Word boundaries by the weights of underthesea's CRF, read once and folded into tables over syllables.

The tagger scores 43 attributes of a syllable's neighbourhood, each a string such as ``T[-1,0].lower=học sinh``. All of them are
about one, two or three neighbouring syllables: their weights are summed here into one row a syllable and looked up for pairs
and triples, for a whole batch at once. With two labels, B-W (a word begins) and I-W (it goes on), only the difference of
their weights matters.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

_OFFSETS = (-2, -1, 0, 1, 2)
_REACH = 2
_FEW = 10
"""Fewer posts are decoded sooner one by one than side by side."""
_HEADER = np.dtype([("magic", "S4"), ("size", "<u4"), ("kind", "S4"), ("version", "<u4"), ("counts", "<u4", 3), ("offsets", "<u4", 5)])
_FEATURE = np.dtype([("kind", "<u4"), ("source", "<u4"), ("label", "<u4"), ("weight", "<f8")])
_STATE, _TRANSITION = 0, 1
_TEMPLATE = re.compile(r"T\[(-?\d)(?:,(-?\d))?\](?:\.(\w+))?")
_Template = tuple[int, int, str]
"""First and last place, and what is said of the syllables from one to the other."""
_NEVER = -1
"""The key of n-grams with nothing between two spaces: no post has them."""
_PAIR_STARTS = (-2, -1, 0, 1)
_TRIPLE_STARTS = (-2, -1, 0)


class Weights(NamedTuple):
    """What a CRFsuite model has learnt.

    Attributes
    ----------
    state : dict of str to float
        For each attribute, the weight of I-W less that of B-W.
    transition : numpy.ndarray, shape (2, 2), float64
        From the label of a row to that of a column, in the order B-W, I-W.
    """

    state: dict[str, float]
    transition: np.ndarray


def read_weights(path: Path) -> Weights:
    """Read the weights of a two-label CRFsuite model, exactly as they are stored.

    Parameters
    ----------
    path : Path
        A file that begins with `lCRF`.

    Raises
    ------
    ValueError
        If it is something else, or its labels are not B-W and I-W.

    References
    ----------
    Okazaki (2007), CRFsuite: the layout of crf1d_model.c and, for the strings, of his Constant Quark Database.
    """
    content = path.read_bytes()
    header = np.frombuffer(content, _HEADER, 1)[0]
    if header["magic"] != b"lCRF":
        raise ValueError(f"{path}: not a CRFsuite model")
    features, labels, attributes = (int(offset) for offset in header["offsets"][:3])
    names = _strings(content[labels:])
    if sorted(names) != ["B-W", "I-W"]:
        raise ValueError(f"{path}: its labels are {', '.join(names)}, not B-W and I-W")
    count = int(np.frombuffer(content, "<u4", 1, features + 8)[0])
    table = np.frombuffer(content, _FEATURE, count, features + 12)
    inside = table["label"] == names.index("I-W")
    state = table["kind"] == _STATE
    known = _strings(content[attributes:])
    difference = np.zeros(len(known))
    np.add.at(difference, table["source"][state], np.where(inside, 1.0, -1.0)[state] * table["weight"][state])
    transition = np.zeros((2, 2))
    moves = table[table["kind"] == _TRANSITION]
    order = np.array([names.index("B-W"), names.index("I-W")]).argsort()
    transition[order[moves["source"]], order[moves["label"]]] = moves["weight"]
    return Weights(dict(zip(known, difference.tolist(), strict=True)), transition)


def _strings(chunk: bytes) -> list[str]:
    """Strings by number, of a Constant Quark Database."""
    size, offset = np.frombuffer(chunk, "<u4", 2, 16)
    records = np.frombuffer(chunk, "<u4", int(size), int(offset))
    lengths = np.ndarray(len(chunk) - 3, "<u4", chunk, 0, (1,))[records + 4]
    return [chunk[start:end].decode("utf-8") for start, end in zip((records + 8).tolist(), (records + 7 + lengths).tolist(), strict=True)]


def _by_template(state: Mapping[str, float]) -> dict[_Template, dict[str, float]]:
    """Weights by the template of their attribute, and by what it says of the syllables there."""
    found: dict[str, dict[str, float]] = {}
    for attribute, weight in state.items():
        template, _, value = attribute.partition("=")
        found.setdefault(template, {})[value] = weight
    return {_template(text): values for text, values in found.items()}


def _template(text: str) -> _Template:
    start, end, function = _TEMPLATE.fullmatch(text).groups()  # type: ignore[union-attr]
    return int(start), int(end or start), function or ""


class _Numbers(dict[str, int]):
    """Syllables by number, from 1 on; what is between two spaces side by side is none."""

    def of(self, syllables: Sequence[str]) -> np.ndarray:
        for syllable in dict.fromkeys(syllables):
            self.setdefault(syllable, len(self) + 1 if syllable else 0)
        return np.fromiter(map(self.__getitem__, syllables), dtype=np.int64, count=len(syllables))


class _NgramTable(NamedTuple):
    """Weights of n-grams of numbered syllables, found by binary search; behind them the row of what is not there."""

    keys: np.ndarray
    rows: np.ndarray

    def look_up(self, ngrams: np.ndarray) -> np.ndarray:
        """Rows for n-grams, shape (n, m): column i holds the numbers of the i-th; what is unknown weighs nothing."""
        key = _key(ngrams)
        at = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
        return self.rows[np.where(self.keys[at] == key, at, len(self.keys))]


def _key(ngrams: np.ndarray) -> np.ndarray:
    """One number an n-gram; syllable numbers stay below 2 ** 21, so three of them fit."""
    key = np.zeros(ngrams.shape[1], dtype=np.int64)
    for numbers in ngrams:
        key = (key << 21) | numbers
    return key


class SyllableFacts(NamedTuple):
    """What the tagger's attributes say about one syllable: its lower case, and `True` or `False` for the others."""

    lower: str
    digit: str
    title: str
    in_dictionary: str


class WordTagger:
    """Says for each syllable of each post of a batch whether it goes on a word, as underthesea's tagger would.

    Parameters
    ----------
    weights : Weights
    dictionary : set of str
        Words, lower-case, syllables joined by spaces.

    Attributes
    ----------
    syllable_dtype : numpy.dtype
        Of what it knows of a syllable: its number as written and in lower case (0: none), whether it is a title, and its own
        weights by offset.
    """

    syllable_dtype = np.dtype([("written", "i8"), ("lower", "i8"), ("title", "?"), ("own", "f8", len(_OFFSETS))])

    def __init__(self, weights: Weights, dictionary: set[str]) -> None:
        self.transition = weights.transition
        self._by_template = _by_template(weights.state)
        self._edges = self._edge_weights()
        self._written, self._lower = _Numbers(), _Numbers()
        words: dict[int, list[str]] = {}
        for word in dictionary:
            words.setdefault(word.count(" ") + 1, []).append(word)
        self._pairs = self._ngrams("", _PAIR_STARTS, 2, self._written)
        self._lower_pairs = self._ngrams("lower", _PAIR_STARTS, 2, self._lower, words.get(2, ()))
        self._triples = self._ngrams("", _TRIPLE_STARTS, 3, self._written)
        self._lower_triples = self._ngrams("lower", _TRIPLE_STARTS, 3, self._lower, words.get(3, ()))
        self._pair_base = np.array([self._weight(start, start + 1, "is_in_dict", "False") for start in _PAIR_STARTS])
        self._triple_base = np.array([self._weight(start, start + 2, "is_in_dict", "False") for start in _TRIPLE_STARTS])
        self._title_pair = np.array([self._weight(0, 1, "istitle", value) for value in ("False", "True")])
        self._title_triple = np.array([self._weight(0, 2, "istitle", value) for value in ("False", "True")])

    def _weight(self, start: int, end: int, function: str, value: str) -> float:
        return self._by_template.get((start, end, function), {}).get(value, 0.0)

    def _edge_weights(self) -> np.ndarray:
        """Weights of the attributes that reach over an edge, by how many syllables stand before and behind (2: two or more)."""
        table = np.zeros((_REACH + 1, _REACH + 1))
        for (start, end, _), values in self._by_template.items():
            for before in range(_REACH + 1):
                for behind in range(_REACH + 1):
                    if before + start < 0:
                        table[before, behind] += values.get("BOS", 0.0)
                    elif end > behind:
                        table[before, behind] += values.get("EOS", 0.0)
        return table

    def _ngrams(self, function: str, starts: Sequence[int], length: int, numbers: "_Numbers", words: Sequence[str] = ()) -> _NgramTable:
        """Sum for each n-gram the weights of its spelling and of its being one of the words of the dictionary."""
        templates = [self._by_template.get((start, start + length - 1, function), {}) for start in starts]
        parts = [{ngram: weight for ngram, weight in values.items() if ngram.count(" ") == length - 1} for values in templates]
        syllables = " ".join([*chain(*parts), *words]).split(" ")
        ngrams = numbers.of(syllables).reshape(-1, length).T
        keys, at = np.unique(np.where((ngrams != 0).all(axis=0), _key(ngrams), _NEVER), return_inverse=True)
        rows = np.zeros((len(keys) + 1, len(starts)))  # the last, of zeros, answers for what is not in the table
        done = 0
        for column, weights in enumerate(parts):
            rows[at[done : done + len(weights)], column] += np.fromiter(weights.values(), dtype=float, count=len(weights))
            done += len(weights)
        in_dictionary, not_there = (
            np.array([self._weight(start, start + length - 1, "is_in_dict", value) for start in starts]) for value in ("True", "False")
        )
        rows[at[done:]] += in_dictionary - not_there
        return _NgramTable(keys, rows)

    def syllable(self, written: str, facts: SyllableFacts) -> tuple[int, int, bool, np.ndarray]:
        """Return what one syllable brings along, as one record of `syllable_dtype`."""
        values = (("", written), ("lower", facts.lower), ("isdigit", facts.digit), ("istitle", facts.title), ("is_in_dict", facts.in_dictionary))
        own = [sum(self._weight(offset, offset, function, value) for function, value in values) for offset in _OFFSETS]
        return self._written.get(written, 0), self._lower.get(facts.lower, 0), facts.title == "True", np.array(own)

    def inside(self, lengths: np.ndarray, syllables: np.ndarray) -> np.ndarray:
        """Tag the syllables of a batch.

        Parameters
        ----------
        lengths : numpy.ndarray, shape (n_posts,), int
            Syllables of each post.
        syllables : numpy.ndarray, shape (n_syllables,), syllable_dtype
            Of all posts, one post behind another.

        Returns
        -------
        numpy.ndarray, shape (n_syllables,), bool
            Whether the syllable goes on the word of the one before. The first of a post means nothing.
        """
        scores = self.scores(lengths, syllables)
        if len(lengths) < _FEW:
            parts = np.split(scores, lengths.cumsum()[:-1])
            return np.array([label for part in parts for label in self._decode_one(part.tolist())], dtype=bool)
        return self._decode(lengths, scores)

    def scores(self, lengths: np.ndarray, syllables: np.ndarray) -> np.ndarray:
        """Return by how much each syllable's attributes speak for I-W, less for B-W; parameters as of `inside`."""
        firsts = np.repeat(lengths.cumsum() - lengths, lengths)
        before = np.arange(len(syllables)) - firsts
        behind = np.repeat(lengths, lengths) - 1 - before
        scores = self._edges[np.minimum(before, _REACH), np.minimum(behind, _REACH)]

        def places(start: int, length: int) -> slice | np.ndarray:
            """Syllables whose post holds all of an n-gram that begins `start` syllables from them; of one post a slice, which costs less."""
            first, behind_last = max(-start, 0), max(start + length - 1, 0)
            if len(lengths) == 1:
                return slice(first, max(len(syllables) - behind_last, first))
            return np.flatnonzero((before >= first) & (behind >= behind_last))

        written, lower, title = (syllables[name] for name in ("written", "lower", "title"))
        for column, offset in enumerate(_OFFSETS):
            _add(scores, syllables["own"][:, column], offset, places(offset, 1))
        pairs = self._pairs.look_up(np.array([written[:-1], written[1:]])) + self._lower_pairs.look_up(np.array([lower[:-1], lower[1:]]))
        pairs += self._pair_base
        pairs[:, _PAIR_STARTS.index(0)] += self._title_pair[(title[:-1] & title[1:]).astype(int)]
        for column, start in enumerate(_PAIR_STARTS):
            _add(scores, pairs[:, column], start, places(start, 2))
        triples = self._triples.look_up(np.array([written[:-2], written[1:-1], written[2:]]))
        triples += self._lower_triples.look_up(np.array([lower[:-2], lower[1:-1], lower[2:]])) + self._triple_base
        triples[:, _TRIPLE_STARTS.index(0)] += self._title_triple[(title[:-2] & title[1:-1] & title[2:]).astype(int)]
        for column, start in enumerate(_TRIPLE_STARTS):
            _add(scores, triples[:, column], start, places(start, 3))
        return scores

    def _decode_one(self, scores: list[float]) -> list[bool]:
        """Do for one post what `_decode` does for many side by side."""
        (bb, bi), (ib, ii) = self.transition.tolist()
        leads = scores[:1]
        for score in scores[1:]:
            leads.append(score + (max(bi, leads[-1] + ii) - max(bb, leads[-1] + ib)))
        labels = [lead > 0 for lead in leads[-1:]]
        for lead in leads[-2::-1]:
            labels.append(lead + ii > bi if labels[-1] else lead + ib > bb)
        return labels[::-1]

    def _decode(self, lengths: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Find the likeliest labels (Viterbi), for all posts side by side, the longest first.

        With two labels it is enough to carry how much better the best path that ends in I-W is than the best that ends in B-W.
        """
        (bb, bi), (ib, ii) = self.transition
        firsts = lengths.cumsum() - lengths
        order = np.argsort(-lengths, kind="stable")
        firsts, lengths = firsts[order], lengths[order]
        running = [int(np.searchsorted(-lengths, -step)) for step in range(int(lengths[0]) if len(lengths) else 0)]
        lead = scores.copy()
        for step in range(1, len(running)):
            at = firsts[: running[step]] + step
            last = lead[at - 1]
            lead[at] += np.maximum(bi, last + ii) - np.maximum(bb, last + ib)
        came_inside_to_begin, came_inside_to_inside = lead + ib > bb, lead + ii > bi
        inside = lead > 0
        for step in range(len(running) - 2, -1, -1):
            at = firsts[: running[step + 1]] + step
            inside[at] = np.where(inside[at + 1], came_inside_to_inside[at], came_inside_to_begin[at])
        return inside


def _add(scores: np.ndarray, values: np.ndarray, start: int, at: slice | np.ndarray) -> None:
    """Add to the syllables at some places the value of the n-gram that begins `start` syllables from each."""
    scores[at] += values[slice(at.start + start, at.stop + start) if isinstance(at, slice) else at + start]
