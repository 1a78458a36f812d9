"""Finds the known terms of a batch of posts by number: no term is spelled out as a string, and each word is cut up once."""

import threading
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain
from typing import NamedTuple

import numpy as np
import pandas as pd

from classifier.forms import Prepared
from classifier.terms import SpelledTerms

_SHIFT = 32  # one key holds two numbers below 2 ** 31
_SLOTS_A_KEY = 4
_MIXER = np.uint64(0x9E3779B97F4A7C15)  # 2 ** 64 over the golden ratio: Knuth's multiplicative hashing
_Occurrences = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Columns, first and last units of terms."""
_MOST_WORDS, _MOST_PARTS = 200_000, 5_000_000
"""Words whose character n-grams are remembered, and n-grams of all; beyond, all are forgotten and learnt anew."""


class Units(NamedTuple):
    """What the posts of a batch are made of, one post behind another.

    Attributes
    ----------
    numbers : numpy.ndarray, shape (n_units,), int64
        Of each unit; 0 for one that is in no term.
    posts : numpy.ndarray, shape (n_units,), int64
        The post that each stands in.
    """

    numbers: np.ndarray
    posts: np.ndarray


class FoundTerms(NamedTuple):
    """Where the known terms of one view stand in a batch, by size or distance, then by place.

    Attributes
    ----------
    units : Units
        What the terms are made of.
    columns : numpy.ndarray, shape (n_found,), int64
    firsts, lasts : numpy.ndarray, shape (n_found,), int64
        The first and the last unit of each, counted over the batch.
    """

    units: Units
    columns: np.ndarray
    firsts: np.ndarray
    lasts: np.ndarray

    def posts(self) -> np.ndarray:
        """Return the post of each."""
        return self.units.posts[self.firsts]


class _Numbers(dict[str, int]):
    """Units by number, from 1 on; 0 for what is not there."""

    def __missing__(self, unit: str) -> int:
        return 0

    def add(self, spelled: SpelledTerms) -> np.ndarray:
        """Number the units of terms; the number of each."""
        kind, kinds = pd.factorize(spelled.kinds())
        one = np.empty(len(kinds), dtype=np.int64)
        one[kind] = np.arange(len(kind))
        return np.array([self.setdefault(spelled.unit(number), len(self) + 1) for number in one.tolist()], dtype=np.int64)[kind]

    def units(self, texts: Sequence[str]) -> Units:
        """Number what stands between the spaces of texts."""
        number = self.__getitem__
        found = [list(map(number, text.split())) for text in texts]
        lengths = np.fromiter(map(len, found), dtype=np.int64, count=len(found))
        numbers = np.fromiter(chain.from_iterable(found), dtype=np.int64, count=int(lengths.sum()))
        return Units(numbers, np.repeat(np.arange(len(found)), lengths))


class _Keys:
    """Distinct numbers, found by their hash; where two share one, the second is found by binary search."""

    def __init__(self, keys: np.ndarray) -> None:
        self._keys = keys
        self._bits = max(1, (_SLOTS_A_KEY * len(keys)).bit_length())
        self._slots = np.full(1 << self._bits, -1, dtype=np.int32)
        slots, places = self._hash(keys), np.arange(len(keys), dtype=np.int32)
        self._slots[slots] = places
        crowded = np.flatnonzero(self._slots[slots] != places)
        self._crowded = crowded[keys[crowded].argsort()]
        self._crowded_keys = keys[self._crowded]

    def _hash(self, keys: np.ndarray) -> np.ndarray:
        return (keys.view(np.uint64) * _MIXER) >> np.uint64(64 - self._bits)

    def find(self, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which of the wanted are there, and the places of these."""
        slots = self._slots[self._hash(wanted)]
        found = np.flatnonzero(slots >= 0)
        places, wanted = slots[found].astype(np.int64), wanted[found]
        others = np.flatnonzero(self._keys[places] != wanted)
        if len(others):
            places[others] = self._search(wanted[others])
            known = places >= 0
            found, places = found[known], places[known]
        return found, places

    def _search(self, wanted: np.ndarray) -> np.ndarray:
        """Find places among the crowded keys; -1 for what is not there."""
        if not len(self._crowded):
            return np.full(len(wanted), -1)
        at = np.minimum(np.searchsorted(self._crowded_keys, wanted), len(self._crowded) - 1)
        return np.where(self._crowded_keys[at] == wanted, self._crowded[at], -1)


class _NgramTable:
    """N-grams of units: step by step, from the number of an n-gram and the unit behind it to the number of both together."""

    def __init__(self, terms: str, first_column: int, numbers: _Numbers) -> None:
        spelled = SpelledTerms.of(terms)
        sizes, units = spelled.sizes, numbers.add(spelled)
        starts = sizes.cumsum() - sizes
        at = units[starts]
        self._single = np.full(len(numbers) + 1, -1)
        self._single[at[sizes == 1]] = first_column + np.flatnonzero(sizes == 1)
        self._steps: list[tuple[_Keys, np.ndarray]] = []
        for size in range(2, int(sizes.max(initial=1)) + 1):
            longer = np.flatnonzero(sizes >= size)
            at[longer], keys = pd.factorize((at[longer] << _SHIFT) | units[starts[longer] + size - 1])
            columns = np.full(len(keys), -1)
            columns[at[sizes == size]] = first_column + np.flatnonzero(sizes == size)
            self._steps.append((_Keys(keys), columns))

    def occurrences(self, units: Units) -> Iterator[_Occurrences]:
        firsts = np.flatnonzero(units.numbers)
        at = units.numbers[firsts]
        yield _of_terms(self._single[at], firsts, firsts)
        for size, (keys, terms) in enumerate(self._steps, 1):
            inside = firsts < len(units.posts) - size
            firsts, at = firsts[inside], at[inside]
            inside = units.posts[firsts] == units.posts[firsts + size]
            firsts, at = firsts[inside], at[inside]
            found, at = keys.find((at << _SHIFT) | units.numbers[firsts + size])
            firsts = firsts[found]
            yield _of_terms(terms[at], firsts, firsts + size)


