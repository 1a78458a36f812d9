"""The TF-IDF views of a post as they were learnt: they make features of posts without scikit-learn, which takes a second to import."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, NamedTuple, Protocol

import numpy as np
from scipy import sparse

from classifier.forms import Prepared, prepare
from classifier.ngrams import FoundTerms, TermFinder, character_ngrams
from classifier.terms import SortedTerms

VIEWS = ("words", "characters", "folded", "pairs")


class WeighedTerms(NamedTuple):
    """Posts as features, and where in the posts the terms behind them stand.

    Attributes
    ----------
    features : scipy.sparse.csr_matrix, shape (n, n_features)
        Sorted, no entry twice.
    found : dict of str to FoundTerms
        By view; columns are those of the features.
    order : numpy.ndarray, shape (n_found,), int64
        The found terms, numbered over all views, in the order of the entries of the features that they count towards.
    counts : numpy.ndarray, shape (n_entries,), int64
        How many terms count towards each entry.
    """

    features: sparse.csr_matrix
    found: dict[str, FoundTerms]
    order: np.ndarray
    counts: np.ndarray


class View(Protocol):
    """What a view has learnt; those of n-grams have an `ngram_range` besides, that of pairs is one of `Pairs`."""

    binary: bool
    """Whether a term counts once, however often it stands in a post."""

    @property
    def terms_(self) -> str:
        """Its terms in the order of their columns, divided by line ends."""

    @property
    def vocabulary_(self) -> Mapping[str, int]:
        """The column of each term."""

    @property
    def idf_(self) -> np.ndarray:
        """The inverse document frequency of each term."""


class FittedView:
    """A view of n-grams as a model file holds it."""

    binary = False

    def __getstate__(self) -> dict[str, Any]:
        return {"params": self.params, "terms": self.terms_, "idf": self.idf_}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.params = state["params"]
        self.terms_: str = state["terms"]
        self.idf_: np.ndarray = state["idf"]

    @property
    def ngram_range(self) -> tuple[int, int]:
        """Shortest and longest n-gram."""
        shortest, longest = self.params["ngram_range"]
        return shortest, longest

    @cached_property
    def vocabulary_(self) -> SortedTerms:
        """The column of each term."""
        return SortedTerms(self.terms_)


class Pairs:
    """Pairs of tokens near each other, in order, though not side by side.

    Attributes
    ----------
    window : int
        A pair is at most this many tokens apart; neighbours are left to the n-grams.
    """

    window: int

    def placed(self, tokens: Sequence[str]) -> Iterator[tuple[str, int, int]]:
        """Return the pairs among tokens, each with the places of its two."""
        for one in range(len(tokens)):
            for other in range(one + 2, min(one + self.window + 1, len(tokens))):
                yield f"{tokens[one]} … {tokens[other]}", one, other


class FittedPairView(Pairs, FittedView):
    """The view of pairs as a model file holds it."""

    binary = True

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.window = self.params["window"]


class FittedVectorizer:
    """Turns posts into TF-IDF rows over words, characters, folded syllables and pairs of these, side by side.

    Attributes
    ----------
    weights : (float, float, float, float)
        Factor of each view, in the order of `VIEWS`.
    n_jobs : int
        Processes for segmentation; -1 means one a core.
    segmenter : str
        See `classifier.forms.prepare`.
    views_ : mapping of str to View
        Those whose weight is not 0.
    """

    weights: Sequence[float]
    n_jobs: int
    segmenter: str
    views_: Mapping[str, View]
    _known: "_KnownTerms | None" = None

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_known"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({"segmenter": "tables", **state})  # models stored before there was a choice

    def transform(self, X: Sequence[str] | Prepared) -> sparse.csr_matrix:
        """Turn posts into features.

        Parameters
        ----------
        X : sequence of str, or Prepared, length n
            Posts as typed, or what `prepare` made of them.

        Returns
        -------
        scipy.sparse.csr_matrix, shape (n, n_features), float64
            Rows of L2-normalised, weighted views side by side.
        """
        return self.weigh(self.prepared(X)).features

    def weigh(self, prepared: Prepared) -> WeighedTerms:
        """Turn posts into features, and say where their terms stand."""
        known = self._known_terms()
        found = known.finder.find(prepared)
        posts, columns = (np.concatenate(parts) for parts in zip(*((terms.posts(), terms.columns) for terms in found.values()), strict=True))
        n, width = len(prepared.characters), len(known.idf)
        keys = posts * width + columns
        order = np.argsort(keys, kind="stable")
        firsts = np.flatnonzero(np.diff(keys[order], prepend=-1))
        counts = np.diff(firsts, append=len(keys))
        entries = order[firsts]
        indices = columns[entries]
        indptr = np.append(0, np.bincount(posts[entries], minlength=n).cumsum())
        view_of = known.view_of[indices]
        values = (np.log(np.arange(1, counts.max(initial=1) + 1)) + 1)[np.where(known.binary[view_of], 0, counts - 1)]
        values *= known.idf[indices]
        features = sparse.csr_matrix((self._scaled(values, view_of, indptr), indices, indptr), shape=(n, width))
        return WeighedTerms(features, found, order, counts)

    def prepared(self, X: Sequence[str] | Prepared) -> Prepared:
        """Return the forms of posts as this vectoriser reads them; those already worked out as they are."""
        return X if isinstance(X, Prepared) else prepare(X, self.n_jobs, self.segmenter)

    def _known_terms(self) -> "_KnownTerms":
        """What it has learnt, in tables that are made when they are first needed and never stored."""
        if self._known is None:
            self._known = _KnownTerms.of(self.views_)
        return self._known

    def _scaled(self, data: np.ndarray, view_of: np.ndarray, indptr: np.ndarray) -> np.ndarray:
        """Bring the part of each view in each row to unit length, times the view's weight."""
        weight = np.array([self._weight(name) for name in self.views_])
        place = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr)) * len(weight) + view_of
        norm = np.sqrt(np.bincount(place, weights=data**2, minlength=(len(indptr) - 1) * len(weight)))
        return data / np.where(norm == 0, 1.0, norm)[place] * weight[view_of]

    def _weight(self, name: str) -> float:
        return float(self.weights[VIEWS.index(name)])


class _KnownTerms(NamedTuple):
    """The terms of all views in tables: for each column its inverse document frequency and view, for each view whether it counts."""

    finder: TermFinder
    idf: np.ndarray
    view_of: np.ndarray
    binary: np.ndarray

    @classmethod
    def of(cls, views: Mapping[str, Any]) -> "_KnownTerms":
        shortest, longest = views["characters"].ngram_range if "characters" in views else (1, 1)
        return cls(
            TermFinder(
                {name: view.terms_ for name, view in views.items()},
                partial(character_ngrams, shortest=shortest, longest=longest),
                views["pairs"].window if "pairs" in views else 0,
            ),
            np.concatenate([view.idf_ for view in views.values()]),
            np.repeat(np.arange(len(views)), [len(view.idf_) for view in views.values()]),
            np.array([view.binary for view in views.values()]),
        )
