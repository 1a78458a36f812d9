"""Terms found by number are those that scikit-learn finds by spelling them out."""

import pickle
import threading

import numpy as np
import pytest
from scipy import sparse
from varied_posts import generated_posts, seed_posts

from classifier import ngrams
from classifier.attribution import _Post, attribute, weights_alone
from classifier.features import VIEWS, PostVectorizer
from classifier.forms import Prepared, prepare


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    return prepare([*seed_posts()[::4], *generated_posts(3000), "", "ngu", "_ ngu __ bò_con", "… … …", "a a a a a"])


@pytest.fixture(scope="module")
def fitted(prepared: Prepared) -> PostVectorizer:
    return PostVectorizer(min_df=2, weights=(1.0, 0.5, 2.0, 1.5)).fit(prepared.take(range(2000)))


def by_spelling(vectorizer: PostVectorizer, prepared: Prepared) -> sparse.csr_matrix:
    forms = {"words": prepared.words, "characters": prepared.characters, "folded": prepared.folded, "pairs": prepared.folded}
    weights = dict(zip(VIEWS, vectorizer.weights, strict=True))
    return sparse.hstack([view.transform(forms[name]) * weights[name] for name, view in vectorizer.views_.items()], format="csr")


def assert_same(found: sparse.csr_matrix, expected: sparse.csr_matrix) -> None:
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found.indptr, expected.indptr)
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_allclose(found.data, expected.data, rtol=0, atol=1e-12)


def test_features_are_those_of_scikit_learn(fitted: PostVectorizer, prepared: Prepared) -> None:
    assert_same(fitted.transform(prepared), by_spelling(fitted, prepared))


@pytest.mark.parametrize(
    "settings",
    [
        {"word_ngrams": (2, 3), "folded_ngrams": (3, 4), "char_ngrams": (1, 3), "pair_window": 2},
        {"word_ngrams": (1, 1), "folded_ngrams": (1, 5), "char_ngrams": (6, 9), "pair_window": 12},
        *({"weights": tuple(float(view == name) for view in VIEWS)} for name in VIEWS),
    ],
)
def test_so_they_are_with_other_settings(settings: dict[str, tuple[int, int]], prepared: Prepared) -> None:
    few = prepared.take(range(0, len(prepared.words), 9))
    vectorizer = PostVectorizer(**{"min_df": 1, "weights": (1.0, 1.0, 1.0, 1.0), **settings}).fit(few.take(range(400)))
    assert_same(vectorizer.transform(few), by_spelling(vectorizer, few))


@pytest.mark.parametrize("size", [0, 1, 3])
def test_so_they_are_for_few_posts(fitted: PostVectorizer, prepared: Prepared, size: int) -> None:
    few = prepared.take(range(size))
    assert_same(fitted.transform(few), fitted.transform(prepared)[:size])


def test_keys_with_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch, fitted: PostVectorizer, prepared: Prepared) -> None:
    monkeypatch.setattr(ngrams, "_MIXER", np.uint64(1 << 40))
    crowded = pickle.loads(pickle.dumps(fitted))
    some = prepared.take(range(0, len(prepared.words), 10))
    assert_same(crowded.transform(some), by_spelling(fitted, some))


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch, fitted: PostVectorizer, prepared: Prepared) -> None:
    monkeypatch.setattr(ngrams, "_MOST_WORDS", 50)
    forgetful = pickle.loads(pickle.dumps(fitted))
    for start in range(0, 300, 10):
        few = prepared.take(range(start, start + 10))
        assert_same(forgetful.transform(few), fitted.transform(few))
    assert len(forgetful._known.finder._characters) < 500


def test_tables_are_not_stored(fitted: PostVectorizer, prepared: Prepared) -> None:
    before = len(pickle.dumps(fitted))
    fitted.transform(prepared.take([0]))
    assert len(pickle.dumps(fitted)) == before


def test_threads_get_what_one_gets(fitted: PostVectorizer, prepared: Prepared) -> None:
    shared = pickle.loads(pickle.dumps(fitted))
    parts = [prepared.take(range(start, start + 100)) for start in range(0, 1200, 100)]
    found: dict[int, sparse.csr_matrix] = {}
    threads = [threading.Thread(target=lambda number=number: found.update({number: shared.transform(parts[number])})) for number in range(len(parts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, part in enumerate(parts):
        assert_same(found[number], fitted.transform(part))


def test_weights_of_words_are_those_found_by_spelling(fitted: PostVectorizer, prepared: Prepared) -> None:
    weighed, rows = fitted.weigh(prepared), np.arange(0, len(prepared.words), 3)
    features = weighed.features
    coefficients = np.random.default_rng(1).normal(size=(features.shape[1], 3))
    for row, found in zip(rows, attribute(fitted, prepared, weighed, rows, coefficients), strict=True):
        post = _Post(*(form[row] for form in prepared))
        assert found.words == post.words
        np.testing.assert_allclose(found.weights, weights_alone(fitted, post, features[row], coefficients), rtol=0, atol=1e-12)
