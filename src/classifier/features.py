"""The TF-IDF views of a post as one scikit-learn transformer: words, characters, and two folded views against evasion."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from classifier.forms import Prepared, prepare
from classifier.views import VIEWS, FittedVectorizer, Pairs

__all__ = ["VIEWS", "PairView", "PostVectorizer", "Prepared", "TfidfView", "prepare"]

_FORM = {"words": "words", "characters": "characters", "folded": "folded", "pairs": "folded"}
"""The form of a post that each view reads."""


class TfidfView(TfidfVectorizer):
    """A TF-IDF vectoriser whose saved state is one string of terms and one array, not a node for each of 100,000 terms."""

    def _count_vocab(self, raw_documents: Sequence[str], fixed_vocab: bool) -> tuple[dict[str, int], sparse.csr_matrix]:
        """Count n-grams within words over the distinct words of all texts: words recur, so each is cut up once."""
        if self.analyzer != "char_wb":
            return super()._count_vocab(raw_documents, fixed_vocab)
        words: dict[str, int] = defaultdict(lambda: len(words))
        texts = [[words[word] for word in text.split()] for text in raw_documents]
        ends = np.cumsum([0, *map(len, texts)])
        word_of = np.fromiter(chain.from_iterable(texts), dtype=np.int64, count=ends[-1])
        vocabulary, of_words = super()._count_vocab(list(words), fixed_vocab)
        counts = sparse.csr_matrix((np.ones(len(word_of), dtype=of_words.dtype), word_of, ends), shape=(len(texts), len(words))) @ of_words
        counts.sort_indices()
        return vocabulary, counts

    @property
    def terms_(self) -> str:
        """Its terms in the order of their columns, divided by line ends."""
        return "\n".join(sorted(self.vocabulary_, key=self.vocabulary_.__getitem__))

    def __getstate__(self) -> dict[str, Any]:
        params = self.get_params(deep=False)
        state: dict[str, Any] = {"params": {**params, "dtype": np.dtype(self.dtype).name} if "dtype" in params else params}
        if hasattr(self, "vocabulary_"):
            state["terms"] = self.terms_
            state["idf"] = self.idf_
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        params = dict(state["params"])
        if "dtype" in params:
            params |= {"dtype": np.dtype(params["dtype"]).type, "ngram_range": tuple(params["ngram_range"])}
        self.__init__(**params)  # type: ignore[misc]
        if "terms" in state:
            self.vocabulary_ = {term: column for column, term in enumerate(state["terms"].split("\n"))}
            self.fixed_vocabulary_ = False
            self.idf_ = state["idf"]


class PairView(Pairs, TfidfView):
    """Which tokens stand near each other, in order, though not side by side: what n-grams miss when words come between.

    Parameters
    ----------
    window : int
        A pair is at most this many tokens apart; neighbours are left to the n-grams.
    min_df : int
    """

    def __init__(self, window: int = 7, min_df: int = 1) -> None:
        super().__init__(lowercase=False, binary=True, min_df=min_df)
        self.window = window

    def build_analyzer(self) -> Callable[[str], list[str]]:
        """Return the function that lists the pairs of a text."""
        return self.pairs

    def pairs(self, text: str) -> list[str]:
        """List the pairs of a text divided by spaces, in order of place."""
        return [pair for pair, _, _ in self.placed(text.split())]


class PostVectorizer(FittedVectorizer, TransformerMixin, BaseEstimator):
    """Turn posts into TF-IDF rows over words, characters, folded syllables and pairs of these, side by side.

    Parameters
    ----------
    word_ngrams : (int, int)
        Shortest and longest n-gram of segmented words.
    char_ngrams : (int, int)
        Shortest and longest character n-gram within the words of the normalised text.
    folded_ngrams : (int, int)
        Shortest and longest n-gram of syllables without accents and disguise.
    pair_window : int
        Farthest distance of two folded syllables that count as a pair.
    min_df : int
        Terms in fewer posts than this are dropped; of pairs, those in fewer posts than one more.
    weights : (float, float, float, float)
        Factor of each view, in the order of `VIEWS`; 0 leaves a view out.
    n_jobs : int
        Processes for segmentation; -1 means one a core.
    segmenter : str
        See `classifier.forms.prepare`.

    Attributes
    ----------
    views_ : dict of str to TfidfView
        The fitted view of each name whose weight is not 0.
    """

    views_: dict[str, TfidfView]

    def __init__(
        self,
        word_ngrams: tuple[int, int] = (1, 2),
        char_ngrams: tuple[int, int] = (2, 5),
        folded_ngrams: tuple[int, int] = (1, 3),
        pair_window: int = 7,
        min_df: int = 2,
        weights: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 0.0),
        n_jobs: int = 1,
        segmenter: str = "tables",
    ) -> None:
        self.word_ngrams = word_ngrams
        self.char_ngrams = char_ngrams
        self.folded_ngrams = folded_ngrams
        self.pair_window = pair_window
        self.min_df = min_df
        self.weights = weights
        self.n_jobs = n_jobs
        self.segmenter = segmenter

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags

    def fit(self, X: Sequence[str] | Prepared, y: object = None) -> "PostVectorizer":
        """Learn the terms and their inverse document frequencies.

        Parameters
        ----------
        X : sequence of str, or Prepared
            Posts as typed, or what `prepare` made of them.
        y : ignored

        Returns
        -------
        PostVectorizer
            Itself.

        Raises
        ------
        ValueError
            If no term is frequent enough to be kept.
        """
        self.fit_transform(X)
        return self

    def fit_transform(self, X: Sequence[str] | Prepared, y: object = None, **_: object) -> sparse.csr_matrix:
        """Fit, then transform the same posts; the views are counted once."""
        prepared = self.prepared(X)
        self._known = None
        self.views_ = {name: view for name, view in self._new_views().items() if self._weight(name)}
        return self._stack({name: view.fit_transform(getattr(prepared, _FORM[name])) for name, view in self.views_.items()})

    def transform(self, X: Sequence[str] | Prepared) -> sparse.csr_matrix:
        """Turn posts into features; see `FittedVectorizer.transform`."""
        check_is_fitted(self, "views_")
        return super().transform(X)

    def refitted(self, features: sparse.csr_matrix, rows: np.ndarray) -> sparse.csr_matrix:
        """Turn the features of the posts it was fitted on into those it would give them had it been fitted on some of them.

        In cross-validation this keeps held-out posts from having a say in which terms count and how much: with such a say
        their margins would come out smaller than those of new posts, whose rare terms are unknown.

        Parameters
        ----------
        features : scipy.sparse.csr_matrix, shape (n, n_features)
            What `fit_transform` returned.
        rows : numpy.ndarray, shape (m,), int

        Returns
        -------
        scipy.sparse.csr_matrix, shape (n, n_features)
            Terms that are too rare among `rows` are 0.
        """
        views = list(self.views_.values())
        view_of = np.repeat(np.arange(len(views)), [len(view.vocabulary_) for view in views])
        frequency = np.bincount(features[rows].indices, minlength=features.shape[1])
        idf = np.log((1 + len(rows)) / (1 + frequency)) + 1
        kept = frequency >= np.array([view.min_df for view in views])[view_of]
        scale = np.where(kept, idf / np.concatenate([view.idf_ for view in views]), 0.0)
        data = features.data * scale[features.indices]
        data = self._scaled(data, view_of[features.indices], features.indptr)
        return sparse.csr_matrix((data, features.indices, features.indptr), shape=features.shape)

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """Return the terms, each behind the name of its view, in column order."""
        check_is_fitted(self, "views_")
        return np.concatenate([f"{name}:" + view.get_feature_names_out().astype(object) for name, view in self.views_.items()])

    def _stack(self, blocks: dict[str, sparse.csr_matrix]) -> sparse.csr_matrix:
        return sparse.hstack([block * self._weight(name) for name, block in blocks.items()], format="csr")

    def _new_views(self) -> dict[str, TfidfView]:
        common = {"lowercase": False, "min_df": self.min_df, "sublinear_tf": True}
        return {
            "words": TfidfView(token_pattern=r"\S+", ngram_range=tuple(self.word_ngrams), **common),
            "characters": TfidfView(analyzer="char_wb", token_pattern=None, ngram_range=tuple(self.char_ngrams), **common),
            "folded": TfidfView(token_pattern=r"\S+", ngram_range=tuple(self.folded_ngrams), **common),
            "pairs": PairView(self.pair_window, self.min_df + 1),
        }