def _of_terms(columns: np.ndarray, firsts: np.ndarray, lasts: np.ndarray) -> _Occurrences:
    """Leave out what only begins a term."""
    term = columns >= 0
    return columns[term], firsts[term], lasts[term]


class _PairTable:
    """Pairs of units that stand up to `window` apart, neighbours left out."""

    def __init__(self, terms: str, first_column: int, window: int, numbers: _Numbers) -> None:
        spelled = SpelledTerms.of(terms)  # each term is a unit, a sign between, and a unit
        self._keys = _Keys((numbers.add(spelled.some(slice(0, None, 3))) << _SHIFT) | numbers.add(spelled.some(slice(2, None, 3))))
        self._first_column = first_column
        self._window = window

    def occurrences(self, units: Units) -> Iterator[_Occurrences]:
        distances, n = self._window - 1, len(units.numbers)
        one = np.concatenate([units.numbers, np.zeros(self._window, dtype=np.int64)])
        post = np.concatenate([units.posts, np.full(self._window, -1)])
        others, posts = (np.ndarray((distances, n), values.dtype, values, 2 * values.itemsize, 2 * values.strides) for values in (one, post))
        step, places = np.nonzero((others > 0) & (units.numbers > 0) & (posts == units.posts))
        found, at = self._keys.find((units.numbers[places] << _SHIFT) | others[step, places])
        places = places[found]
        yield at + self._first_column, places, places + step[found] + 2


class _PartTable(_Numbers):
    """Terms within one unit, such as the character n-grams of a word; a unit is cut up when it is first met."""

    def __init__(self, terms: str, first_column: int, parts: Callable[[str], Iterable[str]]) -> None:
        super().__init__()
        self._columns = {term: column for column, term in enumerate(terms.split("\n"), first_column)} if terms else {}
        self._parts = parts
        self._one_at_a_time = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self.clear()
        self._ends, self._found = array("q", [1, 1]), array("q", [0])  # numpy takes no empty array

    def __missing__(self, unit: str) -> int:
        self[unit] = number = len(self) + 1
        self._found.extend([column for term in self._parts(unit) if (column := self._columns.get(term)) is not None])
        self._ends.append(len(self._found))
        return number

    def find(self, texts: Sequence[str]) -> FoundTerms:
        with self._one_at_a_time:
            if len(self) > _MOST_WORDS or len(self._found) > _MOST_PARTS:
                self._forget()
            units = self.units(texts)
            ends, columns = (np.frombuffer(values, dtype=np.int64) for values in (self._ends, self._found))
            starts = ends[units.numbers]
            lengths = ends[units.numbers + 1] - starts
            owners = np.repeat(np.arange(len(lengths)), lengths)
            places = np.arange(len(owners)) + np.repeat(starts - (lengths.cumsum() - lengths), lengths)
            return FoundTerms(units, columns[places], owners, owners)


def character_ngrams(word: str, shortest: int, longest: int) -> list[str]:
    """List the character n-grams of a word with a space on each side, a word that is shorter once, as scikit-learn's `char_wb` does.

    Examples
    --------
    >>> character_ngrams("bò", 3, 5)
    [' bò', 'bò ', ' bò ']
    """
    padded = f" {word} "
    sizes = range(shortest, max(shortest, min(longest, len(padded))) + 1)
    return [padded[start : start + size] for size in sizes for start in range(max(len(padded) - size, 0) + 1)]


class TermFinder:
    """Finds the known terms of every view; may be used by several threads.

    Parameters
    ----------
    terms : dict of str to str
        By view, divided by line ends, in the order of their columns; the columns of one view follow those of the view before.
    parts : callable
        Lists the character n-grams of a word.
    window : int
        Farthest distance of a pair.
    """

    def __init__(self, terms: Mapping[str, str], parts: Callable[[str], Iterable[str]], window: int) -> None:
        self._views = tuple(terms)
        first = dict(zip(terms, accumulate((view.count("\n") + 1 for view in terms.values()), initial=0), strict=False))
        self._words, self._folded = _Numbers(), _Numbers()
        self._characters = _PartTable(terms.get("characters", ""), first.get("characters", 0), parts)
        self._tables: dict[str, _NgramTable | _PairTable] = {}
        if "words" in terms:
            self._tables["words"] = _NgramTable(terms["words"], first["words"], self._words)
        if "pairs" in terms:
            self._tables["pairs"] = _PairTable(terms["pairs"], first["pairs"], window, self._folded)
        if "folded" in terms:  # behind the pairs: it has a place for every number
            self._tables["folded"] = _NgramTable(terms["folded"], first["folded"], self._folded)

    def find(self, prepared: Prepared) -> dict[str, FoundTerms]:
        """Find the terms of posts, by view; columns are counted over all views."""
        folded = self._folded.units(prepared.folded)
        units = {"words": self._words.units(prepared.words), "folded": folded, "pairs": folded}
        found = {view: FoundTerms(units[view], *_joined(table.occurrences(units[view]))) for view, table in self._tables.items()}
        found["characters"] = self._characters.find(prepared.characters)
        return {view: found[view] for view in self._views}


def _joined(occurrences: Iterable[_Occurrences]) -> Iterator[np.ndarray]:
    return map(np.concatenate, zip(*occurrences, strict=True))
