"""The TF-IDF views of a post as one scikit-learn transformer: words, characters, and a folded view against evasion."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from classifier.segment import segment_batch
from classifier.text import fold, normalize

VIEWS = ("words", "characters", "folded")


class Prepared(NamedTuple):
    """The three forms of a batch of posts, worked out once and shared by all views and heads."""

    words: list[str]
    characters: list[str]
    folded: list[str]

    def take(self, rows: Sequence[int] | np.ndarray) -> "Prepared":
        """Return the same forms for some of the posts."""
        return Prepared(*([form[row] for row in rows] for form in self))


def prepare(texts: Sequence[str], n_jobs: int = 1) -> Prepared:
    """Normalise, segment and fold posts.

    Parameters
    ----------
    texts : sequence of str, length n
        Posts as typed.
    n_jobs : int
        Processes for the segmentation; -1 means one a core.

    Returns
    -------
    Prepared
        Three lists of n strings: words divided by spaces, the normalised text, folded syllables divided by spaces.
    """
    normalized = [normalize(text) for text in texts]
    words = [" ".join(parts) for parts in segment_batch(normalized, n_jobs=n_jobs)]
    return Prepared(words, normalized, [fold(text) for text in normalized])


class TfidfView(TfidfVectorizer):
    """A TF-IDF vectoriser whose saved state is one string of terms and one array, not a node for each of 100,000 terms."""

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = {"params": self.get_params(deep=False)}
        state["params"]["dtype"] = np.dtype(self.dtype).name
        if hasattr(self, "vocabulary_"):
            state["terms"] = "\n".join(sorted(self.vocabulary_, key=self.vocabulary_.__getitem__))
            state["idf"] = self.idf_
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        params = dict(state["params"])
        params["dtype"] = np.dtype(params["dtype"]).type
        params["ngram_range"] = tuple(params["ngram_range"])
        self.__init__(**params)  # type: ignore[misc]
        if "terms" in state:
            self.vocabulary_ = {term: column for column, term in enumerate(state["terms"].split("\n"))}
            self.fixed_vocabulary_ = False
            self.idf_ = state["idf"]


class PostVectorizer(TransformerMixin, BaseEstimator):
    """Turn posts into TF-IDF rows over words, characters and folded syllables, side by side.

    Parameters
    ----------
    word_ngrams : (int, int)
        Shortest and longest n-gram of segmented words.
    char_ngrams : (int, int)
        Shortest and longest character n-gram within the words of the normalised text.
    folded_ngrams : (int, int)
        Shortest and longest n-gram of syllables without accents and disguise.
    min_df : int
        Terms in fewer posts than this are dropped.
    weights : (float, float, float)
        Factor of each view, in the order of `VIEWS`; 0 leaves a view out.
    n_jobs : int
        Processes for segmentation; -1 means one a core.

    Attributes
    ----------
    views_ : dict of str to TfidfView
        The fitted view of each name whose weight is not 0.
    """

    def __init__(
        self,
        word_ngrams: tuple[int, int] = (1, 2),
        char_ngrams: tuple[int, int] = (2, 5),
        folded_ngrams: tuple[int, int] = (1, 3),
        min_df: int = 2,
        weights: tuple[float, float, float] = (1.0, 1.0, 1.0),
        n_jobs: int = 1,
    ) -> None:
        self.word_ngrams = word_ngrams
        self.char_ngrams = char_ngrams
        self.folded_ngrams = folded_ngrams
        self.min_df = min_df
        self.weights = weights
        self.n_jobs = n_jobs

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
        prepared = _as_prepared(X, self.n_jobs)
        self.views_ = {name: view for name, view in self._new_views().items() if self._weight(name)}
        return self._stack({name: view.fit_transform(getattr(prepared, name)) for name, view in self.views_.items()})

    def transform(self, X: Sequence[str] | Prepared) -> sparse.csr_matrix:
        """Turn posts into features.

        Parameters
        ----------
        X : sequence of str, or Prepared, length n

        Returns
        -------
        scipy.sparse.csr_matrix, shape (n, n_features), float64
            Rows of L2-normalised, weighted views side by side.
        """
        check_is_fitted(self, "views_")
        prepared = _as_prepared(X, self.n_jobs)
        return self._stack({name: view.transform(getattr(prepared, name)) for name, view in self.views_.items()})

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """Return the terms, each behind the name of its view, in column order."""
        check_is_fitted(self, "views_")
        return np.concatenate([f"{name}:" + view.get_feature_names_out().astype(object) for name, view in self.views_.items()])

    def _weight(self, name: str) -> float:
        return float(self.weights[VIEWS.index(name)])

    def _stack(self, blocks: dict[str, sparse.csr_matrix]) -> sparse.csr_matrix:
        return sparse.hstack([block * self._weight(name) for name, block in blocks.items()], format="csr")

    def _new_views(self) -> dict[str, TfidfView]:
        common = {"lowercase": False, "min_df": self.min_df, "sublinear_tf": True}
        return {
            "words": TfidfView(token_pattern=r"\S+", ngram_range=tuple(self.word_ngrams), **common),
            "characters": TfidfView(analyzer="char_wb", token_pattern=None, ngram_range=tuple(self.char_ngrams), **common),
            "folded": TfidfView(token_pattern=r"\S+", ngram_range=tuple(self.folded_ngrams), **common),
        }


def _as_prepared(posts: Sequence[str] | Prepared, n_jobs: int) -> Prepared:
    return posts if isinstance(posts, Prepared) else prepare(posts, n_jobs=n_jobs)
