"""The terms of a view in one string, from which they are looked up and numbered without an object for each of 100,000."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

_SPACE, _LINE_END = b" \n"
_FILLING = np.array([0xFFFFFFFFFFFFFFFF << 8 * length & 0xFFFFFFFFFFFFFFFF for length in range(9)], dtype=np.uint64)
"""The bytes behind those of a unit, among eight, by its length."""


class SortedTerms(Mapping[str, int]):
    r"""The column of each term, by binary search in one string: sooner there than a dictionary of so many, and smaller.

    Parameters
    ----------
    terms : str
        In ascending order, divided by line ends.

    Examples
    --------
    >>> terms = SortedTerms("bò\nbò gà\ncá")
    >>> terms["cá"], terms.get("gà"), len(terms), list(terms)
    (2, None, 3, ['bò', 'bò gà', 'cá'])
    """

    def __init__(self, terms: str) -> None:
        self._text = _encoded(terms)
        self._ends = np.append(np.flatnonzero(np.frombuffer(self._text, dtype=np.uint8) == _LINE_END), len(self._text))

    def _term(self, column: int) -> bytes:
        return self._text[self._ends[column - 1] + 1 if column else 0 : self._ends[column]]

    def __getitem__(self, term: str) -> int:
        wanted = _encoded(term)  # bytes of UTF-8 are in the order of their characters
        column = bisect_left(range(len(self)), wanted, key=self._term)
        if column == len(self) or self._term(column) != wanted:
            raise KeyError(term)
        return column

    def __iter__(self) -> Iterator[str]:
        return iter(_decoded(self._text).split("\n"))

    def __len__(self) -> int:
        return len(self._ends)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogatepass")


class SpelledTerms(NamedTuple):
    """Terms, and where in them their units stand.

    Attributes
    ----------
    text : bytes
        Terms divided by line ends, units by spaces.
    starts, lengths : numpy.ndarray, shape (n_units,), int64
    sizes : numpy.ndarray, shape (n_terms,), int64
        Units of each term.
    """

    text: bytes
    starts: np.ndarray
    lengths: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(cls, terms: str) -> "SpelledTerms":
        """Find the units of terms that line ends divide."""
        text = _encoded(terms)
        signs = np.frombuffer(text, dtype=np.uint8)
        ends = np.append(np.flatnonzero((signs == _SPACE) | (signs == _LINE_END)), len(signs))
        starts = np.append(0, ends[:-1] + 1)
        last = np.append(np.flatnonzero(signs[ends[:-1]] == _LINE_END), len(ends) - 1)
        return cls(text, starts, ends - starts, np.diff(last, prepend=-1))

    def some(self, units: slice) -> "SpelledTerms":
        """Return the same text with some of its units."""
        return self._replace(starts=self.starts[units], lengths=self.lengths[units])

    def kinds(self) -> np.ndarray:
        """Give equal units one number, by eight bytes at a time; 255, which no UTF-8 holds, fills the last eight."""
        eight = np.ndarray(len(self.text) + 1, "<u8", self.text + bytes(8), 0, (1,))
        kind, kinds = pd.factorize(eight[self.starts] | _FILLING[np.minimum(self.lengths, 8)])
        known = len(kinds)
        for done in range(8, int(self.lengths.max(initial=0)), 8):
            longer = np.flatnonzero(self.lengths > done)
            more, _ = pd.factorize(eight[self.starts[longer] + done] | _FILLING[np.minimum(self.lengths[longer] - done, 8)])
            both, kinds = pd.factorize((kind[longer] << 32) | more)
            kind[longer] = known + both
            known += len(kinds)
        return kind

    def unit(self, number: int) -> str:
        """Spell one unit out."""
        start = self.starts[number]
        return _decoded(self.text[start : start + self.lengths[number]])
