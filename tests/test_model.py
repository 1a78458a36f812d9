"""Features, heads and attributions."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import estimator_checks

from classifier.features import PostVectorizer, prepare
from classifier.model import CalibratedLinearHead, PostClassifier

TEXTS = [
    "đồ ngu như bò",
    "mày ngu quá",
    "thằng óc chó",
    "cái đồ ngu xuẩn",
    "đúng là đồ bò",
    "con chó này ngu",
    "mai học phòng nào",
    "trời hôm nay đẹp",
    "cô giáo giảng hay quá",
    "bán sách cũ giá rẻ",
    "lớp mình mai đi chơi",
    "cảm ơn bạn nhiều nha",
] * 2
LABELS = np.array(([1] * 6 + [0] * 6) * 2, dtype=float)


def small_classifier() -> PostClassifier:
    return PostClassifier(PostVectorizer(min_df=1), CalibratedLinearHead(folds=2), categories=("insult", "other"))


@pytest.fixture(scope="module")
def fitted() -> PostClassifier:
    return small_classifier().fit(TEXTS, np.column_stack([LABELS, 1 - LABELS]))


def test_learns_what_it_is_shown(fitted: PostClassifier) -> None:
    insult, thanks = fitted.predict_proba(["mày là đồ ngu", "cảm ơn cô giáo"])[:, 0]
    assert insult > 0.5 > thanks


def test_probabilities_follow_from_log_odds(fitted: PostClassifier) -> None:
    log_odds = fitted.decision_function(TEXTS)
    np.testing.assert_allclose(fitted.predict_proba(TEXTS), 1 / (1 + np.exp(-log_odds)))
    np.testing.assert_array_equal(fitted.predict(TEXTS), log_odds > 0)


@pytest.mark.parametrize("text", ["đồ ngu như bò", "do n.g.u", "😂 mai học 0951234567", "", "ngu", "\ud800 lone", "Ｄồ ｎｇｕ n g u"])
def test_word_weights_and_intercept_add_up_to_the_log_odds(fitted: PostClassifier, text: str) -> None:
    attribution = fitted.explain([text])[0]
    intercepts = [head.intercept_ for head in fitted.heads_.values()]
    np.testing.assert_allclose(attribution.weights.sum(axis=0) + intercepts, fitted.decision_function([text])[0], atol=1e-10)


def test_attribution_points_at_the_telling_word(fitted: PostClassifier) -> None:
    words, weights = fitted.explain(["hôm nay ngu"])[0]
    assert words[int(weights[:, 0].argmax())] == "ngu"


def test_rows_without_annotation_do_not_train_a_head() -> None:
    texts = [*TEXTS, "mai học phòng nào vậy"] * 2
    labels = np.column_stack([np.append(LABELS, np.nan)] * 2)
    labels = np.vstack([labels, labels])
    with_unknown = small_classifier().fit(prepare(texts), labels)
    known = ~np.isnan(labels[:, 0])
    alone = clone(with_unknown).set_params(vectorizer=PostVectorizer(min_df=1))
    alone.fit([text for text, keep in zip(texts, known, strict=True) if keep], labels[known])
    shared = alone.vectorizer_.get_feature_names_out().size
    assert with_unknown.vectorizer_.get_feature_names_out().size > shared  # the row counts for features, not for the heads
    assert with_unknown.heads_["insult"].coef_.size == with_unknown.vectorizer_.get_feature_names_out().size


def test_weight_zero_is_as_if_the_row_were_not_there() -> None:
    prepared = prepare([*TEXTS, "cảm ơn bạn nhiều nha"])
    features = PostVectorizer(min_df=1).fit_transform(prepared)
    wrong = np.append(LABELS, 1)
    trusted = CalibratedLinearHead(folds=2, class_weight=None).fit(features, wrong, sample_weight=np.append(np.ones(len(TEXTS)), 100.0))
    ignored = CalibratedLinearHead(folds=2, class_weight=None).fit(features, wrong, sample_weight=np.append(np.ones(len(TEXTS)), 1e-9))
    assert trusted.decision_function(features[-1])[0] > ignored.decision_function(features[-1])[0]


def test_a_category_without_both_classes_is_named() -> None:
    with pytest.raises(ValueError, match="other: both classes need at least 2 groups"):
        small_classifier().fit(TEXTS, np.column_stack([LABELS, np.zeros(len(TEXTS))]))


def test_labels_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"y must have shape \(24, 2\)"):
        small_classifier().fit(TEXTS, LABELS)


def test_unfitted_estimators_say_so() -> None:
    for estimator in (PostVectorizer(), PostClassifier()):
        with pytest.raises(NotFittedError):
            (estimator.transform if hasattr(estimator, "transform") else estimator.predict)(["a"])


# scikit-learn skips its data-driven checks for estimators of text; those that need no data apply.
GENERIC_CHECKS = [
    estimator_checks.check_no_attributes_set_in_init,
    estimator_checks.check_parameters_default_constructible,
    estimator_checks.check_get_params_invariance,
    estimator_checks.check_set_params,
    estimator_checks.check_estimator_cloneable,
    estimator_checks.check_estimator_repr,
    estimator_checks.check_do_not_raise_errors_in_init_or_set_params,
    estimator_checks.check_mixin_order,
    estimator_checks.check_estimator_tags_renamed,
    estimator_checks.check_valid_tag_types,
]


@pytest.mark.parametrize("estimator", [PostVectorizer(), PostClassifier()], ids=lambda estimator: type(estimator).__name__)
@pytest.mark.parametrize("check", GENERIC_CHECKS, ids=lambda check: check.__name__)
def test_keeps_scikit_learns_contract(estimator: object, check: object) -> None:
    check(type(estimator).__name__, estimator)  # type: ignore[operator]


def test_keeps_the_contract_on_text(fitted: PostClassifier) -> None:
    """What scikit-learn checks with numbers, checked with posts: refitting, order and subsets change nothing."""
    again = clone(fitted)
    params = again.get_params()
    assert again.fit(TEXTS, np.column_stack([LABELS, 1 - LABELS])) is again
    assert again.get_params() == params
    together = fitted.predict_proba(TEXTS)
    np.testing.assert_allclose(again.predict_proba(TEXTS), together)
    np.testing.assert_allclose(fitted.predict_proba(TEXTS[::-1])[::-1], together)
    np.testing.assert_allclose(np.vstack([fitted.predict_proba([text]) for text in TEXTS]), together)
