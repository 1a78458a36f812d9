"""Features, heads and attributions."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from scipy.special import logit
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.utils import estimator_checks

from classifier.calibration import METHODS
from classifier.features import VIEWS, PostVectorizer, prepare
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


def small_classifier(calibration: str = "auto", weights: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)) -> PostClassifier:
    vectorizer = PostVectorizer(min_df=1, weights=weights)
    return PostClassifier(vectorizer, CalibratedLinearHead(calibration=calibration, folds=2), categories=("insult", "other"))


@pytest.fixture(scope="module")
def fitted() -> PostClassifier:
    return small_classifier().fit(TEXTS, np.column_stack([LABELS, 1 - LABELS]))


def test_learns_what_it_is_shown(fitted: PostClassifier) -> None:
    insult, thanks = fitted.predict_proba(["mày là đồ ngu", "cảm ơn cô giáo"])[:, 0]
    assert insult > 0.5 > thanks


def fitted_with(calibration: str) -> PostClassifier:
    return small_classifier(calibration).fit(TEXTS, np.column_stack([LABELS, 1 - LABELS]))


@pytest.mark.parametrize("calibration", ["sigmoid", "temperature"])
def test_probabilities_follow_from_log_odds(calibration: str) -> None:
    classifier = fitted_with(calibration)
    log_odds = classifier.decision_function(TEXTS)
    np.testing.assert_allclose(classifier.predict_proba(TEXTS), 1 / (1 + np.exp(-log_odds)))
    np.testing.assert_array_equal(classifier.predict(TEXTS), log_odds > 0)


@pytest.mark.parametrize("calibration", ["auto", "isotonic"])
def test_more_log_odds_are_never_less_probability(calibration: str) -> None:
    classifier = fitted_with(calibration)
    log_odds, probability = classifier.decision_function(TEXTS), classifier.predict_proba(TEXTS)
    np.testing.assert_array_equal(probability, classifier.probability(log_odds))
    np.testing.assert_array_equal(classifier.predict(TEXTS), probability > 0.5)
    for column in range(2):
        assert (np.diff(probability[np.argsort(log_odds[:, column]), column]) >= 0).all()


@pytest.mark.parametrize("calibration", METHODS)
@pytest.mark.parametrize("text", ["đồ ngu như bò", "do n.g.u", "😂 mai học 0951234567", "", "ngu", "\ud800 lone", "Ｄồ ｎｇｕ n g u"])
def test_word_weights_and_intercept_add_up_to_the_log_odds(calibration: str, text: str) -> None:
    classifier = fitted_with(calibration)
    intercepts = np.array([head.intercept_ for head in classifier.heads_.values()])
    log_odds = classifier.explain([text])[0].weights.sum(axis=0) + intercepts
    np.testing.assert_allclose(log_odds, classifier.decision_function([text])[0], atol=1e-10)
    np.testing.assert_allclose(classifier.probability(log_odds[None]), classifier.predict_proba([text]), atol=1e-10)


@pytest.mark.parametrize("view", range(len(VIEWS)), ids=VIEWS)
def test_a_view_of_weight_zero_has_no_feature(view: int) -> None:
    weights = tuple(0.0 if number == view else 1.0 for number in range(len(VIEWS)))
    classifier = small_classifier(weights=weights).fit(TEXTS, np.column_stack([LABELS, 1 - LABELS]))
    views = {name.split(":")[0] for name in classifier.vectorizer_.get_feature_names_out()}
    assert views == set(VIEWS) - {VIEWS[view]}


def test_pairs_are_tokens_near_each_other_but_not_side_by_side() -> None:
    vectorizer = PostVectorizer(min_df=1, pair_window=3, weights=(0, 0, 0, 1)).fit(["lớp mình học vui nhất"] * 2)
    pairs = {"lop … hoc", "lop … vui", "minh … vui", "minh … nhat", "hoc … nhat"}
    assert set(vectorizer.get_feature_names_out()) == {f"pairs:{pair}" for pair in pairs}
    assert vectorizer.transform(["nhất vui học mình lớp"]).nnz == 0, "order counts"


@pytest.mark.parametrize("min_df", [1, 2])
def test_refitted_features_are_those_of_a_vectorizer_that_saw_some_posts_only(min_df: int) -> None:
    texts, rows = TEXTS * 2, np.array([0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 24, 25, 30, 36])
    settings = {"min_df": min_df, "weights": (1.0, 0.5, 1.5, 0.7)}
    everything = PostVectorizer(**settings)
    features = everything.fit_transform(texts)
    fresh = PostVectorizer(**settings).fit([texts[row] for row in rows])
    column = {name: number for number, name in enumerate(everything.get_feature_names_out())}
    expected = np.zeros(features.shape)
    expected[:, [column[name] for name in fresh.get_feature_names_out()]] = fresh.transform(texts).toarray()
    assert 0 < len(fresh.get_feature_names_out()) < len(column)
    np.testing.assert_allclose(everything.refitted(features, rows).toarray(), expected, atol=1e-12)


# One feature whose value is all there is to know about a row, for heads by themselves.


def simulated_rows(n: int, rate: float, seed: int = 0) -> tuple[sparse.csr_matrix, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < rate).astype(int)
    return sparse.csr_matrix((rng.normal(size=n) + 1.5 * labels)[:, None]), labels


@pytest.mark.parametrize("calibration", METHODS)
def test_natural_rows_alone_decide_what_probabilities_mean(calibration: str) -> None:
    """Half of the other rows are violations, of the natural ones a tenth: probabilities must be right for the latter."""
    natural_rows, natural_labels = simulated_rows(1000, 0.1, seed=1)
    other_rows, other_labels = simulated_rows(1000, 0.5, seed=2)
    rows, labels = sparse.vstack([natural_rows, other_rows], format="csr"), np.concatenate([natural_labels, other_labels])
    natural = np.arange(2000) < 1000
    head = CalibratedLinearHead(calibration=calibration).fit(rows, labels, natural=natural)
    blind = CalibratedLinearHead(calibration=calibration).fit(rows, labels)
    assert head.rate_ == natural_labels.mean()
    assert len(head.out_of_fold_[0]) == len(head.out_of_fold_[1]) == 1000
    np.testing.assert_array_equal(head.out_of_fold_[1], natural_labels == 1)
    if calibration != "temperature":  # which has no intercept to move
        assert head.predict_proba(natural_rows)[:, 1].mean() == pytest.approx(natural_labels.mean(), abs=0.01)
        assert blind.predict_proba(natural_rows)[:, 1].mean() > natural_labels.mean() + 0.05


@pytest.mark.parametrize("calibration", ["sigmoid", "isotonic"])
def test_probabilities_are_right_for_rows_as_they_are_weighted(calibration: str) -> None:
    rows, labels = simulated_rows(2000, 0.3)
    weight = np.where(labels == 1, 1.0, 4.0)
    head = CalibratedLinearHead(calibration=calibration).fit(rows, labels, sample_weight=weight)
    assert head.rate_ == pytest.approx(np.average(labels, weights=weight))
    assert np.average(head.predict_proba(rows)[:, 1], weights=weight) == pytest.approx(head.rate_, abs=0.01)


def test_out_of_fold_probabilities_are_of_weights_that_have_not_seen_the_row() -> None:
    """Each row has a feature of its own and a label by chance: whoever has seen the row knows its label."""
    labels = np.random.default_rng(0).integers(0, 2, size=60)
    head = CalibratedLinearHead(regularization=10, calibration="sigmoid").fit(sparse.identity(60, format="csr"), labels)
    assert roc_auc_score(labels, head.decision_function(sparse.identity(60, format="csr"))) in (0, 1)
    probability, truth = head.out_of_fold_
    assert probability[truth].mean() - probability[~truth].mean() < 0.1


@pytest.mark.parametrize("calibration", METHODS)
def test_an_expected_rate_lowers_probabilities_and_leaves_their_order(calibration: str) -> None:
    rows, labels = simulated_rows(1500, 0.3)
    as_trained = CalibratedLinearHead(calibration=calibration).fit(rows, labels)
    expecting = CalibratedLinearHead(calibration=calibration, expected_rate=0.02).fit(rows, labels)
    before, after = as_trained.predict_proba(rows)[:, 1], expecting.predict_proba(rows)[:, 1]
    assert (after < before).all()
    assert (np.diff(after[np.argsort(before, kind="stable")]) >= -1e-12).all()
    assert after.mean() < 0.1
    shift = logit(0.02) - logit(labels.mean())
    np.testing.assert_allclose(logit(expecting.out_of_fold_[0]) - logit(as_trained.out_of_fold_[0]), shift, rtol=1e-6)
    assert expecting.rate_ == as_trained.rate_ == pytest.approx(labels.mean())
    np.testing.assert_array_equal(expecting.coef_, as_trained.coef_)


def test_rates_are_expected_of_the_categories_that_are_named() -> None:
    labels = np.column_stack([LABELS, 1 - LABELS])
    plain = small_classifier().fit(TEXTS, labels)
    expecting = small_classifier().set_params(expected_rates={"other": 0.01}).fit(TEXTS, labels)
    np.testing.assert_array_equal(expecting.predict_proba(TEXTS)[:, 0], plain.predict_proba(TEXTS)[:, 0])
    np.testing.assert_allclose(expecting.decision_function(TEXTS) - plain.decision_function(TEXTS), [[0, logit(0.01)]] * len(TEXTS), atol=1e-9)
    assert (expecting.heads_["insult"].expected_rate, expecting.heads_["other"].expected_rate) == (None, 0.01)


@pytest.mark.parametrize("calibration", METHODS)
def test_the_expected_rates_can_be_taken_out_again(calibration: str) -> None:
    labels = np.column_stack([LABELS, 1 - LABELS])
    plain = small_classifier(calibration).fit(TEXTS, labels)
    expecting = small_classifier(calibration).set_params(expected_rates={"other": 0.01}).fit(TEXTS, labels)
    np.testing.assert_allclose(expecting.at_training_balance(expecting.predict_proba(TEXTS)), plain.predict_proba(TEXTS), atol=1e-9)
    np.testing.assert_allclose(plain.at_training_balance(plain.predict_proba(TEXTS)), plain.predict_proba(TEXTS))


def test_auto_takes_the_method_with_its_losses_and_a_named_one_is_taken_without_a_contest() -> None:
    rows, labels = simulated_rows(800, 0.3)
    chosen = CalibratedLinearHead(calibration="auto").fit(rows, labels)
    assert chosen.method_ in METHODS
    assert set(chosen.method_losses_) == set(METHODS)
    for method in METHODS:
        head = CalibratedLinearHead(calibration=method).fit(rows, labels)
        assert (head.method_, head.method_losses_) == (method, {})
        assert (head.bend_ is not None) == (method == "isotonic")


def test_an_unknown_calibration_is_named_with_the_known_ones() -> None:
    rows, labels = simulated_rows(50, 0.3)
    with pytest.raises(ValueError, match=r"calibration is 'platt'.*auto.*sigmoid, temperature, isotonic"):
        CalibratedLinearHead(calibration="platt").fit(rows, labels)


def test_what_the_training_rows_scored_is_not_pickled(fitted: PostClassifier) -> None:
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(TEXTS), fitted.predict_proba(TEXTS))
    assert all(hasattr(head, "out_of_fold_") for head in fitted.heads_.values())
    assert not any(hasattr(head, "out_of_fold_") for head in again.heads_.values())


def test_attribution_points_at_the_telling_word(fitted: PostClassifier) -> None:
    attribution = fitted.explain(["hôm nay ngu"])[0]
    assert attribution.words[int(attribution.weights[:, 0].argmax())] == "ngu"


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


def test_heads_fitted_in_processes_are_the_same() -> None:
    labels = np.array([[float("ngu" in text), float(number % 2)] for number, text in enumerate(TEXTS)])
    one, two = (small_classifier().set_params(n_jobs=n).fit(TEXTS, labels) for n in (1, 2))
    np.testing.assert_allclose(two.coefficients(), one.coefficients(), rtol=1e-12)
    for category, head in one.heads_.items():
        np.testing.assert_allclose(two.heads_[category].out_of_fold_[0], head.out_of_fold_[0])


def test_a_vectorizer_keeps_its_segmenter_and_old_ones_have_the_tables() -> None:
    vectorizer = PostVectorizer(min_df=1, segmenter="word_tokenize").fit(TEXTS)
    assert pickle.loads(pickle.dumps(vectorizer)).segmenter == clone(vectorizer).segmenter == "word_tokenize"
    old = PostVectorizer.__new__(PostVectorizer)
    old.__setstate__({name: value for name, value in vectorizer.__getstate__().items() if name != "segmenter"})
    assert old.segmenter == "tables"
    assert (old.transform(TEXTS) != vectorizer.transform(TEXTS)).nnz == 0
