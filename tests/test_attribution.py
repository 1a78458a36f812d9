"""Attribution: the weights of words add up exactly, whatever the post, and lie where the telling words are."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.attribution import attribute
from classifier.features import PostVectorizer, prepare
from classifier.model import CalibratedLinearHead, PostClassifier
from classifier.text import fold

RUDE = ["đồ ngu như bò", "mày ngu quá", "thằng óc chó", "cái đồ ngu xuẩn", "đúng là đồ bò", "con chó này ngu"]
PLAIN = ["mai học phòng nào", "trời hôm nay đẹp", "cô giáo giảng hay quá", "bán sách cũ giá rẻ", "lớp mình mai đi chơi", "cảm ơn bạn nhiều nha"]
TEXTS = [*RUDE, *PLAIN] * 2
LABELS = np.array(([1] * len(RUDE) + [0] * len(PLAIN)) * 2, dtype=float)
ODD = [
    "đồ ngu như bò",
    "do n.g.u, n g u, NGUUUU, ng*u",
    "đ ồ n g u m à n ó i",
    "😂 mai học 0951234567 :))) <3",
    "",
    "ngu",
    "a a a a a",
    "ngu ngu ngu ngu bò bò",
    "\ud800 lone \ud83d\ude02",
    "Ｄồ ｎｇｕ 𝐧𝐠𝐮 ⓝⓖⓤ пgu",
    unicodedata.normalize("NFD", "Thằng óc chó này"),
    "đồ\u200bngu \u202engu\u202c đ\u00adồ",
    "học_sinh _ngu_ __ _",
    "stk 95123456 mail ngu@bo.example https://ngu.example/bo +1 202 555 0143",
    "đm vcl k nt ib hs bgd",
    "½ ﷺ ﬁ İ ß Å 한국 ｶﾞ क्षि",
    "x\ty\nz\r\nđồ\u00a0ngu\u3000bò",
    "." * 50 + "ngu" + "!" * 50,
    "ngu" * 300,
]


@pytest.fixture(scope="module")
def fitted() -> PostClassifier:
    classifier = PostClassifier(PostVectorizer(min_df=1, weights=(1.0, 0.5, 1.5, 0.7)), CalibratedLinearHead(folds=2), categories=("insult", "other"))
    return classifier.fit(TEXTS, np.column_stack([LABELS, 1 - LABELS]))


def assert_adds_up(classifier: PostClassifier, text: str) -> None:
    intercepts = [head.intercept_ for head in classifier.heads_.values()]
    weights = classifier.explain([text])[0].weights
    np.testing.assert_allclose(weights.sum(axis=0) + intercepts, classifier.decision_function([text])[0], rtol=0, atol=1e-9)


@pytest.mark.parametrize("text", ODD)
def test_word_weights_and_intercept_add_up_to_the_log_odds(fitted: PostClassifier, text: str) -> None:
    assert_adds_up(fitted, text)


@given(st.lists(st.sampled_from([*" ".join([*RUDE, *ODD]).split(), ".", "_", "n g u", "😂"]) | st.text(max_size=3), max_size=15).map(" ".join))
@settings(max_examples=200, deadline=None)
def test_weights_add_up_for_any_text(fitted: PostClassifier, text: str) -> None:
    assert_adds_up(fitted, text)


@pytest.mark.parametrize(
    ("text", "telling"), [("hôm nay ngu", "ngu"), ("trời ơi n.g.u thật", "ngu"), ("đẹp mà NGUUUU ghê", "ngu"), ("ừ thì bò đó nha", "bò")]
)
def test_the_telling_word_weighs_most(fitted: PostClassifier, text: str, telling: str) -> None:
    attribution = fitted.explain([text])[0]
    assert attribution.words[int(attribution.weights[:, 0].argmax())] == telling


def test_a_word_pair_shares_its_weight_and_a_repeated_word_divides_it() -> None:
    prepared = prepare(["ngu như bò", "ngu ngu như"])
    vectorizer = PostVectorizer(min_df=1, weights=(0.0, 0.0, 1.0, 0.0), folded_ngrams=(1, 2))
    names = vectorizer.fit(prepared).get_feature_names_out().tolist()
    coefficients = np.zeros((len(names), 2))
    coefficients[names.index("folded:nhu bo"), 0] = 1.0
    coefficients[names.index("folded:ngu"), 1] = 1.0
    first, second = attribute(vectorizer, prepared, vectorizer.weigh(prepared), np.arange(2), coefficients)
    assert first.weights[0, 0] == 0
    assert first.weights[1, 0] == first.weights[2, 0] > 0
    assert second.weights[0, 1] == second.weights[1, 1] > 0
    assert second.weights[2, 1] == 0


@pytest.mark.parametrize("text", ["th@́ng n.g.u nhé", "a _ b·c nhé", "bò . - 3 x3 ½ xoong ßu", "một··hai ba"])
def test_each_folded_syllable_belongs_to_the_word_that_it_comes_from(text: str) -> None:
    vectorizer = PostVectorizer(min_df=1, weights=(0.0, 0.0, 1.0, 0.0), folded_ngrams=(1, 1))
    prepared = prepare([text])
    names = vectorizer.fit(prepared).get_feature_names_out()
    attribution = next(attribute(vectorizer, prepared, vectorizer.weigh(prepared), np.arange(1), np.eye(len(names))))
    for column, name in enumerate(names):
        owner = attribution.words[int(attribution.weights[:, column].argmax())]
        assert name.removeprefix("folded:") in fold(owner).split()
